/** What was sent to an endpoint, is on its way, or did not get there. */

import { useEffect, useState } from "preact/hooks";
import type { Delivery, WebhookEndpoint } from "../../../../client/client.ts";
import { CampaignName } from "../../names.tsx";
import { useEvery } from "../../parts/every.tsx";
import { Field } from "../../parts/field.tsx";
import { Empty } from "../../parts/load.tsx";
import { Table, useRows, type Column, type Rows } from "../../parts/rows.tsx";
import { Badge, Time } from "../../parts/words.tsx";
import { to } from "../../router.ts";
import { codedrop } from "../../session.ts";
import { lastAttemptWords } from "./words.tsx";

type Status = Delivery["status"];

/** While something is on its way; else to see what is new. */
const PENDING_MS = 2_000;
const IDLE_MS = 10_000;
/** As many as the list shows at first, so that nothing new is missed between two looks. */
const LOOK_ROWS = 25;

const COLUMNS: Column<Delivery>[] = [
  {
    name: "Event",
    cell: ({ id, endpoint_id: endpoint, event_type: type }) => (
      <a class="whole" href={to("webhooks", endpoint, id)}>
        {type}
      </a>
    ),
  },
  { name: "State", cell: ({ status }) => <Badge of={status} /> },
  {
    name: "Campaign",
    cell: ({ campaign_id: campaign, sequence }) =>
      campaign === null ? (
        <span class="quiet">–</span>
      ) : (
        <span>
          <CampaignName id={campaign} />
          {sequence !== null && <span class="quiet"> #{sequence}</span>}
        </span>
      ),
  },
  { name: "Last attempt", cell: lastAttemptWords },
  { name: "Attempts", cell: ({ attempts }) => attempts.length, isNumber: true },
  { name: "Made", cell: ({ created_at: at }) => <Time at={at} /> },
];

/** The list with its newest rows as they are by now; null where the list must be asked anew. */
function renewed(rows: Delivery[], newest: Delivery[]): Delivery[] | null {
  const last = newest.at(-1);
  if (newest.length < LOOK_ROWS || last === undefined) return newest;
  const at = rows.findIndex(({ id }) => id === last.id);
  return at < 0 ? null : [...newest, ...rows.slice(at + 1)];
}

function useDeliveries(endpoint: string, status: Status | null, turn: number): Rows<Delivery> {
  const filter = { endpoint_id: endpoint, ...(status === null ? {} : { status }) };
  const list = useRows(
    (paging, signal) => codedrop.deliveries.list({ ...filter, ...paging }, { signal }).page(),
    [endpoint, status],
  );
  const [newest, setNewest] = useState<Delivery[] | null>(null);
  const look = async () => {
    try {
      const page = await codedrop.deliveries.list({ ...filter, limit: LOOK_ROWS }).page();
      setNewest(page.data);
      if (list.rows.length > 0 && renewed(list.rows, page.data) === null) list.again();
    } catch {
      // What is there stays; the next look may find more.
    }
  };
  useEffect(() => setNewest(null), [endpoint, status]);
  useEffect(() => {
    if (turn > 0) void look();
  }, [turn]);
  const rows = (newest === null ? null : renewed(list.rows, newest)) ?? list.rows;
  const isPending = rows.some((delivery) => delivery.status === "pending");
  useEvery(list.isComplete === null ? null : isPending ? PENDING_MS : IDLE_MS, () => void look());
  return { ...list, rows };
}

export function Deliveries({ endpoint, turn }: { endpoint: WebhookEndpoint; turn: number }) {
  const [status, setStatus] = useState<Status | null>(null);
  const rows = useDeliveries(endpoint.id, status, turn);
  return (
    <section class="card stack" aria-labelledby="deliveries">
      <div class="bar spread">
        <h2 id="deliveries">Deliveries</h2>
        <div class="filters">
          <Field label="State">
            {(control) => (
              <select
                {...control}
                value={status ?? ""}
                onChange={(event) => {
                  const { value } = event.currentTarget;
                  setStatus(value === "" ? null : (value as Status));
                }}
              >
                <option value="">All</option>
                <option value="pending">pending</option>
                <option value="delivered">delivered</option>
                <option value="failed">failed</option>
              </select>
            )}
          </Field>
        </div>
      </div>
      <Table
        caption="Deliveries, newest first"
        of={rows}
        columns={COLUMNS}
        keyOf={({ id }) => id}
        empty={
          <Empty title={status === null ? "Nothing sent yet" : `No delivery is ${status}`}>
            <p class="quiet">
              {status === null
                ? "Send a test, or wait for the first event. What ended is kept for 30 days."
                : "The list follows by itself."}
            </p>
          </Empty>
        }
      />
    </section>
  );
}
