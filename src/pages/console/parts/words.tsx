/** Numbers, times and states, as people read them. */

import type { Discount } from "../../../client/client.ts";
import { say } from "./says.tsx";

const counts = new Intl.NumberFormat("en");
const times = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

export const count = (number: number) => counts.format(number);

/** In the reader's own zone; the exact time in UTC when pointed at. */
export function Time({ at }: { at: string | null }) {
  if (at === null) return <span class="quiet">–</span>;
  return (
    <time dateTime={at} title={at}>
      {times.format(new Date(at))}
    </time>
  );
}

/** How a state is coloured: the word says it, too. */
const KINDS: Record<string, string> = {
  active: "good",
  complete: "good",
  delivered: "good",
  available: "good",
  claimed: "accent",
  redeemed: "good",
  running: "accent",
  pending: "accent",
  paused: "warn",
  disabled: "bad",
  failed: "bad",
  revoked: "bad",
};

export function Badge({ of: state }: { of: string }) {
  return <span class={`badge ${KINDS[state] ?? ""}`}>{state}</span>;
}

export function discountWords(discount: Discount | null): string {
  if (discount === null) return "No discount set";
  const { type, value, currency, description } = discount;
  if (type === "percentage" && value != null) return `${value} % off`;
  if (type === "fixed_amount" && value != null && currency != null) {
    const money = new Intl.NumberFormat("en", { style: "currency", currency });
    const digits = money.resolvedOptions().maximumFractionDigits ?? 2;
    return `${money.format(value / 10 ** digits)} off`;
  }
  if (type === "free_shipping") return "Free shipping";
  return description ?? "Other";
}

/** A text to be taken along, such as a code or a new key. */
export function Copy({ text, name }: { text: string; name: string }) {
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    say(`${name} copied.`);
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
