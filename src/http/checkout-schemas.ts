/** Codes at a checkout: judged, spent, looked up. In requests and answers. */

import * as z from "zod";
import type { HeldRedemption } from "../code-pool/messages.ts";
import type { CampaignRow } from "../db/campaigns.ts";
import { formatClaimId } from "../domain/claim.ts";
import { CODE_STATUSES } from "../domain/code-status.ts";
import { UNFIT } from "../domain/line.ts";
import { formatRedemptionId } from "../domain/redemption.ts";
import { AMOUNT_MAX, Campaign, Currency } from "./campaign-schemas.ts";
import { UserId } from "./claim-schemas.ts";
import { AnsweredTime, line, toWireTime } from "./schemas.ts";

/** Characters of a code as people type it: the longest code, with blanks between them all. */
const TYPED_MAX = 256;
const REVOKED_AT_ONCE_MAX = 1_000;

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

const REASONS = ["unknown", "not-claimed", "not-yours", "redeemed", "revoked", "expired"] as const;

const DiscountAmount = z.int().meta({
  description:
    "Minor units off the order, half a unit rounded up, never more than its amount. For a percentage, or a fixed amount in the order's currency.",
});

export const NewValidation = z
  .strictObject({ code: TypedCode, user_id: UserId.optional(), order: Order.optional() })
  .meta({ id: "NewValidation", example: { code: "K7QF-3MWD-9RTX" } });

export const Validation = z
  .strictObject({
    valid: z.boolean(),
    reason: z.enum(REASONS).nullable().meta({ description: "Why it is not valid." }),
    campaign_id: z.string().nullable(),
    discount: Campaign.shape.discount,
    discount_amount: DiscountAmount.optional(),
  })
  .meta({ id: "Validation" });

export const NewRedemption = z
  .strictObject({
    code: TypedCode,
    order_id: line(255).meta({ description: "Yours. The same order again gets the same answer." }),
    user_id: UserId.optional().meta({ description: "Who brings the code; must be its holder." }),
    order: Order.optional(),
  })
  .meta({ id: "NewRedemption", example: { code: "K7QF-3MWD-9RTX", order_id: "order-1001" } });

export const Redemption = z
  .strictObject({
    id: z.string().meta({ example: "rdm_01k3q9m7x2v8d4t6w5ab001" }),
    campaign_id: z.string(),
    claim_id: z.string(),
    code: z.string().meta({ description: "As it was made, however it was typed." }),
    user_id: z.string().nullable(),
    order_id: z.string(),
    // Not nullable(): the reference would say that it is an order and null at once.
    order: z.union([Order, z.null()]),
    discount: Campaign.shape.discount,
    discount_amount: DiscountAmount.nullable(),
    redeemed_at: AnsweredTime,
  })
  .meta({ id: "Redemption" });

export function presentRedemption(
  campaign: Pick<CampaignRow, "id">,
  shard: number,
  { redemption, claim }: HeldRedemption,
): z.infer<typeof Redemption> {
  const { id: campaignId } = campaign;
  const { number, orderId, terms, redeemedAt } = redemption;
  return {
    id: formatRedemptionId({ campaignId, shard, number }),
    campaign_id: campaignId,
    claim_id: formatClaimId({ campaignId, userKey: claim.userKey, nth: claim.nth }),
    code: claim.code,
    user_id: claim.userId,
    order_id: orderId,
    order: terms.order,
    discount: terms.discount,
    discount_amount: terms.discountAmount,
    redeemed_at: toWireTime(redeemedAt),
  };
}

export const NewRevocation = z
  .strictObject({
    codes: z.array(TypedCode).min(1).max(REVOKED_AT_ONCE_MAX),
    reason: line(200)
      .optional()
      .meta({ description: "Kept with the codes; the look-up of one shows it." }),
  })
  .meta({ id: "NewRevocation", example: { codes: ["K7QF-3MWD-9RTX"] } });

export const Revocation = z
  .strictObject({
    data: z.array(
      z
        .strictObject({
          code: z.string().meta({ description: "As you sent it." }),
          result: z.enum(["revoked", "already-revoked", "redeemed", "unknown"]).meta({
            description:
              "redeemed: it was spent before. The redemption stands, and the code is not good again.",
          }),
        })
        .meta({ id: "CodeVerdict" }),
    ),
  })
  .meta({ id: "Revocation" });

export const LookUp = z
  .strictObject({ code: TypedCode })
  .meta({ id: "LookUp", example: { code: "K7QF-3MWD-9RTX" } });

export const CodeHistory = z
  .strictObject({
    code: z.string(),
    status: z.enum(CODE_STATUSES),
    campaign_id: z.string(),
    batch_id: z.string().meta({ description: "The batch or import that it came by." }),
    claim_id: z.string().nullable(),
    user_id: z.string().nullable(),
    claimed_at: AnsweredTime.nullable(),
    expires_at: AnsweredTime.nullable(),
    redemption_id: z.string().nullable(),
    order_id: z.string().nullable(),
    redeemed_at: AnsweredTime.nullable(),
    revoked_at: AnsweredTime.nullable(),
    revoked_reason: z.string().nullable(),
    history: z
      .array(
        z.strictObject({
          at: AnsweredTime,
          event: z.enum(["made", "claimed", "redeemed", "revoked", "expired"]),
        }),
      )
      .meta({ description: "What became of it, oldest first." }),
  })
  .meta({ id: "CodeHistory" });
