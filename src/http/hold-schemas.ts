/** Holds: codes kept for orders. In requests and answers. */

import * as z from "zod";
import { holdStatus } from "../code-pool/holds.ts";
import type { HeldHold } from "../code-pool/messages.ts";
import type { CampaignRow } from "../db/campaigns.ts";
import { formatHoldId } from "../domain/redemption.ts";
import { TypedCode } from "./checkout-schemas.ts";
import { UserId } from "./claim-schemas.ts";
import { AnsweredTime, line, toWireTime } from "./schemas.ts";

/** Longer than anybody pays; a hold that is forgotten keeps a code from its user no longer. */
const HOLD_SECONDS_MAX = 3_600;

export const NewHold = z
  .strictObject({
    code: TypedCode,
    order_id: line(255).meta({ description: "Yours. The same order again gets the same hold." }),
    ttl_seconds: z.int().min(1).max(HOLD_SECONDS_MAX),
    user_id: UserId.optional().meta({
      description: "Who brings the code; must be its holder. Needed where it is holder_only.",
    }),
  })
  .meta({
    id: "NewHold",
    example: { code: "K7QF-3MWD-9RTX", order_id: "order-1001", ttl_seconds: 600 },
  });

export const Hold = z
  .strictObject({
    id: z.string().meta({ example: "hld_01k3q9m7x2v8d4t6w5ab001" }),
    campaign_id: z.string(),
    code: z.string().meta({ description: "As it was made, however it was typed." }),
    user_id: z.string().nullable(),
    order_id: z.string(),
    status: z.enum(["open", "redeemed", "released", "lapsed"]),
    created_at: AnsweredTime,
    expires_at: AnsweredTime.meta({ description: "Never after the code's own end." }),
  })
  .meta({ id: "Hold" });

export function presentHold(
  { id: campaignId }: Pick<CampaignRow, "id">,
  shard: number,
  { hold, claim }: Pick<HeldHold, "hold" | "claim">,
): z.infer<typeof Hold> {
  return {
    id: formatHoldId({ campaignId, shard, number: hold.number }),
    campaign_id: campaignId,
    code: claim.code,
    user_id: claim.userId,
    order_id: hold.orderId,
    status: holdStatus(hold, Date.now()),
    created_at: toWireTime(hold.madeAt),
    expires_at: toWireTime(hold.expiresAt),
  };
}
