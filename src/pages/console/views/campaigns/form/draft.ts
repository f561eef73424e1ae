/** A campaign as a form has it, and as the service takes it. */

import type {
  Campaign,
  CampaignUpdate,
  CodeFormat,
  Discount,
  NewCampaign,
} from "../../../../../client/client.ts";
import { fromLocal, fromSpan, toLocal, toSpan, type Unit } from "./times.ts";

export interface Draft {
  name: string;
  slug: string;
  mode: "live" | "test";
  discountType: Discount["type"] | "";
  discountValue: string;
  currency: string;
  minimum: string;
  maximum: string;
  description: string;
  startsAt: string;
  endsAt: string;
  claimsPerUser: string;
  formatKind: "default" | "pattern" | "length";
  pattern: string;
  length: string;
  alphabet: string;
  prefix: string;
  suffix: string;
  acceptGuessable: boolean;
  lifetime: string;
  lifetimeUnit: Unit;
  outlives: boolean;
  asksConsent: boolean;
  consentRequired: boolean;
  consentText: string;
  consentVersion: string;
  retentionDays: string;
  shopUrl: string;
  shards: string;
  thresholds: string;
  breaker: string;
  reveal: Campaign["reveal"];
  revealWithin: string;
  revealUnit: Unit;
  holderOnly: boolean;
  redeemUnclaimed: boolean;
  asksChallenge: boolean;
  siteKey: string;
  challengeSecret: string;
  metadata: [key: string, value: string][];
}

const REVEAL_WITHIN_SECONDS = 900;

export function emptyDraft(mode: Draft["mode"]): Draft {
  const reveal = toSpan(REVEAL_WITHIN_SECONDS);
  return {
    name: "",
    slug: "",
    mode,
    discountType: "percentage",
    discountValue: "",
    currency: "",
    minimum: "",
    maximum: "",
    description: "",
    startsAt: "",
    endsAt: "",
    claimsPerUser: "1",
    formatKind: "default",
    pattern: "####-####",
    length: "10",
    alphabet: "",
    prefix: "",
    suffix: "",
    acceptGuessable: false,
    lifetime: "",
    lifetimeUnit: "days",
    outlives: false,
    asksConsent: false,
    consentRequired: true,
    consentText: "",
    consentVersion: "1",
    retentionDays: "",
    shopUrl: "",
    shards: "1",
    thresholds: "",
    breaker: "",
    reveal: "at_claim",
    revealWithin: reveal.value,
    revealUnit: reveal.unit,
    holderOnly: false,
    redeemUnclaimed: false,
    asksChallenge: false,
    siteKey: "",
    challengeSecret: "",
    metadata: [],
  };
}

const text = (value: string | number | null | undefined) => (value == null ? "" : String(value));

export function draftOf(campaign: Campaign): Draft {
  const empty = emptyDraft(campaign.mode);
  const { consent, challenge } = campaign;
  const lifetime = toSpan(campaign.code_lifetime_seconds);
  const reveal = toSpan(campaign.reveal_within_seconds);
  return {
    ...empty,
    name: campaign.name,
    slug: campaign.slug,
    ...discountDraft(campaign.discount),
    startsAt: toLocal(campaign.starts_at),
    endsAt: toLocal(campaign.ends_at),
    claimsPerUser: String(campaign.claims_per_user),
    ...formatDraft(campaign.code_format, empty),
    acceptGuessable: campaign.accept_guessable,
    lifetime: lifetime.value,
    lifetimeUnit: lifetime.unit,
    outlives: campaign.codes_outlive_campaign,
    asksConsent: consent !== null,
    consentRequired: consent?.required ?? empty.consentRequired,
    consentText: text(consent?.text),
    consentVersion: consent?.version ?? empty.consentVersion,
    retentionDays: text(campaign.contact_retention_days),
    shopUrl: text(campaign.shop_url),
    shards: String(campaign.shards),
    thresholds: (campaign.low_stock_thresholds ?? []).join(", "),
    breaker: text(campaign.max_claims_per_minute),
    reveal: campaign.reveal,
    revealWithin: reveal.value,
    revealUnit: reveal.unit,
    holderOnly: campaign.holder_only,
    redeemUnclaimed: campaign.redeem_unclaimed,
    asksChallenge: challenge !== null,
    siteKey: text(challenge?.site_key),
    metadata: Object.entries(campaign.metadata),
  };
}

function discountDraft(discount: Discount | null): Partial<Draft> {
  if (discount === null) return { discountType: "" };
  const { type, value, currency = "", description } = discount;
  const major = (amount: number | undefined) =>
    amount === undefined ? "" : String(amount / minorUnits(currency));
  return {
    discountType: type,
    discountValue: type === "fixed_amount" ? major(value) : text(value),
    currency,
    minimum: major(discount.minimum_order_amount),
    maximum: major(discount.maximum_discount_amount),
    description: text(description),
  };
}

function formatDraft(format: CodeFormat | null, empty: Draft): Partial<Draft> {
  if (format === null) return {};
  const { pattern, length, alphabet, prefix, suffix } = format;
  return {
    formatKind: length !== undefined ? "length" : pattern !== undefined ? "pattern" : "default",
    pattern: pattern ?? empty.pattern,
    length: length === undefined ? empty.length : String(length),
    alphabet: text(alphabet),
    prefix: text(prefix),
    suffix: text(suffix),
  };
}

/** How many minor units one unit of the currency has: 100 cents, 1 yen. */
export function minorUnits(currency: string): number {
  try {
    const format = new Intl.NumberFormat("en", { style: "currency", currency });
    return 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2);
  } catch {
    return 100;
  }
}

/** Undefined where nothing was typed. */
function number(value: string): number | undefined {
  return value.trim() === "" ? undefined : Number(value);
}

/** Without what is undefined, which is not there on the wire. */
function present<Fields extends object>(fields: Fields): Fields {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Fields;
}

function discountOf(draft: Draft): Discount | null {
  const { discountType: type, currency } = draft;
  if (type === "") return null;
  const minor = (value: string) => {
    const amount = number(value);
    return amount === undefined ? undefined : Math.round(amount * minorUnits(currency));
  };
  const minimum = minor(draft.minimum);
  const maximum = type === "percentage" ? minor(draft.maximum) : undefined;
  const hasAmount = type === "fixed_amount" || minimum !== undefined || maximum !== undefined;
  const discount = {
    type,
    value:
      type === "percentage"
        ? number(draft.discountValue)
        : type === "fixed_amount"
          ? minor(draft.discountValue)
          : undefined,
    currency: hasAmount && currency !== "" ? currency : undefined,
    minimum_order_amount: minimum,
    maximum_discount_amount: maximum,
    description: draft.description === "" ? undefined : draft.description,
  };
  return present(discount) as Discount;
}

export function formatOf(draft: Draft): CodeFormat | null {
  const { formatKind: kind, alphabet, prefix, suffix } = draft;
  const format = present({
    pattern: kind === "pattern" ? draft.pattern : undefined,
    length: kind === "length" ? (number(draft.length) ?? 0) : undefined,
    alphabet: alphabet === "" ? undefined : alphabet,
    prefix: prefix === "" ? undefined : prefix,
    suffix: suffix === "" ? undefined : suffix,
  }) as CodeFormat;
  return Object.keys(format).length === 0 ? null : format;
}

function thresholdsOf(words: string): (number | string)[] | null {
  const parts = words.split(/[,;\s]+/).filter((part) => part !== "");
  if (parts.length === 0) return null;
  return parts.map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** Every field that can be set at any time. */
function fieldsOf(draft: Draft): CampaignUpdate {
  const { asksConsent, asksChallenge } = draft;
  return {
    name: draft.name.trim(),
    slug: draft.slug.trim(),
    discount: discountOf(draft),
    starts_at: fromLocal(draft.startsAt),
    ends_at: fromLocal(draft.endsAt),
    claims_per_user: number(draft.claimsPerUser) ?? 1,
    code_format: formatOf(draft),
    accept_guessable: draft.acceptGuessable,
    code_lifetime_seconds: fromSpan(draft.lifetime, draft.lifetimeUnit),
    codes_outlive_campaign: draft.outlives,
    consent: asksConsent
      ? {
          required: draft.consentRequired,
          text: draft.consentText.trim(),
          version: draft.consentVersion.trim(),
        }
      : null,
    contact_retention_days: number(draft.retentionDays) ?? null,
    shop_url: draft.shopUrl.trim() === "" ? null : draft.shopUrl.trim(),
    low_stock_thresholds: thresholdsOf(draft.thresholds),
    max_claims_per_minute: number(draft.breaker) ?? null,
    reveal: draft.reveal,
    reveal_within_seconds: fromSpan(draft.revealWithin, draft.revealUnit) ?? REVEAL_WITHIN_SECONDS,
    holder_only: draft.holderOnly,
    redeem_unclaimed: draft.redeemUnclaimed,
    challenge: asksChallenge
      ? { type: "turnstile", site_key: draft.siteKey.trim(), secret: draft.challengeSecret }
      : null,
    metadata: Object.fromEntries(draft.metadata.filter(([key]) => key !== "")),
  };
}

/** Only what is not as it was: what somebody else changed meanwhile stays. */
export function changesOf(before: Draft, now: Draft): CampaignUpdate {
  const was = fieldsOf(before) as Record<string, unknown>;
  const changed = Object.entries(fieldsOf(now)).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(was[name]),
  );
  return Object.fromEntries(changed);
}

export function newCampaignOf(draft: Draft): NewCampaign {
  // A discount that was not touched is none: the form begins with a type, not with an offer.
  const { slug, ...changes } = changesOf({ ...emptyDraft(draft.mode), discountType: "" }, draft);
  return {
    ...changes,
    name: draft.name.trim(),
    ...(slug === undefined || slug === "" ? {} : { slug }),
    mode: draft.mode,
    shards: number(draft.shards) ?? 1,
  };
}
