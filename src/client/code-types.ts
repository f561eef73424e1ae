/** Codes and what becomes of them, as the OpenAPI document has them. */

import type { Discount } from "./types.ts";

export interface ImportError {
  line: number;
  code: string;
  reason: string;
  detail: string;
}

export interface Import {
  id: string;
  campaign_id: string;
  status: "running" | "complete" | "failed";
  dry_run: boolean;
  rows: number;
  accepted: number;
  duplicates: number;
  rejected: number;
  /** The first 1,000; `imports.errors` has all. */
  errors: ImportError[];
  created_at: string;
  finished_at: string | null;
}

export type CodeStatus = "available" | "claimed" | "redeemed" | "expired" | "revoked";

export interface Code {
  code: string;
  status: CodeStatus;
  batch_id: string;
  user_id: string | null;
  claimed_at: string | null;
  redeemed_at: string | null;
}

export interface Order {
  amount: number;
  currency: string;
}

export interface NewValidation {
  code: string;
  user_id?: string;
  order?: Order;
}

export interface Validation {
  valid: boolean;
  reason:
    | "unknown"
    | "not-claimed"
    | "redeemed"
    | "held"
    | "expired"
    | "revoked"
    | "not-yours"
    | null;
  campaign_id: string | null;
  discount: Discount | null;
  /** What comes off the order that was asked about. */
  discount_amount?: number;
}

export interface NewRevocation {
  /** 1–1,000. */
  codes: string[];
  reason?: string;
}

export interface CodeVerdict {
  code: string;
  result: "revoked" | "already-revoked" | "redeemed" | "unknown";
}

export interface Revocation {
  data: CodeVerdict[];
}

/** Everything known of one code. */
export interface CodeHistory {
  code: string;
  status: CodeStatus;
  campaign_id: string;
  batch_id: string | null;
  claim_id: string | null;
  user_id: string | null;
  claimed_at: string | null;
  expires_at: string | null;
  redemption_id: string | null;
  order_id: string | null;
  redeemed_at: string | null;
  revoked_at: string | null;
  history: { at: string; event: string }[];
}

export interface Consent {
  share_contact: boolean;
  /** Of the text that the user saw. */
  version: string;
}

/** Kept with a claim only where the user consented. */
export interface Contact {
  email?: string;
  name?: string;
  attributes?: Record<string, string>;
}

export interface NewClaim {
  /** Your server vouches for the user. */
  user: { id: string } & Contact;
  consent?: Consent;
}

export interface Claim {
  id: string;
  campaign_id: string;
  code: string;
  user_id: string;
  status: "claimed" | "redeemed" | "expired" | "revoked";
  discount: Discount | null;
  claimed_at: string;
  expires_at: string | null;
  shop_url: string | null;
  consent: Consent | null;
  contact: Contact | null;
}

export interface NewRedemption {
  code: string;
  order_id: string;
  user_id?: string;
  order?: Order;
}

export interface Redemption {
  id: string;
  campaign_id: string;
  claim_id: string;
  code: string;
  user_id: string;
  order_id: string;
  order: Order | null;
  discount: Discount | null;
  discount_amount: number | null;
  redeemed_at: string;
}

export interface Stats {
  totals: {
    /** The sum of the five below. */
    codes: number;
    available: number;
    claimed: number;
    redeemed: number;
    expired: number;
    revoked: number;
  };
}

export interface Integrity {
  ok: boolean;
  codes: number;
  available: number;
  leased: number;
  claimed: number;
  duplicate_codes: number;
  duplicate_users: number;
  stranded: number;
  unprojected: number;
  checked_at: string;
}
