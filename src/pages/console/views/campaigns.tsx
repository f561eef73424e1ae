/** The brand's campaigns. */

import type { Campaign } from "../../../client/client.ts";
import { Empty } from "../parts/load.tsx";
import { Table, useRows, type Column } from "../parts/rows.tsx";
import { Badge, discountWords, Time } from "../parts/words.tsx";
import { to, type Route } from "../router.ts";
import { codedrop } from "../session.ts";
import type { View } from "../shell.tsx";

export function campaignPages(rest: Route): View | undefined {
  if (rest.length === 0) return { title: "Campaigns", body: <Campaigns /> };
  return undefined;
}

const COLUMNS: Column<Campaign>[] = [
  { name: "Name", cell: ({ id, name }) => <a href={to("campaigns", id)}>{name}</a> },
  { name: "State", cell: ({ status }) => <Badge of={status} /> },
  { name: "Discount", cell: ({ discount }) => discountWords(discount) },
  { name: "Made", cell: ({ created_at }) => <Time at={created_at} /> },
];

function Campaigns() {
  const rows = useRows((paging, signal) => codedrop.campaigns.list(paging, { signal }).page(), []);
  return (
    <section class="card">
      <Table
        caption="Campaigns"
        of={rows}
        columns={COLUMNS}
        keyOf={({ id }) => id}
        empty={<Empty title="No campaigns yet" />}
      />
    </section>
  );
}
