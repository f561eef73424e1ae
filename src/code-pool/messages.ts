/** What callers and pools say to each other. Plain data: it crosses from one machine to another. */

import type { ClosedReason, Consent, PoolCampaign } from "../domain/claim.ts";
import type { Claim, Contact } from "./ledger.ts";
import type { LeaseUse } from "./stock.ts";

export interface ClaimRequest {
  /** The caller's copy of the settings; the pool uses the newer of this and its own. */
  campaign: PoolCampaign;
  shard: number;
  userKey: string;
  userId: string;
  idempotencyKey: string | null;
  /** Unique to one request of a caller; the same in every try to pass that request on. */
  attempt: string;
  consent: Consent | null;
  contact: Contact | null;
}

export type ClaimOutcome =
  /** `version` is that of the settings by which it was decided. */
  | { kind: "granted" | "repeated"; claim: Claim; version: number }
  | { kind: "closed"; reason: ClosedReason; startsAt: number | null }
  | { kind: "consent-missing"; version: string }
  | { kind: "exhausted" }
  /** No code is here and D1 did not answer, so nobody can say whether one is left. */
  | { kind: "stock-unknown" };

export interface PoolReport {
  /** Claims decided by this shard. */
  claims: number;
  leases: LeaseUse[];
  pendingLeaseId: string | null;
}
