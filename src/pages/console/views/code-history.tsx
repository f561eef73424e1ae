/** What became of a code, from the first day to now. */

import type { CodeHistory } from "../../../client/client.ts";
import { Time } from "../parts/words.tsx";
import { UserLink } from "./links.tsx";

type Step = CodeHistory["history"][number];

function Words({ step, of: code }: { step: Step; of: CodeHistory }) {
  switch (step.event) {
    case "made":
      return <>{code.batch_id.startsWith("imp_") ? "Imported" : "Made"}</>;
    case "claimed":
      return (
        <>
          Claimed
          {code.user_id !== null && (
            <>
              {" "}
              by <UserLink id={code.user_id} />
            </>
          )}
        </>
      );
    case "redeemed":
      // Of several redemptions only the one that counts is named by the service.
      return (
        <>
          Redeemed
          {code.order_id !== null && step.at === code.redeemed_at && (
            <>
              {" "}
              for order <bdi>{code.order_id}</bdi>
            </>
          )}
        </>
      );
    case "rolled_back":
      return <>Redemption undone: the code could be spent again</>;
    case "expired":
      return <>Expired without being spent</>;
    case "revoked":
      return (
        <>
          Revoked
          {code.revoked_reason !== null && (
            <>
              : <bdi>{code.revoked_reason}</bdi>
            </>
          )}
        </>
      );
  }
}

export function History({ of: code }: { of: CodeHistory }) {
  return (
    <ol class="timeline">
      {code.history.map((step) => (
        <li key={`${step.event} ${step.at}`} class={step.event}>
          <span>
            <Words step={step} of={code} />
          </span>
          <Time at={step.at} isExact />
        </li>
      ))}
      {code.history.length === 1 && <li class="quiet">Nothing has become of it yet.</li>}
    </ol>
  );
}
