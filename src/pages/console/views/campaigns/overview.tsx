/** How a campaign goes: what is left, what became of the rest, and how fast. */

import { useEffect, useState } from "preact/hooks";
import type { LiveStock, Stats } from "../../../../client/client.ts";
import { Empty, Show, useLoad } from "../../parts/load.tsx";
import { counted, percent } from "../../parts/numbers.ts";
import { count, Time } from "../../parts/words.tsx";
import { to } from "../../router.ts";
import { codedrop } from "../../session.ts";
import type { Of } from "./campaign.tsx";
import { Integrity } from "./integrity.tsx";
import { useLive, type Live } from "./live.ts";
import { OverTime } from "./over-time.tsx";
import { fromNow, PARTS, partsOf, stateOf, StockBar } from "./state.tsx";

/** While claims come in, what is not told live is asked for again this often. */
const REFRESH_MS = 4_000;

/** A number that follows another at most once in `ms`: what changes it may change all the time. */
function useThrottled(value: string, ms: number): string {
  const [kept, setKept] = useState({ value, at: 0 });
  useEffect(() => {
    if (value === kept.value) return undefined;
    const wait = Math.max(0, kept.at + ms - Date.now());
    const timer = setTimeout(() => setKept({ value, at: Date.now() }), wait);
    return () => clearTimeout(timer);
  }, [value, kept]);
  return kept.value;
}

export function Overview({ campaign }: Of) {
  const live = useLive(campaign.id, campaign.status !== "ended");
  const stock = live.stock;
  const moved = useThrottled(
    stock === null ? "" : [stock.codes, stock.available, stock.claimed, stock.redeemed].join(),
    REFRESH_MS,
  );
  const stats = useLoad((signal) => codedrop.stats(campaign.id, {}, { signal }), [campaign.id]);
  useEffect(() => {
    if (moved !== "") stats.again();
  }, [moved, campaign.status]);
  return (
    <Show of={stats}>
      {({ totals, claims_per_hour, empty_at }) =>
        totals.codes === 0 && (stock?.codes ?? 0) === 0 ? (
          <section class="card">
            {campaign.status === "ended" ? (
              <Empty title="It has ended without a code" />
            ) : (
              <Empty title="No codes yet">
                <p>Users get a code each, so this campaign needs some first.</p>
                <p class="bar">
                  <a class="button primary" href={to("campaigns", campaign.id, "batches")}>
                    Make codes
                  </a>
                  <a class="button" href={to("campaigns", campaign.id, "imports")}>
                    Import your own
                  </a>
                </p>
              </Empty>
            )}
          </section>
        ) : (
          <>
            <div class="columns">
              <Stock totals={totals} stock={stock} live={live} />
              <Pace
                perHour={stock?.claims_per_hour ?? claims_per_hour}
                available={stock?.available ?? totals.available}
                emptyAt={empty_at}
                state={stateOf(campaign)}
              />
            </div>
            <Funnel totals={totals} stock={stock} />
            <OverTime campaign={campaign} moved={moved} />
            <Integrity campaign={campaign.id} />
          </>
        )
      }
    </Show>
  );
}

const LIVE_WORDS = {
  connecting: "Connecting",
  live: "Live",
  lost: "Connection lost, trying again",
  off: "",
};

interface Told {
  totals: Stats["totals"];
  stock: LiveStock | null;
}

/** The feed knows of the newest codes that left; what became of them the totals say. */
function totalsNow({ totals, stock }: Told): Stats["totals"] {
  if (stock === null) return totals;
  const { codes, available, redeemed } = stock;
  const { expired, revoked } = totals;
  const claimed = Math.max(0, codes - available - redeemed - expired - revoked);
  return { codes, available, claimed, redeemed, expired, revoked };
}

function Stock({ totals, stock, live }: Told & { live: Live }) {
  const now = totalsNow({ totals, stock });
  const parts = partsOf(now);
  const said = useThrottled(`${counted(now.available, "code")} left.`, 10_000);
  return (
    <section class="card stack" aria-labelledby="stock">
      <header class="bar spread">
        <h2 id="stock">Stock</h2>
        <span class={`live is-${live.state}`} role="status">
          {LIVE_WORDS[live.state]}
        </span>
      </header>
      <p class="figure">
        <strong data-live="available">{count(now.available)}</strong> of {count(now.codes)} left
      </p>
      <p class="visually-hidden" aria-live="polite">
        {live.state === "live" ? said : ""}
      </p>
      <StockBar totals={now} />
      <dl class="legend">
        {PARTS.filter(([part]) => part !== "gone" || parts.gone > 0).map(([part, name]) => (
          <div key={part}>
            <dt>
              <span class={`dot ${part}`} aria-hidden="true" /> {name}
            </dt>
            <dd data-live={part === "available" ? undefined : part}>{count(parts[part])}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

interface PaceProps {
  perHour: number;
  available: number;
  emptyAt: string | null;
  state: string;
}

function Pace({ perHour, available, emptyAt, state }: PaceProps) {
  return (
    <section class="card stack" aria-labelledby="pace">
      <h2 id="pace">Pace</h2>
      <p class="figure">
        <strong data-live="rate">{count(perHour)}</strong> {perHour === 1 ? "claim" : "claims"} an
        hour
      </p>
      <p>
        {state === "ended" ? (
          "The campaign has ended: nobody gets a code any more."
        ) : state !== "active" ? (
          `Nobody gets a code while the campaign is ${state}.`
        ) : available === 0 ? (
          "No code is left: users are told so until you add some."
        ) : emptyAt === null ? (
          "There is no telling when the codes run out: hardly any are asked for at present."
        ) : (
          <>
            At this pace the last code is given {fromNow(emptyAt)} (<Time at={emptyAt} />
            ).
          </>
        )}
      </p>
    </section>
  );
}

/** Made, then given to a user, then spent in an order. */
function Funnel({ totals, stock }: Told) {
  const { codes, redeemed, claimed: held } = totalsNow({ totals, stock });
  const claimed = stock?.claimed ?? held + redeemed + totals.expired;
  const steps = [
    ["Made", codes, ""],
    ["Claimed", claimed, `${percent(claimed, codes)} of those made`],
    ["Redeemed", redeemed, `${percent(redeemed, claimed)} of those claimed`],
  ] as const;
  return (
    <section class="card stack" aria-labelledby="funnel">
      <h2 id="funnel">From code to order</h2>
      <ol class="funnel">
        {steps.map(([name, many, rate]) => (
          <li key={name}>
            <span class="step">{name}</span>
            <span class="track" aria-hidden="true">
              <span
                style={{ width: `${codes === 0 ? 0 : Math.min(100, (many / codes) * 100)}%` }}
              />
            </span>
            <span>
              <strong data-live={`funnel-${name.toLowerCase()}`}>{count(many)}</strong>{" "}
              <span class="quiet">{rate}</span>
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
