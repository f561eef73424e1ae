/** A campaign's claims and redemptions over time, as its pools have them. */

import type { CampaignRow } from "../db/campaigns.ts";
import { claimsPerHour } from "../domain/rate.ts";
import { poolsOf } from "./stub.ts";
import type { IntervalCounts } from "./tally.ts";

/** Intervals that a pool counts at a time: a few milliseconds of its thread, then claims come. */
const INTERVALS_AT_ONCE = 100;
/** Pools asked at a time: the platform lets 6 calls wait for an answer at once. */
const POOLS_AT_ONCE = 6;
/** Long enough for claims that came meanwhile to go first. */
const PAUSE_MS = 1;

/**
 * What came between each of the times and the next, in all shards together, and the present rate.
 */
export async function readSeries(
  env: Env,
  campaign: CampaignRow,
  times: readonly number[],
): Promise<{ counts: IntervalCounts[]; perHour: number }> {
  const sums = times.slice(1).map(() => ({ claimed: 0, redeemed: 0 }));
  let perHour = 0;
  const waiting = poolsOf(env, campaign).values();
  // Several go through the same pools, each one after the other.
  const readers = Array.from({ length: POOLS_AT_ONCE }, async () => {
    for (const { call } of waiting) {
      for (let first = 0; first < sums.length; first += INTERVALS_AT_ONCE) {
        if (first > 0) await scheduler.wait(PAUSE_MS);
        const edges = times.slice(first, first + INTERVALS_AT_ONCE + 1);
        const tally = await call((pool) => pool.tally(edges));
        if (first === 0) perHour += claimsPerHour(tally, Date.now());
        for (const [i, { claimed, redeemed }] of tally.between.entries()) {
          const sum = sums[first + i];
          if (sum === undefined) throw new Error("A pool counted more than it was asked");
          sum.claimed += claimed;
          sum.redeemed += redeemed;
        }
      }
    }
  });
  await Promise.all(readers);
  return { counts: sums, perHour };
}
