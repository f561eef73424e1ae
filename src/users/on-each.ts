/** Doing the same in many campaigns. May import code-pool/, inventory/, db/ and domain/. */

import type { CampaignRow } from "../db/campaigns.ts";

/** The platform lets 6 calls wait for an answer at once. */
const AT_ONCE = 6;

/** The results in the order of the campaigns. */
export async function onEach<Result>(
  campaigns: readonly CampaignRow[],
  work: (campaign: CampaignRow) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < campaigns.length; at += AT_ONCE) {
    results.push(...(await Promise.all(campaigns.slice(at, at + AT_ONCE).map(work))));
  }
  return results;
}
