/** Numbers, times and states, as people read them. */

import type { Discount } from "../../../client/client.ts";
import { say } from "./says.tsx";

const counts = new Intl.NumberFormat("en");
const times = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const exactTimes = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });

export const count = (number: number) => counts.format(number);

/** In the reader's own zone; the exact time in UTC when pointed at. `isExact`: with its seconds. */
export function Time({ at, isExact = false }: { at: string | null; isExact?: boolean }) {
  if (at === null) return <span class="quiet">–</span>;
  return (
    <time dateTime={at} title={at}>
      {(isExact ? exactTimes : times).format(new Date(at))}
    </time>
  );
}

/** How a state is coloured: the word says it, too. */
const KINDS: Record<string, string> = {
  active: "good",
  enabled: "good",
  complete: "good",
  delivered: "good",
  available: "good",
  claimed: "accent",
  redeemed: "good",
  running: "accent",
  pending: "accent",
  paused: "warn",
  "expires soon": "warn",
  disabled: "bad",
  rolled_back: "warn",
  expired: "warn",
  failed: "bad",
  revoked: "bad",
};

export function Badge({ of: state }: { of: string }) {
  return <span class={`badge ${KINDS[state] ?? ""}`}>{state.replaceAll("_", " ")}</span>;
}

/** An amount in minor units. */
export function money(of: { amount: number; currency: string } | null): string {
  if (of === null) return "–";
  const format = new Intl.NumberFormat("en", { style: "currency", currency: of.currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(of.amount / 10 ** digits);
}

export function discountWords(discount: Discount | null): string {
  if (discount === null) return "None set";
  const { type, value, currency, description } = discount;
  if (type === "percentage" && value != null) return `${value} % off`;
  if (type === "fixed_amount" && value != null && currency != null) {
    return `${money({ amount: value, currency })} off`;
  }
  if (type === "free_shipping") return "Free shipping";
  return description ?? "Other";
}

/** A text to be taken along, such as a code or a new key. */
export function Copy({ text, name }: { text: string; name: string }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say(`${name} copied.`);
    } catch {
      say("Your browser did not let us copy. Select the text and copy it yourself.");
    }
  };
  return (
    <span class="copy">
      <code>{text}</code>
      <button type="button" class="button plain" onClick={() => void copy()}>
        Copy<span class="visually-hidden"> {name}</span>
      </button>
    </span>
  );
}
