/** What callers and pools say to each other. Plain data: it crosses from one machine to another. */

import type { ClosedReason, Consent, PoolCampaign } from "../domain/claim.ts";
import type { OrderRefusal } from "../domain/discount.ts";
import type { HeldStatus, RefusalReason } from "../domain/redemption.ts";
import type { Hold } from "./holds.ts";
import type { Claim, Contact } from "./ledger.ts";
import type { LogEntry } from "./log.ts";
import type { Redemption, Terms } from "./redemptions.ts";
import type { AnyClaim, ClaimStatus } from "./reservations.ts";
import type { LeaseUse, Place } from "./stock.ts";
import type { PoolTally } from "./tally.ts";

/** An Idempotency-Key within its scope, and the request it came with. Hashes, in base 32. */
export interface RequestKey {
  hash: string;
  fingerprint: string;
}

export interface ClaimRequest {
  /** The caller's copy of the settings; the pool uses the newer of this and its own. */
  campaign: PoolCampaign;
  shard: number;
  userKey: string;
  userId: string;
  key: RequestKey | null;
  /** Unique to one request of a caller; the same in every try to pass that request on. */
  attempt: string;
  consent: Consent | null;
  contact: Contact | null;
  /** How often the user may call; null where somebody else answers for that. */
  pace: UserPace | null;
  /** A proof of work or the like that the caller has verified: good for one user. */
  proof: Proof | null;
}

/** Of a user who has reserved a code, and now wants to see it. */
export interface RevealRequest extends Pick<
  ClaimRequest,
  "campaign" | "shard" | "userKey" | "pace"
> {
  nth: number;
}

export interface UserPace {
  callsMax: number;
  windowMs: number;
}

export interface Proof {
  /** SHA-256 in base 32. */
  hash: string;
}

/** What a user may still call within the window. */
export interface PaceLeft {
  remaining: number;
  resetMs: number;
}

/** What a pool comes to. */
export type ClaimVerdict =
  /** The user holds the claim, since this request or since an earlier one. */
  | ({ kind: "granted" | "repeated"; claim: AnyClaim } & ClaimAnswer)
  | {
      kind: "closed";
      reason: ClosedReason;
      startsAt: number | null;
      claimsPerMinuteMax: number | null;
    }
  | { kind: "consent-missing"; version: string }
  | { kind: "key-reused" }
  /** The proof was another user's before. */
  | { kind: "proof-spent" }
  /** A page brought none: its caller's copy of the campaign is from before it was asked for. */
  | { kind: "proof-missing" }
  /** The user called too often: nothing was looked at. */
  | { kind: "paced"; retryAfterMs: number }
  | { kind: "exhausted" }
  /** What was to be revealed: its time is over, or it was never there. */
  | { kind: "lapsed" | "not-found" }
  /** No code is here and D1 did not answer, so nobody can say whether one is left. */
  | { kind: "stock-unknown" };

/** `paceLeft` is null where no pace was asked for. */
export type ClaimOutcome = ClaimVerdict & { paceLeft: PaceLeft | null };

/** How a claim is answered. */
export interface ClaimAnswer {
  /** Of the settings by which it was decided. */
  version: number;
  /** The claim's own, as it is; of a repeated answer, as it was. */
  status: HeldStatus | ClaimStatus;
  /** Whether this answer was given to the same key before. */
  isReplay: boolean;
}

export interface PoolReport {
  /** Claims decided by this shard. */
  claims: number;
  /** The last of their slots: above their number where withdrawn codes were passed over. */
  lastSlot: number;
  leases: LeaseUse[];
  pendingLeaseId: string | null;
}

/** What a pool says to who watches it. */
export interface PoolNews {
  tally: PoolTally;
  /** Whether codes were added or revoked: D1 knows how many there are. */
  isStockNews: boolean;
}

export interface StockLeft {
  unspent: number;
  isDry: boolean;
}

/** A code in the hands of this pool's shard, or null: nobody has been given it here. */
export type HeldClaim = HeldByUser | null;

export interface HeldByUser<Of extends AnyClaim = Claim> {
  claim: Of;
  /** First to last: those that were undone, and the one that stands, if one does. */
  redemptions: Redemption[];
  /** The one that is open. */
  hold: Hold | null;
}

/** A redemption, and the claim whose code was spent. */
export interface HeldRedemption {
  redemption: Redemption;
  claim: Claim;
}

/** A claim whose user's data was erased, and the place of its code in the inventory. */
export interface ErasedClaim extends Place {
  nth: number;
  /** False: by an earlier erasure, of which D1 may not know yet. */
  isOfThis: boolean;
}

/** So many claims, or entries of the log, behind `skip` others above the number `after`. */
export interface LedgerStretch {
  kind: "claims" | "log";
  after: number;
  skip: number;
  take: number;
}

export type LedgerEntries =
  | { kind: "claims"; claims: Claim[] }
  | { kind: "log"; entries: LogEntry[] };

/** What an order asks of a code. */
export interface CheckoutRequest {
  place: Place;
  code: string;
  orderId: string;
  /** Who brings the code, if the shop says. */
  userKey: string | null;
  /** When the code was marked as revoked in D1, of which the pool may not have been told. */
  revokedAt: number | null;
  /** Whether D1 has marked it as handed out elsewhere, so that nobody is given it. */
  isOutside: boolean;
  /** What speaks against the order itself. */
  refusal: OrderRefusal | null;
  key: RequestKey | null;
  /** As that of a claim. */
  attempt: string;
}

export interface RedeemRequest extends CheckoutRequest {
  holdNumber: number | null;
  terms: Terms;
}

export interface HoldRequest extends CheckoutRequest {
  ttlMs: number;
}

/** The caller's copy of the settings, as with a claim. */
export type AskedOf = Pick<ClaimRequest, "campaign" | "shard">;

/** `Made`: what was made of the code now, or by the same order before. */
export type CheckoutOutcome<Made> =
  | ({ kind: "made" | "repeated"; isReplay: boolean } & Made)
  | { kind: "key-reused" }
  | { kind: "refused"; reason: RefusalReason };

export type RedeemOutcome = CheckoutOutcome<HeldRedemption>;
export type HoldOutcome = CheckoutOutcome<HeldHold>;

/** A hold, and the claim whose code it keeps. */
export interface HeldHold {
  hold: Hold;
  claim: Claim;
  /** Of the code. */
  place: Place;
}

/** What became of a code that was to be revoked. A redeemed one is not good again if undone. */
export type RevokeOutcome = "claimed" | "redeemed" | "unclaimed";
