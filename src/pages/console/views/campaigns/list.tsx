/** The brand's campaigns. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Campaign } from "../../../../client/client.ts";
import { Empty, useLoad } from "../../parts/load.tsx";
import { Table, useRows, type Column } from "../../parts/rows.tsx";
import { percent } from "../../parts/numbers.ts";
import { count, discountWords } from "../../parts/words.tsx";
import { to } from "../../router.ts";
import { codedrop } from "../../session.ts";
import { StateBadge, StateWords, StockBar, WindowWords } from "./state.tsx";

const COLUMNS: Column<Campaign>[] = [
  {
    name: "Name",
    cell: ({ id, name, slug }) => (
      <span class="named">
        <a href={to("campaigns", id)}>
          <bdi>{name}</bdi>
        </a>
        <span class="quiet">{slug}</span>
      </span>
    ),
  },
  {
    name: "State",
    cell: (campaign) => (
      <span class="state">
        <StateBadge of={campaign} />
        {campaign.mode === "test" && <span class="badge warn">test</span>}
        <span class="quiet">
          <StateWords of={campaign} />
        </span>
      </span>
    ),
  },
  { name: "Stock", cell: ({ id }) => <Stock campaign={id} /> },
  {
    name: "Discount",
    cell: ({ discount }) => <span class="worth">{discountWords(discount)}</span>,
  },
  { name: "Window", cell: (campaign) => <WindowWords of={campaign} /> },
];

export function CampaignList() {
  const rows = useRows((paging, signal) => codedrop.campaigns.list(paging, { signal }).page(), []);
  return (
    <>
      <p>
        <a class="button primary" href={to("campaigns", "new")}>
          New campaign
        </a>
      </p>
      <section class="card campaign-list">
        <Table
          caption="Campaigns, newest first"
          of={rows}
          columns={COLUMNS}
          keyOf={({ id }) => id}
          empty={
            <Empty title="No campaigns yet">
              <p>A campaign says what its codes are worth, who may have one, and when.</p>
              <a class="button" href={to("campaigns", "new")}>
                Make the first
              </a>
            </Empty>
          }
        />
      </section>
    </>
  );
}

/** Whether it was ever on the screen: what nobody scrolls to is not asked for. */
function useSeen() {
  const ref = useRef<HTMLSpanElement>(null);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    if (ref.current === null) return undefined;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) setSeen(true);
    });
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return { ref, isSeen };
}

function Stock({ campaign }: { campaign: string }) {
  const { ref, isSeen } = useSeen();
  return (
    <span ref={ref} class="stock">
      {isSeen ? <SeenStock campaign={campaign} /> : <span class="quiet">…</span>}
    </span>
  );
}

function SeenStock({ campaign }: { campaign: string }) {
  // The series is not shown here, so the least of it is asked for.
  const stats = useLoad((signal) => codedrop.stats(campaign, lastDay(), { signal }), []);
  if (stats.state === "loading") return <span class="quiet">…</span>;
  if (stats.state === "failed") {
    return (
      <button type="button" class="button plain" onClick={stats.again}>
        Not known, try again
      </button>
    );
  }
  const { totals } = stats.value;
  if (totals.codes === 0) return <span class="quiet">No codes yet</span>;
  return (
    <>
      <StockBar totals={totals} />
      <span class="quiet">
        {count(totals.available)} of {count(totals.codes)} left (
        {percent(totals.available, totals.codes)})
      </span>
    </>
  );
}

const lastDay = () =>
  ({ interval: "day", from: new Date(Date.now() - 86_400_000).toISOString() }) as const;
