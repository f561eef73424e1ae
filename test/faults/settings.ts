/** What may go wrong inside the runtime, each with the share of the calls that it strikes. */

export interface FaultRates {
  /** A D1 call fails and took no effect. */
  d1Before: number;
  /** A D1 call took effect, and its answer is lost. */
  d1After: number;
  /** A D1 call is answered late, so that much happens in between. */
  d1Late: number;
  /** A D1 call lies somewhere for a while before it takes effect. */
  d1Held: number;
  /** D1 leased a block, and the answer is lost. */
  leaseLost: number;
  /** D1 is told of the same claims twice. */
  shownTwice: number;
  /** A KV call fails. */
  kv: number;
  /** A pool's alarm throws, before or after its work. */
  alarm: number;
  /** A pool is thrown out of memory after it decided, maybe before that was stored. */
  evicted: number;
  /** A pool decided, and its answer is lost on the way to the caller. */
  claimLost: number;
  /** A pool gave codes back, and its answer is lost on the way to its sibling. */
  giveBackLost: number;
  /** A pool decided what becomes of a code, and its answer is lost on the way to the caller. */
  checkoutLost: number;
  /** The platform turns a call to a pool away. */
  overloaded: number;
}

export type FaultKind = keyof FaultRates;

export interface FaultSettings {
  seed: number;
  rates: FaultRates;
}

export const NO_FAULTS: FaultRates = {
  d1Before: 0,
  d1After: 0,
  d1Late: 0,
  d1Held: 0,
  leaseLost: 0,
  shownTwice: 0,
  kv: 0,
  alarm: 0,
  evicted: 0,
  claimLost: 0,
  giveBackLost: 0,
  checkoutLost: 0,
  overloaded: 0,
};
