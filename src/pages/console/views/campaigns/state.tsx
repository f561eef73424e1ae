/** A campaign's state and stock, in words and as a bar. */

import type { Campaign, Stats } from "../../../../client/client.ts";
import { count, Time } from "../../parts/words.tsx";

const KINDS = { active: "good", scheduled: "accent", paused: "warn", ended: "" } as const;

export type State = keyof typeof KINDS;

export function stateOf({ status, starts_at: start }: Campaign, now = Date.now()): State {
  const isAhead = start !== null && Date.parse(start) > now;
  return status === "active" && isAhead ? "scheduled" : status;
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;

/** "in 3 hours", "2 days ago"; to the unit that says enough. */
export function fromNow(at: string | number, now = Date.now()): string {
  const ms = new Date(at).getTime() - now;
  const [unit, size] = UNITS.find(([, of]) => Math.abs(ms) >= of) ?? ["minute", 60_000];
  return relative.format(Math.round(ms / size), unit);
}

export function StateBadge({ of: campaign }: { of: Campaign }) {
  const state = stateOf(campaign);
  return <span class={`badge ${KINDS[state]}`}>{state}</span>;
}

/** What the state means right now, where the word does not say all. */
export function StateWords({ of: campaign }: { of: Campaign }) {
  const { starts_at: start, ends_at: end, breaker_tripped_at: tripped } = campaign;
  const state = stateOf(campaign);
  if (state === "scheduled" && start !== null) return <>starts {fromNow(start)}</>;
  if (state === "paused" && tripped !== null) return <>paused by its breaker {fromNow(tripped)}</>;
  if (state === "active" && end !== null) return <>ends {fromNow(end)}</>;
  return null;
}

export function WindowWords({ of: { starts_at: start, ends_at: end } }: { of: Campaign }) {
  if (start === null && end === null) return <>No time limit</>;
  return (
    <span class="window">
      {start === null ? "until" : <Time at={start} />}
      {start !== null && (end === null ? " on" : " –")} {end !== null && <Time at={end} />}
    </span>
  );
}

type Totals = Stats["totals"];

/** In the order of the bar; what is left comes first. */
export const PARTS = [
  ["available", "Available"],
  ["claimed", "Claimed"],
  ["redeemed", "Redeemed"],
  ["gone", "Expired or revoked"],
] as const;

export function partsOf(totals: Totals): Record<(typeof PARTS)[number][0], number> {
  const { available, claimed, redeemed, expired, revoked } = totals;
  return { available, claimed, redeemed, gone: expired + revoked };
}

function stockWords(totals: Totals): string {
  const parts = partsOf(totals);
  return PARTS.filter(([part]) => part !== "gone" || parts.gone > 0)
    .map(([part, name]) => `${count(parts[part])} ${name.toLowerCase()}`)
    .join(", ");
}

export function StockBar({ totals }: { totals: Totals }) {
  const parts = partsOf(totals);
  return (
    <span class="stock-bar" role="img" aria-label={stockWords(totals)}>
      {totals.codes > 0 &&
        PARTS.filter(([part]) => parts[part] > 0).map(([part]) => (
          <span key={part} class={part} style={{ flexGrow: parts[part] }} />
        ))}
    </span>
  );
}
