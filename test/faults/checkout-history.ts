/** What the checkout's callers saw of codes, and what lay on disk of it. */

/** What was asked, of one code. Times and spans are milliseconds. */
export type CheckoutCall =
  | { kind: "redeem"; order: string; hold: string | null; user: string | null }
  | { kind: "rollback"; redemption: string; reason: string }
  | { kind: "hold"; order: string; ttlMs: number; user: string | null }
  | { kind: "release"; hold: string }
  | { kind: "validate"; order: string | null; user: string | null };

export type CheckoutOutcome =
  | { kind: "redeemed"; status: 200 | 201; redemption: string }
  | { kind: "rolled-back"; at: number; reason: string | null }
  | { kind: "held"; status: 200 | 201; hold: string; expiresAt: number }
  | { kind: "released" }
  | { kind: "valid" }
  /** By the rules, which say why. */
  | { kind: "refused"; reason: string }
  /** As those of a claim: it certainly did not happen, and nobody can tell. */
  | { kind: "fail" }
  | { kind: "info"; why: string };

export type CheckoutOperation = CheckoutCall & {
  campaign: number;
  code: string;
  idempotencyKey: string | null;
  invoked: number;
  returned: number;
  outcome: CheckoutOutcome;
};

/** A redemption as a pool's file holds it. Numbers count those of a shard, in order. */
export interface RedemptionRow {
  shard: number;
  number: number;
  id: string;
  code: string;
  order: string;
  redeemedAt: number;
  /** The number of its rollback in the log, 0 while it stands. */
  rollback: number;
  rolledBackAt: number | null;
  reason: string | null;
}

export interface HoldRow {
  shard: number;
  number: number;
  id: string;
  code: string;
  order: string;
  madeAt: number;
  expiresAt: number;
  endedAt: number | null;
  endedBy: "redeemed" | "released" | "lapsed" | null;
}

/** What became of codes, in the order in which it did. */
export interface LogRow {
  shard: number;
  number: number;
  kind: "redeemed" | "rolled_back" | "expired";
  /** The number of the redemption; of an expired code its slot. */
  target: number;
  at: number;
}

/** What a pool's file says of a code that somebody holds, and what D1 shows of it. */
export interface SpentRow {
  code: string;
  /** When the redemption that stands was made, by the pool's claims. */
  inPool: number | null;
  inD1: number | null;
}

/** The checkout of one campaign on disk. Rows by shard and number. */
export interface CheckoutDump {
  redemptions: RedemptionRow[];
  holds: HoldRow[];
  log: LogRow[];
  spent: SpentRow[];
  /** Codes that were redeemed or held without a claim: they were handed out elsewhere. */
  outside: string[];
  /** Codes that D1 knows as such and no pool does: the call broke off in between. */
  marked: string[];
}

/** How a campaign's codes are redeemed. */
export interface CheckoutRules {
  isHolderOnly: boolean;
  redeemsUnclaimed: boolean;
}
