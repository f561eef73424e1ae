/** Arguments as people write them. */

import type { Discount } from "../client/client.ts";
import { minorDigits } from "./text.ts";

/** The command was written wrongly: told with its usage, before anything is sent. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The environment is set wrongly: the command may be fine. */
export class SetupError extends UsageError {}

/** A whole number from 1 on; `1_000_000` is easier to read. */
export function parseCount(text: string, name: string): number {
  const value = /^\d+(_\d+)*$/.test(text) ? Number(text.replaceAll("_", "")) : 0;
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new UsageError(`${name} must be a whole number such as 1000 or 1_000_000.`);
  }
  return value;
}

const UNIT_SECONDS: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** Seconds, or a number with its unit: `90m`, `12h`, `30d`. */
export function parseDuration(text: string, name: string): number {
  const [, digits, unit = "s"] = /^(\d+)([smhdw])?$/.exec(text) ?? [];
  const seconds = Number(digits) * (UNIT_SECONDS[unit] ?? 0);
  if (!Number.isSafeInteger(seconds) || seconds < 1) {
    throw new UsageError(`${name} must be seconds, or a time such as 90m, 12h or 30d.`);
  }
  return seconds;
}

/** An amount with its currency, in minor units; null when it is none. */
function amountOf(text: string): { value: number; currency: string } | null {
  const [, amount = "", code = ""] = /^(\d+(?:\.\d+)?) ?([A-Za-z]{3})$/.exec(text.trim()) ?? [];
  if (amount === "") return null;
  const currency = code.toUpperCase();
  const digits = minorDigits(currency);
  const [whole = "", fraction = ""] = amount.split(".");
  if (fraction.length > digits) {
    throw new UsageError(`${currency} has ${digits} digits after the point at most.`);
  }
  const value = Number(whole + fraction.padEnd(digits, "0"));
  return Number.isSafeInteger(value) ? { value, currency } : null;
}

/** An amount that has an option of its own. */
export function parseAmount(text: string, name: string): { value: number; currency: string } {
  const amount = amountOf(text);
  if (amount === null) throw new UsageError(`${name} must be such as "49.90 EUR".`);
  return amount;
}

const DISCOUNT_FORMS = '--discount must be such as 15%, "5.00 EUR" or "free shipping".';

/** A percentage, an amount with its currency, or free shipping. */
export function parseDiscount(text: string): Discount {
  const trimmed = text.trim();
  if (/^free[ _-]shipping$/i.test(trimmed)) return { type: "free_shipping" };
  const [, percent] = /^(\d+(?:\.\d+)?) ?%$/.exec(trimmed) ?? [];
  if (percent !== undefined) return { type: "percentage", value: Number(percent) };
  const amount = amountOf(trimmed);
  if (amount === null) throw new UsageError(DISCOUNT_FORMS);
  return { type: "fixed_amount", ...amount };
}

/** Numbers of codes and percentages, with commas between them: `10%,100`. */
export function parseThresholds(text: string, name: string): (number | string)[] {
  return text.split(",").map((part) => {
    const trimmed = part.trim();
    if (/^[1-9]\d?%$/.test(trimmed)) return trimmed;
    if (!trimmed.endsWith("%")) return parseCount(trimmed, name);
    throw new UsageError(`${name} takes percentages from 1% to 99%.`);
  });
}
