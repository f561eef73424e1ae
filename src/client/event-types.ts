/** What a brand is told of. */

import type { Order } from "./checkout-types.ts";
import type { Discount } from "./types.ts";

interface EventOf<Type extends string, Data> {
  id: string;
  type: Type;
  timestamp: string;
  campaign_id: string;
  /** 1, 2, 3, … within the campaign, without a gap. */
  sequence: number;
  data: Data;
}

interface BrandEventOf<Type extends string, Data> extends Omit<EventOf<Type, Data>, "campaign_id"> {
  /** Null: it is the brand's own, and counts among those. */
  campaign_id: null;
}

/** Something that happened. Switch on `type`, which says what `data` holds. */
export type Event =
  | EventOf<"claim.created", ClaimCreated>
  | EventOf<"code.redeemed", CodeRedeemed>
  | EventOf<"redemption.rolled_back", RedemptionRolledBack>
  | EventOf<"code.expired", CodeExpired>
  | EventOf<"code.revoked", { code: string; claim_id: string | null; revoked_at: string }>
  | EventOf<"campaign.low_stock", { threshold: number | string; available: number; codes: number }>
  | EventOf<"campaign.exhausted", { codes: number; claimed: number }>
  | EventOf<"campaign.started", { starts_at: string }>
  /** `time`: its ends_at came; `request`: it was ended for good. */
  | EventOf<"campaign.ended", { ended_at: string; reason: "time" | "request" }>
  | EventOf<"campaign.breaker_tripped", { max_claims_per_minute: number; tripped_at: string }>
  | EventOf<"batch.completed", { batch_id: string; created: number }>
  | EventOf<
      "import.completed",
      { import_id: string; accepted: number; duplicates: number; rejected: number }
    >
  | EventOf<"user.erased", { claim_ids: string[] }>
  | BrandEventOf<
      "webhook_endpoint.disabled",
      { endpoint_id: string; reason: "gone" | "failing"; failing_since: string | null }
    >;

/** What `deliveries.test` sends an endpoint. It is in no log. */
export interface WebhookTest {
  id: string;
  type: "webhook.test";
  timestamp: string;
  campaign_id: null;
  sequence: null;
  data: { endpoint_id: string };
}

export interface ClaimCreated {
  claim_id: string;
  code: string;
  /** Null once the user was erased. */
  user_id: string | null;
  /** Only where the user consented. */
  contact: { email?: string; name?: string; attributes?: Record<string, string> } | null;
  consent: { share_contact: boolean; version: string } | null;
  claimed_at: string;
  expires_at: string | null;
}

/** Whose code it is. */
interface OfClaim {
  /** Null where the code was handed out elsewhere. */
  claim_id: string | null;
  code: string;
  user_id: string | null;
}

export interface CodeRedeemed extends OfClaim {
  redemption_id: string;
  order_id: string;
  order: Order | null;
  discount: Discount | null;
  discount_amount: number | null;
  redeemed_at: string;
}

export interface RedemptionRolledBack extends OfClaim {
  redemption_id: string;
  order_id: string;
  reason: string;
  rolled_back_at: string;
}

export interface CodeExpired extends OfClaim {
  expired_at: string;
}
