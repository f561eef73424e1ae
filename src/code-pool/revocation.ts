/** Taking codes out of the world, wherever they lie. */

import { poolName } from "../domain/claim.ts";
import type { FoundCode } from "../inventory/find-codes.ts";
import type { RevokeOutcome } from "./messages.ts";
import { poolOfShard, tellStockLater } from "./stub.ts";

/**
 * Marks the codes in D1 first, then tells the shards in whose hands they are by then: `mark`
 * answers which. A lease that comes later reads the mark; one that was granted before is a shard's
 * that is told. When this resolves, none of them is given or spent any more. Safe to repeat.
 */
export async function revokeCodes(
  env: Env,
  codes: readonly FoundCode[],
  mark: () => Promise<(number | null)[]>,
): Promise<RevokeOutcome[]> {
  const shards = await mark();
  const outcomes: RevokeOutcome[] = codes.map(() => "unclaimed");
  const leased = codes.flatMap(({ campaignId, batchId, ordinal }, at) => {
    const shard = shards[at] ?? null;
    return shard === null ? [] : [{ at, campaignId, shard, place: { batchId, ordinal } }];
  });
  const byPool = Map.groupBy(leased, ({ campaignId, shard }) => poolName(campaignId, shard));
  await Promise.all(
    [...byPool.values()].map(async (mine) => {
      const [first] = mine;
      if (first === undefined) return;
      const { call } = poolOfShard(env, { id: first.campaignId }, first.shard);
      const answers = await call((pool) => pool.revoke(mine.map(({ place }) => place)));
      for (const [i, answer] of answers.entries()) outcomes[mine[i]?.at ?? -1] = answer;
    }),
  );
  const campaigns = new Set(codes.map(({ campaignId }) => campaignId));
  await Promise.all(
    [...campaigns].flatMap((id) => [tellStockLater(env, id), tellWatchers(env, id)]),
  );
  return outcomes;
}

/** Codes that lay in no pool were revoked, too. Whoever watches the campaign hears this one. */
async function tellWatchers(env: Env, campaignId: string): Promise<void> {
  const { call } = poolOfShard(env, { id: campaignId }, 0);
  // It was done, whether they hear of it or not.
  await call((pool) => pool.revoke([])).catch(() => undefined);
}
