/** A campaign's fields, in requests and answers. */

import * as z from "zod";
import type { CampaignChange, CampaignRow } from "../db/campaigns.ts";
import { closedReason } from "../domain/claim.ts";
import { isCurrency } from "../domain/currency.ts";
import { Challenge, Consent, Metadata, ShopUrl, Thresholds } from "./campaign-parts.ts";
import { CodeFormat } from "./code-format-schema.ts";
import {
  AnsweredTime,
  definedOnly,
  line,
  Slug,
  Time,
  toWireTime,
  type Defined,
} from "./schemas.ts";

/** Minor units; 10^12 is more than any discount and far below what a double holds exactly. */
export const AMOUNT_MAX = 1_000_000_000_000;
/**
 * Ten years: longer than any code should live, short enough for a date that every client can parse.
 */
const LIFETIME_SECONDS_MAX = 315_360_000;
/** Ten years, too. */
const RETENTION_DAYS_MAX = 3_650;
/** More than a campaign of 64 shards gives. */
const CLAIMS_PER_MINUTE_MAX = 1_000_000;
const REVEALS = ["at_claim", "on_demand"] as const;
/** A page must have the time to show the code to whoever asked for it. */
const REVEAL_SECONDS_MIN = 10;
/** A week: a reserved code is kept from everybody else. */
const REVEAL_SECONDS_MAX = 604_800;

const NO_CURRENCY = "Must be an ISO 4217 code such as EUR.";

export const Currency = z
  .string()
  .regex(/^[A-Z]{3}$/, { error: NO_CURRENCY, abort: true })
  .refine(isCurrency, NO_CURRENCY);

const Amount = z.int().min(1).max(AMOUNT_MAX);

export const Discount = z
  .strictObject({
    type: z.enum(["percentage", "fixed_amount", "free_shipping", "other"]),
    value: z.number().positive().max(AMOUNT_MAX).optional().meta({
      description:
        "A percentage of at most 100 with at most two decimals, or an amount in minor units.",
    }),
    currency: Currency.optional().meta({
      description: "Of the amounts. An order in another is refused.",
    }),
    minimum_order_amount: Amount.optional().meta({
      description: "What an order must come to, in minor units. Then the checkout must name it.",
    }),
    maximum_discount_amount: Amount.optional().meta({
      description: "The most that a percentage takes off, in minor units.",
    }),
    description: line(500).optional(),
  })
  .check((ctx) => {
    const refuse = (field: string, message: string) =>
      ctx.issues.push({ code: "custom", path: [field], message, input: ctx.value });
    const { type, value, currency } = ctx.value;
    const { minimum_order_amount: minimum, maximum_discount_amount: maximum } = ctx.value;
    const isLimited = minimum !== undefined || maximum !== undefined;
    if (type === "percentage") {
      if (value === undefined) refuse("value", "A percentage needs a value.");
      else if (value > 100) refuse("value", "A percentage is at most 100.");
      else if (Number(value.toFixed(2)) !== value)
        refuse("value", "A percentage has at most two decimals.");
    } else if (maximum !== undefined)
      refuse("maximum_discount_amount", "Only a percentage has a maximum.");
    if (type === "fixed_amount") {
      if (value === undefined) refuse("value", "A fixed amount needs a value.");
      else if (!Number.isInteger(value))
        refuse("value", "An amount is a whole number of minor units.");
      if (currency === undefined) refuse("currency", "A fixed amount needs a currency.");
    } else if (currency === undefined) {
      if (isLimited) refuse("currency", "A minimum or a maximum needs a currency.");
    } else if (!isLimited) refuse("currency", "Only an amount has a currency.");
    if ((type === "free_shipping" || type === "other") && value !== undefined) {
      refuse("value", "Only a percentage or a fixed amount has a value.");
    }
  })
  .meta({ id: "Discount", example: { type: "percentage", value: 15 } });

/** Fields that can be set at any time; null takes an optional one away. */
const changeable = {
  name: line(100),
  slug: Slug,
  discount: Discount.nullable(),
  starts_at: Time.nullable().meta({ description: "No code is given before; null: at once." }),
  ends_at: Time.nullable().meta({ description: "No code is given from then on; null: never." }),
  claims_per_user: z
    .int()
    .min(1)
    .max(100)
    .meta({ description: "Codes that one user may get. May be raised later, not lowered." }),
  code_lifetime_seconds: z
    .int()
    .min(1)
    .max(LIFETIME_SECONDS_MAX)
    .nullable()
    .meta({ description: "Seconds from the claim until its code expires; null: never." }),
  consent: Consent.nullable(),
  challenge: Challenge.nullable(),
  contact_retention_days: z.int().min(1).max(RETENTION_DAYS_MAX).nullable().meta({
    description:
      "Days from the claim until its contact data is deleted, of claims made before too; null: kept until it is erased.",
  }),
  code_format: CodeFormat.nullable().meta({
    description: "How codes that are made from now on look; null: the default.",
  }),
  accept_guessable: z.boolean().meta({
    description:
      "Lets as many as 1 in 2 guesses be a live code, instead of 1 in 100,000. For codes that are worth little.",
  }),
  shop_url: ShopUrl.nullable(),
  max_claims_per_minute: z.int().min(1).max(CLAIMS_PER_MINUTE_MAX).nullable().meta({
    description:
      "New claims within any 60 seconds; one more pauses the campaign until it is resumed, and logs campaign.breaker_tripped. Who holds a code still gets it. With shards each has its share and a margin. null: no limit.",
  }),
  low_stock_thresholds: Thresholds.nullable().meta({
    description:
      "Each is told by campaign.low_stock once no more than so many codes are left, or than that part of all that were made. null or []: none.",
    example: ["10%", 100],
  }),
  reveal: z.enum(REVEALS).meta({
    description:
      "When a claim shows its code. on_demand: it reserves one, and the reveal shows it and starts its life.",
  }),
  reveal_within_seconds: z.int().min(REVEAL_SECONDS_MIN).max(REVEAL_SECONDS_MAX).meta({
    description: "How long a reserved code can be revealed before it is anybody's again.",
  }),
  holder_only: z.boolean().meta({
    description:
      "Lets nobody but the holder redeem: calls at the checkout must name user_id, and it must be the claim's.",
  }),
  redeem_unclaimed: z.boolean().meta({
    description:
      "Lets codes be redeemed that nobody claimed here, since they were handed out elsewhere. Not with holder_only: such a code has no holder.",
  }),
  codes_outlive_campaign: z.boolean().meta({
    description:
      "Lets a code live on after ends_at. Otherwise it expires then at the latest, whatever its lifetime; ending by hand expires none.",
  }),
  metadata: Metadata,
};

export const NewCampaign = z
  .strictObject({
    ...z.strictObject(changeable).partial().shape,
    name: line(100),
    mode: z
      .enum(["live", "test"])
      .optional()
      .meta({ description: "That of the key when left out." }),
    shards: z
      .int()
      .min(1)
      .max(64)
      .optional()
      .meta({ description: "Pools that share the claims, fixed for good. 1 when left out." }),
  })
  .meta({
    id: "NewCampaign",
    example: {
      name: "Spring",
      discount: { type: "percentage", value: 15 },
      ends_at: "2027-05-31T22:00:00Z",
    },
  });

export const CampaignUpdate = z
  .strictObject(changeable)
  .partial()
  .meta({ id: "CampaignUpdate", example: { name: "Late spring" } });

export const Campaign = z
  .strictObject({
    id: z.string().meta({ example: "cmp_01k3q9m7x2v8d4t6w5ab" }),
    slug: z.string(),
    name: z.string(),
    mode: z.enum(["live", "test"]),
    status: z.enum(["active", "paused", "ended"]),
    discount: Discount.nullable(),
    starts_at: AnsweredTime.nullable(),
    ends_at: AnsweredTime.nullable(),
    claims_per_user: z.int(),
    code_lifetime_seconds: z.int().nullable(),
    consent: Consent.nullable(),
    challenge: z
      .strictObject({ type: z.literal("turnstile"), site_key: z.string() })
      .meta({ id: "Challenge" })
      .nullable(),
    contact_retention_days: z.int().nullable(),
    code_format: CodeFormat.nullable(),
    accept_guessable: z.boolean(),
    shop_url: z.string().nullable(),
    shards: z.int(),
    max_claims_per_minute: z.int().nullable(),
    breaker_tripped_at: AnsweredTime.nullable().meta({
      description: "When max_claims_per_minute paused it, until it is resumed.",
    }),
    low_stock_thresholds: z.array(z.union([z.int(), z.string()])).nullable(),
    reveal: z.enum(REVEALS),
    reveal_within_seconds: z.int(),
    holder_only: z.boolean(),
    redeem_unclaimed: z.boolean(),
    codes_outlive_campaign: z.boolean(),
    metadata: z.record(z.string(), z.string()),
    created_at: AnsweredTime,
  })
  .meta({ id: "Campaign" });

export function presentCampaign(campaign: CampaignRow): z.infer<typeof Campaign> {
  return {
    id: campaign.id,
    slug: campaign.slug,
    name: campaign.name,
    mode: campaign.mode,
    // A campaign whose end has passed has ended, without anyone having written it down.
    status: closedReason(campaign, Date.now()) === "ended" ? "ended" : campaign.status,
    discount: campaign.discount,
    starts_at: toWireTime(campaign.startsAt),
    ends_at: toWireTime(campaign.endsAt),
    claims_per_user: campaign.claimsPerUser,
    code_lifetime_seconds: campaign.codeLifetimeSeconds,
    consent: campaign.consent,
    challenge: campaign.challenge && {
      type: campaign.challenge.type,
      site_key: campaign.challenge.siteKey,
    },
    contact_retention_days: campaign.contactRetentionDays,
    code_format: campaign.codeFormat,
    accept_guessable: campaign.acceptGuessable,
    shop_url: campaign.shopUrl,
    shards: campaign.shards,
    max_claims_per_minute: campaign.claimsPerMinuteMax,
    breaker_tripped_at: toWireTime(campaign.breakerTrippedAt),
    low_stock_thresholds: campaign.lowStockThresholds,
    reveal: campaign.reveal,
    reveal_within_seconds: campaign.revealWithinSeconds,
    holder_only: campaign.holderOnly,
    redeem_unclaimed: campaign.redeemUnclaimed,
    codes_outlive_campaign: campaign.codesOutliveCampaign,
    metadata: campaign.metadata,
    created_at: toWireTime(campaign.createdAt),
  };
}

/** Those fields of a request that it did set, as the database has them. */
export function toChange(fields: z.infer<typeof CampaignUpdate>): Defined<CampaignChange> {
  const at = (time: string | null | undefined) =>
    typeof time === "string" ? Date.parse(time) : time;
  return definedOnly({
    name: fields.name,
    slug: fields.slug,
    discount: fields.discount,
    startsAt: at(fields.starts_at),
    endsAt: at(fields.ends_at),
    claimsPerUser: fields.claims_per_user,
    codeLifetimeSeconds: fields.code_lifetime_seconds,
    consent: fields.consent,
    challenge: fields.challenge && {
      type: fields.challenge.type,
      siteKey: fields.challenge.site_key,
      secret: fields.challenge.secret,
    },
    contactRetentionDays: fields.contact_retention_days,
    codeFormat: fields.code_format,
    acceptGuessable: fields.accept_guessable,
    shopUrl: fields.shop_url,
    claimsPerMinuteMax: fields.max_claims_per_minute,
    lowStockThresholds:
      fields.low_stock_thresholds?.length === 0 ? null : fields.low_stock_thresholds,
    reveal: fields.reveal,
    revealWithinSeconds: fields.reveal_within_seconds,
    holderOnly: fields.holder_only,
    redeemUnclaimed: fields.redeem_unclaimed,
    codesOutliveCampaign: fields.codes_outlive_campaign,
    metadata: fields.metadata,
  });
}
