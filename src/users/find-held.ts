/** What a brand holds of one of its users, campaign by campaign. */

import type { HeldByUser } from "../code-pool/messages.ts";
import type { AnyClaim } from "../code-pool/reservations.ts";
import { poolOfUser, userKeyOf } from "../code-pool/stub.ts";
import { listLeasedCampaigns, type CampaignRow, type CampaignScope } from "../db/campaigns.ts";
import type { Page } from "../db/database.ts";
import { onEach } from "./on-each.ts";

const STEP = 60;
/**
 * Campaigns looked at for one page. Each is a call to a pool, tried three times at most, and a
 * request to a Worker may make 1,000 (10,000 on a paid plan).
 */
const LOOKED_AT_MAX = 300;

/** What a user has in one campaign: at least one claim, which may be reserved only. */
export interface HeldInCampaign {
  campaign: CampaignRow;
  /** The shard that decides all of it. */
  shard: number;
  held: HeldByUser<AnyClaim>[];
}

/**
 * What the pools hold of the user in campaigns behind `after`, in the order of their ids, of
 * `limit` campaigns at most. `upTo` is the last that was looked at, or null when none is left.
 */
export async function findHeld(
  env: Env,
  { scope, userId }: { scope: CampaignScope; userId: string },
  { after, limit }: Page<string>,
): Promise<{ found: HeldInCampaign[]; upTo: string | null }> {
  const found: HeldInCampaign[] = [];
  let upTo = after;
  for (let lookedAt = 0; lookedAt < LOOKED_AT_MAX; lookedAt += STEP) {
    const campaigns = await listLeasedCampaigns(env.DB, scope, { after: upTo, limit: STEP });
    const looked = await onEach(campaigns, async (campaign) => {
      const userKey = await userKeyOf(campaign, userId);
      const { shard, call } = poolOfUser(env, campaign, userKey);
      return { campaign, shard, held: await call((pool) => pool.listClaimsOf(userKey)) };
    });
    for (const one of looked) {
      upTo = one.campaign.id;
      if (one.held.length > 0) found.push(one);
      if (found.length === limit) return { found, upTo };
    }
    if (campaigns.length < STEP) return { found, upTo: null };
  }
  return { found, upTo };
}
