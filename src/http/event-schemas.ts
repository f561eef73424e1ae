/** An event, as it is told. */

import * as z from "zod";
import { EVENT_TYPES, type EventData, type EventType } from "../domain/event.ts";
import { isId } from "../domain/id.ts";
import { Discount } from "./campaign-schemas.ts";
import { Order } from "./checkout-schemas.ts";
import { pageQuery } from "./paging.ts";
import { AnsweredTime } from "./schemas.ts";

function eventOf<Type extends EventType, Data extends z.ZodType<EventData[Type]>>(
  type: Type,
  data: Data,
) {
  return z.strictObject({
    id: z.string().meta({ example: "evt_01k3q9m7x2v8d4t6w5ab000001z" }),
    type: z.enum([type]),
    timestamp: AnsweredTime.meta({ description: "When it happened." }),
    campaign_id: z.string(),
    sequence: z.int().meta({ description: "1, 2, 3, … within the campaign, without a gap." }),
    data,
  });
}

const Time = AnsweredTime;
const TimeOrNull = z.union([AnsweredTime, z.null()]);
const TextOrNull = z.string().nullable();

const Contact = z.strictObject({
  email: z.string().optional(),
  name: z.string().optional(),
  attributes: z.record(z.string(), z.string()).optional(),
});

const ClaimCreated = z.strictObject({
  claim_id: z.string(),
  code: z.string(),
  user_id: TextOrNull.meta({ description: "Null once the user was erased." }),
  contact: Contact.nullable().meta({ description: "Only where the user consented." }),
  consent: z.strictObject({ share_contact: z.boolean(), version: z.string() }).nullable(),
  claimed_at: Time,
  expires_at: TimeOrNull,
});

const OfClaim = {
  claim_id: TextOrNull.meta({ description: "Null where the code was handed out elsewhere." }),
  code: z.string(),
  user_id: TextOrNull,
};

const CodeRedeemed = z.strictObject({
  redemption_id: z.string(),
  ...OfClaim,
  order_id: z.string(),
  order: z.union([Order, z.null()]),
  discount: Discount.nullable(),
  discount_amount: z.int().nullable(),
  redeemed_at: Time,
});

const RolledBack = z.strictObject({
  redemption_id: z.string(),
  ...OfClaim,
  order_id: z.string(),
  reason: z.string(),
  rolled_back_at: Time,
});

const CodeRevoked = z.strictObject({
  code: z.string(),
  claim_id: TextOrNull.meta({ description: "Null where nobody had the code." }),
  revoked_at: Time,
});

const LowStock = z.strictObject({
  threshold: z
    .union([z.int(), z.string()])
    .meta({ description: "That of low_stock_thresholds which was reached." }),
  available: z.int(),
  codes: z.int(),
});

const ImportCompleted = z.strictObject({
  import_id: z.string(),
  accepted: z.int(),
  duplicates: z.int(),
  rejected: z.int(),
});

const EndReason = z
  .enum(["time", "request"])
  .meta({ description: "time: its ends_at came; request: it was ended for good." });

/** One for each type. */
export const EVENTS = [
  eventOf("claim.created", ClaimCreated),
  eventOf("code.redeemed", CodeRedeemed),
  eventOf("redemption.rolled_back", RolledBack),
  eventOf("code.expired", z.strictObject({ ...OfClaim, expired_at: Time })),
  eventOf("code.revoked", CodeRevoked),
  eventOf("campaign.low_stock", LowStock),
  eventOf("campaign.exhausted", z.strictObject({ codes: z.int(), claimed: z.int() })),
  eventOf("campaign.started", z.strictObject({ starts_at: Time })),
  eventOf("campaign.ended", z.strictObject({ ended_at: Time, reason: EndReason })),
  eventOf(
    "campaign.breaker_tripped",
    z.strictObject({ max_claims_per_minute: z.int(), tripped_at: Time }),
  ),
  eventOf("batch.completed", z.strictObject({ batch_id: z.string(), created: z.int() })),
  eventOf("import.completed", ImportCompleted),
  eventOf("user.erased", z.strictObject({ claim_ids: z.array(z.string()) })),
  eventOf(
    "webhook_endpoint.disabled",
    z.strictObject({
      endpoint_id: z.string(),
      reason: z.enum(["gone", "failing"]),
      failing_since: TimeOrNull,
    }),
  ).extend({
    campaign_id: z.null(),
    sequence: z.int().meta({ description: "1, 2, 3, … among the brand's own, without a gap." }),
  }),
] as const;

export const Event = z.union(EVENTS).meta({ id: "Event" });

/** A sequence, or an event's id. */
const After = z
  .string()
  .refine((text) => /^[0-9]{1,15}$/.test(text) || isId("event", text), {
    message: "Must be a sequence or an event's id.",
  })
  .meta({
    description:
      "Events behind this one: by its id, or with campaign_id by its sequence. With what was seen last a reader goes on where it stopped.",
    example: "41",
  });

export const EventsQuery = z.strictObject({
  ...pageQuery,
  campaign_id: z
    .string()
    .optional()
    .meta({ description: "Of this campaign only, by its id or slug." }),
  type: z.enum(EVENT_TYPES).optional(),
  after: After.optional(),
});
