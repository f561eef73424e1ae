/** Limits of one batch, and of the blocks in which its codes reach the pools. */

/** Codes in one request. */
export const BATCH_COUNT_MAX = 5_000_000;

/** Up to so many are made within the request; more take longer than a caller should wait. */
export const BATCH_AT_ONCE_MAX = 10_000;

/**
 * Codes made in one D1 transaction: some 300 KB of JSON. Random codes touch most pages of a large
 * index whatever their number, so fewer would cost more each; more would keep others waiting for
 * longer than a fraction of a second.
 */
export const BATCH_STEP = 10_000;

/** Characters of a step's codes and match keys, all of them ASCII: a D1 parameter has 2 MB. */
export const BATCH_STEP_CHARS = 1_500_000;

/**
 * Codes in one lease at most: a lease writes 11 rows, 0.02 for a claim, and a lost pool would hold
 * up no more.
 */
export const LEASE_SIZE = 500;

/**
 * A shard with fewer unspent codes asks for the next block, while claims go on with what it has.
 */
export const LOW_WATER = LEASE_SIZE / 2;
