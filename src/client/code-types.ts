/** Codes and what becomes of them, as the OpenAPI document has them. */

import type { Redemption } from "./checkout-types.ts";
import type { Discount } from "./types.ts";

/** Why a row was not accepted; the last two are codes that are known. */
export type RowReason =
  | "empty"
  | "too-long"
  | "broken-text"
  | "control-character"
  | "outer-blank"
  | "no-code"
  | "not-json"
  | "stray-quote"
  | "unclosed-quote"
  | "extra-fields"
  | "row-too-long"
  | "duplicate-in-file"
  | "duplicate";

export interface ImportError {
  /** Of the file, from 1; in JSON the place in `codes`. */
  line: number;
  code: string;
  reason: RowReason;
  detail: string;
}

export interface ImportSummary {
  id: string;
  campaign_id: string;
  status: "running" | "complete" | "failed";
  dry_run: boolean;
  rows: number;
  accepted: number;
  duplicates: number;
  rejected: number;
  created_at: string;
  finished_at: string | null;
}

export interface Import extends ImportSummary {
  /** The first 1,000; `imports.errors` has all. */
  errors: ImportError[];
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

/** A line of the export of codes. */
export interface ExportedCode extends Code {
  claim_id: string | null;
  expires_at: string | null;
  revoked_at: string | null;
}

/** A line of the export of claims. Contact data is there where the user consented. */
export interface ExportedClaim {
  id: string;
  code: string;
  user_id: string | null;
  status: "claimed" | "redeemed" | "expired" | "revoked";
  claimed_at: string;
  expires_at: string | null;
  consent_version: string | null;
  email: string | null;
  name: string | null;
}

/** A line of the export of redemptions. Amounts are minor units. */
export interface ExportedRedemption {
  id: string;
  code: string;
  user_id: string | null;
  order_id: string;
  order_amount: number | null;
  order_currency: string | null;
  discount_amount: number | null;
  redeemed_at: string;
  /** Null where the code was handed out elsewhere. */
  claim_id: string | null;
  status: "redeemed" | "rolled_back";
  rolled_back_at: string | null;
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
  batch_id: string;
  claim_id: string | null;
  user_id: string | null;
  claimed_at: string | null;
  expires_at: string | null;
  redemption_id: string | null;
  order_id: string | null;
  redeemed_at: string | null;
  revoked_at: string | null;
  revoked_reason: string | null;
  history: {
    at: string;
    event: "made" | "claimed" | "redeemed" | "rolled_back" | "revoked" | "expired";
  }[];
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
  /** With a secret key: your server vouches for the user. */
  user?: { id: string } & Contact;
  consent?: Consent;
  /** From a page, where the campaign has a challenge: what its widget gave. */
  challenge_token?: string;
}

export interface Claim {
  id: string;
  campaign_id: string;
  /** Null while it is reserved only. */
  code: string | null;
  /** Null once the user was erased. */
  user_id: string | null;
  /** `reserved` and `lapsed`: of a campaign whose codes are revealed on demand. */
  status: "reserved" | "claimed" | "redeemed" | "expired" | "revoked" | "lapsed";
  discount: Discount | null;
  /** When it was reserved, until it is revealed. */
  claimed_at: string;
  /** Until when a code that is reserved may be revealed. */
  reveal_by: string | null;
  expires_at: string | null;
  shop_url: string | null;
  consent: Consent | null;
  contact: Contact | null;
}

/** What is held about a user in one campaign. */
export interface UserInCampaign {
  campaign_id: string;
  /** Each with the consent that was given with it, at claimed_at, and the contact data kept. */
  claims: Claim[];
  redemptions: Redemption[];
}

export interface Erasure {
  id: string;
  status: "running" | "complete";
  /** From which the user's data was taken so far. */
  claims: number;
  created_at: string;
  finished_at: string | null;
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
  /** Whole intervals, first to last, those without anything too. */
  series: { start: string; claimed: number; redeemed: number }[];
  claims_per_hour: number;
  /** When stock runs out at that rate, if that can be said. */
  empty_at: string | null;
}

export interface LiveStock {
  at: string;
  codes: number;
  available: number;
  /** Given to users, whatever became of them. */
  claimed: number;
  redeemed: number;
  claims_per_hour: number;
}

/** Intervals are of UTC, `hour` unless you say; at most 1,000. */
export interface StatsWindow {
  interval?: "minute" | "hour" | "day";
  from?: string;
  to?: string;
}

export interface Integrity {
  ok: boolean;
  codes: number;
  available: number;
  leased: number;
  claimed: number;
  revoked: number;
  duplicate_codes: number;
  duplicate_users: number;
  stranded: number;
  unprojected: number;
  checked_at: string;
}
