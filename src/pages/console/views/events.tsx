/** What happened, as the brand's log has it. */

import { useState } from "preact/hooks";
import type { Event } from "../../../client/client.ts";
import { CampaignName } from "../names.tsx";
import { Field } from "../parts/field.tsx";
import { Empty, useLoad } from "../parts/load.tsx";
import { pageWithRows, Table, useRows, type Column } from "../parts/rows.tsx";
import { Time } from "../parts/words.tsx";
import type { Route } from "../router.ts";
import { codedrop } from "../session.ts";
import type { View } from "../shell.tsx";
import { EventData } from "./event-data.tsx";
import { EVENT_CHOICES, EVENT_WORDS } from "./event-words.ts";
import { newestFirst } from "./newest-events.ts";

export function eventPages(rest: Route): View | undefined {
  return rest.length === 0 ? { title: "Events", body: <Events /> } : undefined;
}

const COLUMNS: Column<Event>[] = [
  {
    name: "Event",
    cell: ({ type }) => (
      <>
        {type}
        <p class="hint">{EVENT_WORDS[type]}</p>
      </>
    ),
  },
  {
    name: "Campaign",
    cell: ({ campaign_id: campaign, sequence }) => (
      <span>
        {campaign === null ? "The brand’s own" : <CampaignName id={campaign} />}
        <span class="quiet"> #{sequence}</span>
      </span>
    ),
  },
  { name: "When", cell: ({ timestamp }) => <Time at={timestamp} isExact /> },
  { name: "What", cell: (event) => <EventData of={event} /> },
];

type Type = Event["type"];

interface Filter {
  campaign: string;
  type: Type | "";
  /** Raised to ask again. */
  turn: number;
}

/** One campaign's events are counted, so the newest can be found; the whole log is only read on. */
const isNewestFirst = ({ campaign, type }: Filter) => campaign !== "" && type === "";

function Events() {
  const [filter, setFilter] = useState<Filter>({ campaign: "", type: "", turn: 0 });
  const { campaign, type, turn } = filter;
  const rows = useRows<Event>(
    (paging, signal) => {
      if (isNewestFirst(filter)) return newestFirst(campaign, paging, signal);
      const asked = {
        ...(campaign === "" ? {} : { campaign_id: campaign }),
        ...(type === "" ? {} : { type }),
      };
      return pageWithRows(paging, (next) =>
        codedrop.events.list({ ...asked, ...next }, { signal }).page(),
      );
    },
    [campaign, type, turn],
  );
  const order = isNewestFirst(filter)
    ? "Newest first."
    : "Oldest first. To see the newest first, choose a campaign and all types.";
  return (
    <>
      <Filters of={filter} onChange={setFilter} />
      <section class="card stack" aria-labelledby="log">
        <div class="bar spread">
          <div>
            <h2 id="log">The log</h2>
            <p class="hint">{order} Kept for 30 days.</p>
          </div>
          <button
            type="button"
            class="button"
            onClick={() => setFilter({ ...filter, turn: turn + 1 })}
          >
            Load again
          </button>
        </div>
        <Table
          caption="Events"
          of={rows}
          columns={COLUMNS}
          keyOf={({ id }) => id}
          empty={
            <Empty title="No events">
              <p class="quiet">
                Whatever happens is here: claims, redemptions, codes that run low. Nothing did in
                the last 30 days, of what you asked for.
              </p>
            </Empty>
          }
        />
      </section>
    </>
  );
}

function Filters({ of: filter, onChange }: { of: Filter; onChange: (filter: Filter) => void }) {
  // Enough to choose from; any other is typed.
  const campaigns = useLoad(
    (signal) => codedrop.campaigns.list({ limit: 100 }, { signal }).page(),
    [],
  );
  const known = campaigns.state === "there" ? campaigns.value.data : [];
  return (
    <div class="filters">
      <Field label="Campaign" hint="Its slug or id; all when empty.">
        {(control) => (
          <>
            <input
              {...control}
              list="campaigns"
              value={filter.campaign}
              autoCapitalize="none"
              autoComplete="off"
              spellcheck={false}
              maxLength={63}
              onChange={(event) =>
                onChange({ ...filter, campaign: event.currentTarget.value.trim() })
              }
            />
            <datalist id="campaigns">
              {known.map(({ id, slug, name }) => (
                <option key={id} value={slug} label={name} />
              ))}
            </datalist>
          </>
        )}
      </Field>
      <Field label="Type of event">
        {(control) => (
          <select
            {...control}
            value={filter.type}
            onChange={(event) =>
              onChange({ ...filter, type: event.currentTarget.value as Filter["type"] })
            }
          >
            <option value="">All types</option>
            {EVENT_CHOICES.map(({ value }) => (
              <option key={value} value={value}>
                {value}
              </option>
            ))}
          </select>
        )}
      </Field>
    </div>
  );
}
