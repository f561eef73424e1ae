/** How much of everything one run does. */

export interface Scale {
  /** Requests that wait for an answer at any time. */
  inFlight: number;
  /** Of the contenders side by side. */
  rounds: number;
  roundMs: number;
  /** The large pool, held against one of 1,000. */
  manyCodes: number;
  sizeRounds: number;
  shardRounds: number;
  batchRounds: number;
  /** Claims whose rows are counted: a multiple of a lease's codes, so that whole leases count. */
  countedClaims: number;
}

export const FULL: Scale = {
  inFlight: 32,
  rounds: 7,
  roundMs: 2_000,
  manyCodes: 1_000_000,
  sizeRounds: 15,
  shardRounds: 5,
  batchRounds: 15,
  countedClaims: 5_000,
};

export const QUICK: Scale = {
  inFlight: 32,
  rounds: 3,
  roundMs: 700,
  manyCodes: 50_000,
  sizeRounds: 3,
  shardRounds: 2,
  batchRounds: 3,
  countedClaims: 1_500,
};

/** The most that one batch makes. */
export const BATCH_CODES = 10_000;

/** More than any machine claims in a second, so that no pool runs dry within a phase. */
const CLAIMS_PER_SECOND_MAX = 8_000;

/** Codes for a contender that claims through so many rounds and the warm-up before them. */
export function codesFor(rounds: number, roundMs: number): number {
  const claims = ((rounds + 1) * roundMs * CLAIMS_PER_SECOND_MAX) / 1000;
  return Math.ceil(claims / BATCH_CODES) * BATCH_CODES;
}
