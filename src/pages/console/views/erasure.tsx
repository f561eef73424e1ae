/** Taking out what is held about a user. */

import { useEffect, useState } from "preact/hooks";
import type { Erasure } from "../../../client/client.ts";
import { forgetLookedUp } from "../looked-up.ts";
import { Confirm } from "../parts/confirm.tsx";
import { useEvery } from "../parts/every.tsx";
import { Facts } from "../parts/facts.tsx";
import { Field } from "../parts/field.tsx";
import { Failure, useLoad } from "../parts/load.tsx";
import { say } from "../parts/says.tsx";
import { Badge, count, Time } from "../parts/words.tsx";
import { codedrop } from "../session.ts";

const POLL_MS = 2_000;

export function EraseUser(props: {
  id: string;
  onErasing: (erasure: Erasure) => void;
  onClose: () => void;
}) {
  const { id, onErasing, onClose } = props;
  const [typed, setTyped] = useState("");
  const act = async () => {
    const erasure = await codedrop.users.erase(id);
    forgetLookedUp();
    onErasing(erasure);
    say(erasure.status === "complete" ? "The user is erased." : "The erasure has begun.");
  };
  return (
    <Confirm
      title="Erase this user?"
      verb="Erase the user"
      isReady={typed === id}
      act={act}
      onClose={onClose}
    >
      <p>
        <strong>What goes:</strong> the user’s id, e-mail, name and other contact data, from every
        claim and redemption in all campaigns that this key sees. That cannot be undone.
      </p>
      <p>
        <strong>What stays:</strong> the codes, and what was spent on which order, without a name.
        The user keeps the code they have: whoever comes back with the same id gets the same one,
        and no more than are due.
      </p>
      <p class="quiet">
        After a restore of your database from a copy, erase again: who was erased is kept nowhere.
      </p>
      <Field
        label="Type the user’s id to go on"
        hint={
          <>
            It is <bdi class="typed">{id}</bdi>
          </>
        }
      >
        {(control) => (
          <input
            {...control}
            value={typed}
            autoComplete="off"
            autoCapitalize="none"
            spellcheck={false}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        )}
      </Field>
    </Confirm>
  );
}

export function ErasureProgress({ start }: { start: Erasure }) {
  const loaded = useLoad(
    (signal) =>
      start.status === "complete"
        ? Promise.resolve(start)
        : codedrop.users.erasure(start.id, { signal }),
    [start.id],
  );
  const erasure = loaded.state === "there" ? loaded.value : start;
  const isRunning = erasure.status === "running";
  useEvery(isRunning ? POLL_MS : null, loaded.again);
  useEffect(() => {
    if (start.status === "running" && !isRunning) say("The user is erased.");
  }, [isRunning]);
  return (
    <section class="card stack" aria-labelledby="erasure">
      <h2 id="erasure">{isRunning ? "The user is being erased" : "The user is erased"}</h2>
      <p>
        {isRunning
          ? "It goes on by itself, also when you leave this page."
          : "Nothing that names them is left in any campaign that this key sees."}
      </p>
      <Facts
        of={[
          ["State", <Badge of={erasure.status} />],
          ["Claims taken from so far", count(erasure.claims)],
          ["Asked for", <Time at={erasure.created_at} />],
          ["Done", erasure.finished_at && <Time at={erasure.finished_at} />],
          ["Erasure", <code>{erasure.id}</code>],
        ]}
      />
      {loaded.state === "failed" && <Failure error={loaded.error} again={loaded.again} />}
    </section>
  );
}
