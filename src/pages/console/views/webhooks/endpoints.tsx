/** The list of webhook endpoints. */

import type { WebhookEndpoint } from "../../../../client/client.ts";
import { Empty, useLoad } from "../../parts/load.tsx";
import { Table, useRows, type Column } from "../../parts/rows.tsx";
import { Badge, Time } from "../../parts/words.tsx";
import { to } from "../../router.ts";
import { codedrop } from "../../session.ts";
import { EndpointState, lastAttemptWords } from "./words.tsx";

/** How its newest delivery went; asked for each row by itself, so that the list need not wait. */
function Health({ id }: { id: string }) {
  const newest = useLoad(
    (signal) => codedrop.deliveries.list({ endpoint_id: id, limit: 1 }, { signal }).page(),
    [id],
  );
  if (newest.state === "loading") return <span class="quiet">…</span>;
  const delivery = newest.state === "there" ? newest.value.data[0] : undefined;
  if (newest.state === "failed") return <span class="quiet">Not known</span>;
  if (delivery === undefined) return <span class="quiet">Nothing sent yet</span>;
  return (
    <span class="health">
      <Badge of={delivery.status} />
      <span class="quiet">
        {lastAttemptWords(delivery)}, <Time at={delivery.created_at} />
      </span>
    </span>
  );
}

const COLUMNS: Column<WebhookEndpoint>[] = [
  {
    name: "Address",
    cell: ({ id, url, description }) => (
      <div class="main address">
        <a href={to("webhooks", id)}>{url}</a>
        {description !== null && (
          <p class="hint">
            <bdi>{description}</bdi>
          </p>
        )}
      </div>
    ),
  },
  { name: "State", cell: (endpoint) => <EndpointState of={endpoint} /> },
  { name: "Newest delivery", cell: ({ id }) => <Health id={id} /> },
  {
    name: "Events",
    cell: ({ events }) => (
      <span class="whole">
        {events[0] === "*" ? "All" : `${events.length} ${events.length === 1 ? "type" : "types"}`}
      </span>
    ),
  },
  { name: "Mode", cell: ({ mode }) => mode },
];

export function Endpoints() {
  const rows = useRows(
    (paging, signal) => codedrop.webhookEndpoints.list(paging, { signal }).page(),
    [],
  );
  return (
    <>
      <div class="bar spread">
        <p class="quiet">Addresses of yours that are told what happens, as it happens.</p>
        <a class="button primary" href={to("webhooks", "new")}>
          New endpoint
        </a>
      </div>
      <section class="card">
        <Table
          caption="Webhook endpoints"
          of={rows}
          columns={COLUMNS}
          keyOf={({ id }) => id}
          empty={
            <Empty title="No webhook endpoints yet">
              <p class="quiet">
                Make one, and your server is called whenever a user gets a code, spends it, or codes
                run low.
              </p>
              <a class="button" href={to("webhooks", "new")}>
                Make the first one
              </a>
            </Empty>
          }
        />
      </section>
    </>
  );
}
