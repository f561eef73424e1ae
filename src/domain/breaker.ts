/** The brake of a campaign: how many new claims may come in one minute. */

export const BREAKER_WINDOW_MS = 60_000;

/**
 * What one of `shards` may give in the window. More than its even share: users meet shards by a
 * hash, so of `max` claims a shard gets a share that varies by its square root. Three of these are
 * exceeded by chance about once in a thousand full minutes; all shards together may pass `max` by
 * as much before one of them stops all.
 */
export function shardLimit(max: number, shards: number): number {
  if (shards === 1) return max;
  const share = max / shards;
  return Math.min(max, Math.ceil(share + 3 * Math.sqrt(share)));
}
