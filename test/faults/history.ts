/** What callers saw, and what lay on disk in the end. The checker is given these and no more. */

import type { CheckoutDump, CheckoutOperation, CheckoutRules } from "./checkout-history.ts";

/** Milliseconds on one clock for all clients, comparable with the pools' own on this machine. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

export type Outcome =
  | { kind: "ok"; status: 200 | 201; code: string; body: string }
  /** A code is kept for the user, who is not shown it: for the claim `claim`, their `nth`. */
  | { kind: "reserved"; status: 200 | 201; claim: string; nth: number; revealBy: number }
  | { kind: "exhausted" }
  /** The time to reveal the code is over. */
  | { kind: "lapsed" }
  /** The campaign was paused. */
  | { kind: "closed" }
  /** The key came with another request before. */
  | { kind: "reused" }
  /** It certainly did not happen: the connection was refused. */
  | { kind: "fail" }
  /** Nobody can tell whether it happened: no answer, or a 503. */
  | { kind: "info"; why: string };

/** One claim as its caller saw it. */
export interface Operation {
  campaign: number;
  user: string;
  idempotencyKey: string | null;
  invoked: number;
  returned: number;
  outcome: Outcome;
}

/** A user's call to be shown a code that was reserved. Its outcome is never `reserved`. */
export interface Reveal {
  campaign: number;
  user: string;
  claim: string;
  nth: number;
  invoked: number;
  returned: number;
  outcome: Outcome;
}

/** Something that the brand did to a campaign. */
export interface Deed {
  campaign: number;
  kind: "top-up" | "pause" | "resume";
  codes: number;
  invoked: number;
  returned: number;
  /** Whether it was answered with success; otherwise it may have happened. */
  isKnown: boolean;
}

/** What is set for a campaign's codes. */
export interface Terms extends CheckoutRules {
  /** How long a reserved code may be revealed; null: codes are shown as they are claimed. */
  revealWithinMs: number | null;
}

/** An event as the brand reads it. */
export interface ToldEvent {
  sequence: number;
  type: string;
  code: string | null;
  redemption: string | null;
}

export interface History {
  claimsPerUser: number[];
  terms: Terms[];
  operations: Operation[];
  reveals: Reveal[];
  checkout: CheckoutOperation[];
  /** Whether the Worker may have called a pool again because an answer was lost between them. */
  isRetried: boolean;
  /** Each campaign's events, read when everything was told. */
  events: ToldEvent[][];
  deeds: Deed[];
}

/** A claim as a pool's file holds it. */
export interface LedgerRow {
  shard: number;
  slot: number;
  user: string;
  nth: number;
  code: string;
  claimedAt: number;
  /** The key that it was made for, or null. */
  idempotencyKey: string | null;
  /** Where the pool's blocks say that the code lies, or null when no block has the slot. */
  place: { batchId: string; ordinal: number } | null;
}

/** What a pool's file remembers of a request that came with a key, and was answered. */
export interface RequestRow {
  idempotencyKey: string;
  /** The code that it was answered with. */
  code: string;
  status: 200 | 201;
  madeAt: number;
}

/** A code as D1's file holds it. */
export interface CodeRow {
  batchId: string;
  ordinal: number;
  code: string;
  /** The user that D1 shows, or null. */
  user: string | null;
}

/** A run of the event log, as D1's file holds it. Of claims it names a stretch of a ledger. */
export interface RunRow {
  type: string;
  first: number;
  count: number;
  shard: number | null;
  from: number | null;
  to: number | null;
}

/** A code that a pool's file keeps for a user. */
export interface ReservationRow {
  user: string;
  nth: number;
  madeAt: number;
  revealBy: number;
}

/** One campaign on disk. */
export interface CampaignDump {
  ledger: LedgerRow[];
  /** By sequence. */
  runs: RunRow[];
  requests: RequestRow[];
  codes: CodeRow[];
  reservations: ReservationRow[];
  checkout: CheckoutDump;
}
