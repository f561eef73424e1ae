/** The proof that no code was given twice, on request: it reads every claim. */

import { useState } from "preact/hooks";
import type { Integrity as Verdict } from "../../../../client/client.ts";
import { useAct } from "../../parts/act.tsx";
import { Failure } from "../../parts/load.tsx";
import { counted } from "../../parts/numbers.ts";
import { count, Time } from "../../parts/words.tsx";
import { codedrop } from "../../session.ts";

export function Integrity({ campaign }: { campaign: string }) {
  const { isBusy, error, run } = useAct();
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const check = () => run(async () => setVerdict(await codedrop.integrity(campaign)));
  return (
    <section class="card stack" aria-labelledby="integrity">
      <h2 id="integrity">Proof</h2>
      <p class="quiet">
        Holds every claim against every code. That takes seconds, for millions of codes minutes.
      </p>
      <button type="button" class="button" aria-disabled={isBusy} onClick={() => void check()}>
        {isBusy ? "Checking" : "Check integrity"}
      </button>
      <div role="status">{verdict !== null && <Words of={verdict} />}</div>
      {error !== null && <Failure error={error} again={() => void check()} />}
    </section>
  );
}

function Words({ of: verdict }: { of: Verdict }) {
  const { codes, claimed, available, leased, revoked } = verdict;
  const wrong = wrongs(verdict);
  return (
    <div class={`notice ${verdict.ok ? "good" : "bad"}`}>
      <h3>{verdict.ok ? "Everything agrees" : "Something does not agree"}</h3>
      {wrong.length > 0 && (
        <ul>
          {wrong.map((words) => (
            <li key={words}>{words}</li>
          ))}
        </ul>
      )}
      <p>
        {verdict.ok && "No code was given twice, and no user has more codes than one may have. "}
        {counted(codes, "code was", "codes were")} made: {counted(claimed, "was", "were")} given,{" "}
        {counted(available + leased, "is", "are")} left
        {revoked > 0 && `, ${counted(revoked, "was", "were")} revoked`}.
        {verdict.unprojected > 0 &&
          ` ${count(verdict.unprojected)} of the newest claims show in lists within seconds.`}
      </p>
      <p class="quiet">
        Checked <Time at={verdict.checked_at} />
      </p>
    </div>
  );
}

function wrongs({ duplicate_codes, duplicate_users, stranded }: Verdict): string[] {
  return [
    duplicate_codes > 0 && `${count(duplicate_codes)} codes were given more than once.`,
    duplicate_users > 0 && `${count(duplicate_users)} users have more codes than one may.`,
    stranded > 0 && `${count(stranded)} codes can be reached by nobody.`,
  ].filter((words) => words !== false);
}
