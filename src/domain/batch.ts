/** Limits of one batch, and of the blocks in which its codes reach the pools. */

/**
 * Codes in one request. 10,000 rows are one statement of about 200 KB, well under D1's 2 MB
 * parameter.
 */
export const BATCH_COUNT_MAX = 10_000;

/**
 * Codes in one lease at most: a lease writes 10 rows, 0.02 for a claim, and a lost pool would hold
 * up no more.
 */
export const LEASE_SIZE = 500;

/**
 * A shard with fewer unspent codes asks for the next block, while claims go on with what it has.
 */
export const LOW_WATER = LEASE_SIZE / 2;
