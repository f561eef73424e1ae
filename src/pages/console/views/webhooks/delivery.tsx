/** One event on its way to one endpoint, with every attempt. */

import type { Delivery, DeliveryAttempt } from "../../../../client/client.ts";
import { useState } from "preact/hooks";
import { CampaignName } from "../../names.tsx";
import { useAct } from "../../parts/act.tsx";
import { useEvery } from "../../parts/every.tsx";
import { Facts } from "../../parts/facts.tsx";
import { Failure, Show, useLoad } from "../../parts/load.tsx";
import { everyRow, Table, type Column } from "../../parts/rows.tsx";
import { say } from "../../parts/says.tsx";
import { Badge, Time } from "../../parts/words.tsx";
import { to } from "../../router.ts";
import { codedrop } from "../../session.ts";
import { attemptWords, duration } from "./words.tsx";

const PENDING_MS = 1_500;

export function DeliveryPage({ id, endpoint }: { id: string; endpoint: string }) {
  const found = useLoad((signal) => codedrop.deliveries.get(id, { signal }), [id]);
  const delivered = found.state === "there" ? found.value : null;
  // Sent again: what came of it is not there at once, whatever the status says meanwhile.
  const [before, setBefore] = useState<string | null>(null);
  const isAwaited =
    delivered?.status === "pending" || (before !== null && before === lastAttempt(delivered));
  useEvery(isAwaited ? PENDING_MS : null, found.again);
  const again = () => {
    setBefore(lastAttempt(delivered));
    found.again();
  };
  return (
    <>
      <p>
        <a href={to("webhooks", endpoint)}>← Back to the endpoint</a>
      </p>
      <Show of={found}>{(delivery) => <DeliveryCard delivery={delivery} again={again} />}</Show>
    </>
  );
}

const lastAttempt = (delivery: Delivery | null) => delivery?.attempts.at(-1)?.at ?? null;

const COLUMNS: Column<DeliveryAttempt>[] = [
  { name: "Time", cell: ({ at }) => <Time at={at} isExact /> },
  { name: "What came", cell: attemptWords },
  { name: "Took", cell: ({ duration_ms: ms }) => duration(ms), isNumber: true },
  {
    name: "Answer begins",
    cell: ({ answer }) =>
      answer === null || answer === "" ? (
        <span class="quiet">empty</span>
      ) : (
        <code class="answer">{answer}</code>
      ),
  },
];

function DeliveryCard({ delivery, again }: { delivery: Delivery; again: () => void }) {
  const { isBusy, error, run } = useAct();
  const retry = async () => {
    await codedrop.deliveries.retry(delivery.id);
    say("It is being sent again.");
    again();
  };
  return (
    <>
      <section class="card stack" aria-labelledby="delivery">
        <div class="bar">
          <h2 id="delivery">{delivery.event_type}</h2>
          <Badge of={delivery.status} />
        </div>
        <DeliveryFacts of={delivery} />
        <div class="bar">
          <button
            type="button"
            class="button"
            aria-disabled={isBusy}
            onClick={() => void run(retry)}
          >
            Send it again
          </button>
          <span class="quiet">
            With the same webhook-id, so a receiver that had it knows it again.
          </span>
        </div>
        {error !== null && <Failure error={error} />}
      </section>
      <section class="card stack">
        <h2>Attempts</h2>
        <Table
          caption="Attempts, oldest first"
          of={everyRow(delivery.attempts)}
          columns={COLUMNS}
          keyOf={({ at }) => at}
          empty={<p class="quiet">Not tried yet.</p>}
        />
      </section>
    </>
  );
}

function DeliveryFacts({ of: delivery }: { of: Delivery }) {
  const { campaign_id: campaign, next_attempt_at: next } = delivery;
  return (
    <Facts
      of={[
        ["Campaign", campaign && <CampaignName id={campaign} />],
        ["Sequence", delivery.sequence],
        ["Made", <Time at={delivery.created_at} />],
        ["Next attempt", next && <Time at={next} />],
        ["webhook-id", delivery.event_id && <code>{delivery.event_id}</code>],
        ["Delivery", <code>{delivery.id}</code>],
      ]}
    />
  );
}
