/** Values as words for people. */

import type { Discount } from "../client/client.ts";

// What a terminal would obey rather than show: control characters with C1 (U+009B opens an escape
// sequence as ESC [ does), and what turns the direction of text around.
const UNSHOWN =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

const inHex = (character: string) => (character.codePointAt(0) ?? 0).toString(16);

/** One line that a terminal shows as it is. Codes and user ids may hold anything. */
export function plain(text: string): string {
  return text.replace(UNSHOWN, (character) => `\\u{${inHex(character)}}`);
}

/** One line of JSON, with what a terminal would obey escaped: the same value to every parser. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    UNSHOWN,
    (character) => `\\u${inHex(character).padStart(4, "0")}`,
  );
}

/** For text of many lines on a terminal. */
export function plainLines(text: string): string {
  return text.replace(UNSHOWN, (character) =>
    /[\t\n\r]/.test(character) ? character : `\\u{${inHex(character)}}`,
  );
}

export function number(value: number): string {
  return value.toLocaleString("en");
}

const UNITS = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
] as const;

/** The two largest units: `3 min 20 s`, `30 d`. Below ten seconds with tenths. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.round(seconds);
  const parts: string[] = [];
  let rest = whole;
  for (const [size, name] of UNITS) {
    const count = Math.floor(rest / size);
    rest %= size;
    if (count > 0) parts.push(`${number(count)} ${name}`);
    else if (parts.length > 0) break;
  }
  return parts.slice(0, 2).join(" ");
}

export function bytes(count: number): string {
  if (count < 1_000) return `${count} B`;
  if (count < 1_000_000) return `${(count / 1_000).toFixed(1)} kB`;
  return `${(count / 1_000_000).toFixed(1)} MB`;
}

/** Digits after the point where they are not two (ISO 4217). Intl follows CLDR, which differs. */
const MINOR_DIGITS: Record<string, number> = Object.fromEntries([
  ..."BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
    .split(" ")
    .map((currency) => [currency, 0]),
  ..."BHD IQD JOD KWD LYD OMR TND".split(" ").map((currency) => [currency, 3]),
  ..."CLF UYW".split(" ").map((currency) => [currency, 4]),
]) as Record<string, number>;

export function minorDigits(currency: string): number {
  return MINOR_DIGITS[currency] ?? 2;
}

/** Minor units as an amount: 500 and EUR are `5.00 EUR`. */
export function money(minorUnits: number, currency: string): string {
  const digits = minorDigits(currency);
  return `${(minorUnits / 10 ** digits).toFixed(digits)} ${currency}`;
}

export function discountText(discount: Discount | null): string {
  if (discount === null) return "none";
  const { type, value = 0, currency = "", description } = discount;
  const { minimum_order_amount: minimum, maximum_discount_amount: maximum } = discount;
  const texts = {
    percentage: `${value}%`,
    fixed_amount: money(value, currency),
    free_shipping: "free shipping",
    other: description ?? "other",
  };
  const most = maximum === undefined ? "" : `, ${money(maximum, currency)} at most`;
  const least = minimum === undefined ? "" : `, for orders from ${money(minimum, currency)}`;
  return `${texts[type] ?? type}${most}${least}`;
}
