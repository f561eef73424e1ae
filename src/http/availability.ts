/** What a page may know of a campaign's stock: whether codes are left, never how many. */

import { poolsOf } from "../code-pool/stub.ts";
import type { CampaignRow } from "../db/campaigns.ts";
import { countStock } from "../inventory/census.ts";

export type Availability = "available" | "low" | "exhausted";

/** Below this share of all codes made, a page may say that few are left. */
const LOW_SHARE = 0.1;
/** How old an answer may be: a page shows it to somebody, claims ask the pools. */
export const VIEW_AGE_MAX_MS = 5_000;
/** Campaigns remembered; with more in view at a time they are looked at more often. */
const REMEMBERED_MAX = 500;

const remembered = new Map<string, { seenAt: number; availability: Availability }>();

/** Asks the pools and D1, at most once in VIEW_AGE_MAX_MS for each isolate and campaign. */
export async function availabilityOf(env: Env, campaign: CampaignRow): Promise<Availability> {
  const now = Date.now();
  const known = remembered.get(campaign.id);
  if (known !== undefined && now - known.seenAt < VIEW_AGE_MAX_MS) return known.availability;
  // Who comes while this one asks makes do with what was seen before.
  if (known !== undefined) known.seenAt = now;
  const availability = await look(env, campaign).catch((error: unknown) => {
    if (known === undefined) throw error;
    return known.availability;
  });
  if (remembered.size >= REMEMBERED_MAX) remembered.clear();
  remembered.set(campaign.id, { seenAt: now, availability });
  return availability;
}

async function look(env: Env, campaign: CampaignRow): Promise<Availability> {
  const [{ made, free }, ...shards] = await Promise.all([
    countStock(env.DB, campaign.id),
    ...poolsOf(env, campaign).map(({ call }) => call((pool) => pool.stockLeft())),
  ]);
  const inPools = shards.reduce((sum, { unspent }) => sum + unspent, 0);
  // D1's count may hold codes that were revoked; a shard that just searched knows better.
  const isDry = inPools === 0 && (free === 0 || shards.some((shard) => shard.isDry));
  if (isDry) return "exhausted";
  return free + inPools <= made * LOW_SHARE ? "low" : "available";
}
