/** Codes at a checkout: judged and spent. In requests and answers. */

import * as z from "zod";
import type { HeldRedemption } from "../code-pool/messages.ts";
import type { CampaignRow } from "../db/campaigns.ts";
import { claimIdOf } from "../domain/claim.ts";
import { UNFIT } from "../domain/line.ts";
import { formatRedemptionId } from "../domain/redemption.ts";
import { AMOUNT_MAX, Campaign, Currency } from "./campaign-schemas.ts";
import type { Verdict } from "./checkout.ts";
import { UserId } from "./claim-schemas.ts";
import { AnsweredTime, line, toWireTime } from "./schemas.ts";

/** Characters of a code as people type it: the longest code, with blanks between them all. */
const TYPED_MAX = 256;

export const TypedCode = z
  .string()
  .min(1)
  .max(TYPED_MAX)
  .refine((text) => !UNFIT.test(text), "Must not contain control characters or broken Unicode.")
  .meta({
    description: "As typed: case, blanks, dashes and look-alike letters do not matter.",
    example: "K7QF-3MWD-9RTX",
  });

export const Order = z
  .strictObject({
    amount: z
      .int()
      .min(0)
      .max(AMOUNT_MAX)
      .meta({ description: "The order's total before the discount, in minor units." }),
    currency: Currency,
  })
  .meta({ id: "Order", example: { amount: 4990, currency: "EUR" } });

const REASONS = [
  "unknown",
  "not-claimed",
  "not-yours",
  "redeemed",
  "revoked",
  "expired",
  "held",
  "order-required",
  "currency-mismatch",
  "order-too-small",
] as const;

const DiscountAmount = z.int().meta({
  description:
    "Minor units off the order, half a unit rounded up, never more than its amount or maximum_discount_amount. For a percentage or a fixed amount.",
});

const OrderId = line(255);

export const NewValidation = z
  .strictObject({
    code: TypedCode,
    user_id: UserId.optional(),
    order_id: OrderId.optional().meta({ description: "A code that it holds is good for it." }),
    order: Order.optional(),
  })
  .meta({ id: "NewValidation", example: { code: "K7QF-3MWD-9RTX" } });

const verdict = {
  valid: z.boolean(),
  reason: z.enum(REASONS).nullable().meta({ description: "Why it is not valid." }),
  campaign_id: z.string().nullable(),
  discount: Campaign.shape.discount,
  discount_amount: DiscountAmount.optional(),
};

export const Validation = z.strictObject(verdict).meta({ id: "Validation" });

export function presentVerdict({ reason, campaign, amount }: Verdict) {
  return {
    valid: reason === null,
    // A hold is not named when a code is only judged.
    reason: reason === "wrong-hold" ? ("held" as const) : reason,
    campaign_id: campaign?.id ?? null,
    discount: campaign?.discount ?? null,
    ...(amount === null ? {} : { discount_amount: amount }),
  } satisfies z.infer<typeof Validation>;
}

/** Codes of one call: a shopping basket has few, and a night's reconciliation comes in pages. */
const BULK_MAX = 100;

export const BulkValidation = z
  .strictObject({ codes: z.array(NewValidation).min(1).max(BULK_MAX) })
  .meta({ id: "NewBulkValidation", example: { codes: [{ code: "K7QF-3MWD-9RTX" }] } });

export const AsSent = z.string().meta({ description: "As you sent it." });

export const BulkVerdicts = z
  .strictObject({
    data: z.array(z.strictObject({ code: AsSent, ...verdict }).meta({ id: "CodeValidation" })),
  })
  .meta({ id: "BulkValidation" });

export const NewRedemption = z
  .strictObject({
    code: TypedCode,
    order_id: OrderId.meta({ description: "Yours. The same order again gets the same answer." }),
    user_id: UserId.optional().meta({
      description: "Who brings the code; must be its holder. Needed where it is holder_only.",
    }),
    hold_id: line(64)
      .optional()
      .meta({ description: "A hold of this code: its order may be another than this one." }),
    order: Order.optional(),
  })
  .meta({ id: "NewRedemption", example: { code: "K7QF-3MWD-9RTX", order_id: "order-1001" } });

export const BulkRedemption = z
  .strictObject({ redemptions: z.array(NewRedemption).min(1).max(BULK_MAX) })
  .meta({
    id: "NewBulkRedemption",
    example: { redemptions: [{ code: "K7QF-3MWD-9RTX", order_id: "order-1001" }] },
  });

export const Redemption = z
  .strictObject({
    id: z.string().meta({ example: "rdm_01k3q9m7x2v8d4t6w5ab001" }),
    campaign_id: z.string(),
    claim_id: z
      .string()
      .nullable()
      .meta({ description: "Null where the code was handed out elsewhere." }),
    code: z.string().meta({ description: "As it was made, however it was typed." }),
    user_id: z.string().nullable(),
    order_id: z.string(),
    status: z.enum(["redeemed", "rolled_back"]),
    // Not nullable(): the reference would say that it is an order and null at once.
    order: z.union([Order, z.null()]),
    discount: Campaign.shape.discount,
    discount_amount: DiscountAmount.nullable(),
    redeemed_at: AnsweredTime,
    rolled_back_at: AnsweredTime.nullable(),
    rollback_reason: z.string().nullable(),
  })
  .meta({ id: "Redemption" });

export function presentRedemption(
  campaign: Pick<CampaignRow, "id">,
  shard: number,
  { redemption, claim }: HeldRedemption,
): z.infer<typeof Redemption> {
  const { id: campaignId } = campaign;
  const { number, orderId, terms, redeemedAt, rolledBack } = redemption;
  return {
    id: formatRedemptionId({ campaignId, shard, number }),
    campaign_id: campaignId,
    claim_id: claimIdOf(campaignId, claim),
    code: claim.code,
    user_id: claim.userId,
    order_id: orderId,
    status: rolledBack === null ? "redeemed" : "rolled_back",
    order: terms.order,
    discount: terms.discount,
    discount_amount: terms.discountAmount,
    redeemed_at: toWireTime(redeemedAt),
    rolled_back_at: toWireTime(rolledBack?.at ?? null),
    rollback_reason: rolledBack?.reason ?? null,
  };
}

export const BulkRedemptions = z
  .strictObject({
    data: z.array(
      z
        .strictObject({
          code: AsSent,
          order_id: z.string(),
          result: z.enum(["redeemed", "repeated", "refused"]).meta({
            description: "repeated: it was spent on this order before.",
          }),
          reason: z.enum([...REASONS, "wrong-hold"]).nullable(),
          redemption: z.union([Redemption, z.null()]),
        })
        .meta({ id: "CodeRedemption" }),
    ),
  })
  .meta({ id: "BulkRedemption" });

export const NewRollback = z
  .strictObject({ reason: line(200) })
  .meta({ id: "NewRollback", example: { reason: "The order was cancelled." } });
