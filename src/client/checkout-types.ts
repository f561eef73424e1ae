/** Codes at a checkout, as the OpenAPI document has them. */

import type { Discount } from "./types.ts";

export interface Order {
  amount: number;
  currency: string;
}

export interface NewValidation {
  code: string;
  user_id?: string;
  /** A code that is held for it is good for it. */
  order_id?: string;
  order?: Order;
}

/** Why a code is no good; from `order-required` on because of the order. */
export type CodeReason =
  | "unknown"
  | "not-claimed"
  | "not-yours"
  | "redeemed"
  | "revoked"
  | "expired"
  | "held"
  | "order-required"
  | "currency-mismatch"
  | "order-too-small";

export interface Validation {
  valid: boolean;
  reason: CodeReason | null;
  campaign_id: string | null;
  discount: Discount | null;
  /** What comes off the order that was asked about. */
  discount_amount?: number;
}

export interface NewBulkValidation {
  /** 1–100. */
  codes: NewValidation[];
}

export interface CodeValidation extends Validation {
  /** As it was sent. */
  code: string;
}

export interface BulkValidation {
  /** In the order in which they were sent. */
  data: CodeValidation[];
}

export interface NewHold {
  code: string;
  /** The same order again gets the same hold. */
  order_id: string;
  /** 1–3,600. */
  ttl_seconds: number;
  /** Must be the code's holder. */
  user_id?: string;
}

/** A code kept for an order. */
export interface Hold {
  id: string;
  campaign_id: string;
  code: string;
  user_id: string | null;
  order_id: string;
  status: "open" | "redeemed" | "released" | "lapsed";
  created_at: string;
  /** Never after the code's own end. */
  expires_at: string;
}

export interface NewRedemption {
  code: string;
  order_id: string;
  /** Must be the code's holder. */
  user_id?: string;
  /** A hold of this code; the order may then be another than the hold's. */
  hold_id?: string;
  order?: Order;
}

export interface Redemption {
  id: string;
  campaign_id: string;
  /** Null where the code was handed out elsewhere. */
  claim_id: string | null;
  code: string;
  user_id: string | null;
  order_id: string;
  status: "redeemed" | "rolled_back";
  order: Order | null;
  discount: Discount | null;
  discount_amount: number | null;
  redeemed_at: string;
  rolled_back_at: string | null;
  rollback_reason: string | null;
}

export interface NewRollback {
  reason: string;
}

export interface NewBulkRedemption {
  /** 1–100. */
  redemptions: NewRedemption[];
}

export interface CodeRedemption {
  /** As it was sent. */
  code: string;
  order_id: string;
  /** `repeated`: it was spent on this order before. */
  result: "redeemed" | "repeated" | "refused";
  reason: CodeReason | "wrong-hold" | null;
  redemption: Redemption | null;
}

export interface BulkRedemption {
  /** In the order in which they were sent. */
  data: CodeRedemption[];
}
