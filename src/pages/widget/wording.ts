/** Amounts, shares and times, as a language writes them. */

import type { Discount } from "../../client/types.ts";
import { textsFor, type Texts } from "./texts.ts";

export interface Wording {
  /** Of the texts, for a screen reader. */
  language: string;
  say: (name: keyof Texts, value?: string) => string;
  time: (iso: string) => string;
  /** What the discount is, and what goes with it. */
  offer: (discount: Discount) => { main: string | null; notes: string[] };
}

/** The nearest `lang` around an element, out of shadow roots too. */
function languageOf(element: Element): string {
  const named = element.closest("[lang]")?.getAttribute("lang");
  if (named != null) return named;
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? languageOf(root.host) : "";
}

/** What Intl takes; pages write whatever they like into `lang`. */
function localeOf(tag: string): string {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? "en";
  } catch {
    return "en";
  }
}

export function wordingFor(element: Element, own: Partial<Texts>): Wording {
  const tag = languageOf(element);
  const locale = localeOf(tag);
  const { language, texts } = textsFor(tag);
  const say = (name: keyof Texts, value = "") =>
    // By a function: a text that has "$&" in it stays as it is.
    (own[name] ?? texts[name]).replace("{0}", () => value);
  const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

  function money(minor: number, currency: string): string {
    const format = new Intl.NumberFormat(locale, {
      style: "currency",
      currency,
      // "€5", not "€5.00".
      trailingZeroDisplay: "stripIfInteger",
    });
    return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
  }

  function amountOf({ type, value, currency }: Discount): string | null {
    if (value === undefined) return null;
    if (type === "fixed_amount") return currency === undefined ? null : money(value, currency);
    const share = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 2 });
    return share.format(value / 100);
  }

  function offer(discount: Discount) {
    const { type, currency, description } = discount;
    const amount = amountOf(discount);
    const notes = description === undefined ? [] : [description];
    for (const [name, minor] of [
      ["from", discount.minimum_order_amount],
      ["upTo", discount.maximum_discount_amount],
    ] as const) {
      if (minor !== undefined && currency !== undefined)
        notes.push(say(name, money(minor, currency)));
    }
    const off = amount === null ? null : say("off", amount);
    return { main: type === "free_shipping" ? say("freeShipping") : off, notes };
  }

  return { language, say, time: (iso) => moment.format(new Date(iso)), offer };
}
