import type { ClaimRequest } from "../../src/code-pool/messages.ts";
import type { PoolCampaign } from "../../src/domain/claim.ts";

/** The settings of a campaign that was just made and is open to everybody. */
export const openCampaign: PoolCampaign = {
  id: "cmp_00000000000000000000",
  version: 1,
  status: "active",
  startsAt: null,
  endsAt: null,
  claimsPerUser: 1,
  shards: 1,
  codeLifetimeSeconds: null,
  contactRetentionDays: null,
  consent: null,
  claimsPerMinuteMax: null,
  breakerCountsFrom: 0,
  breakerTrippedAt: null,
  reveal: "at_claim",
  revealWithinSeconds: 900,
  holderOnly: false,
  redeemUnclaimed: false,
  codesOutliveCampaign: false,
};

/** A claim as a caller would pass it on who read the campaign when it was new, and open. */
export function staleRequest(campaignId: string, change: Partial<ClaimRequest> = {}): ClaimRequest {
  return {
    campaign: { ...openCampaign, id: campaignId },
    shard: 0,
    userKey: "k".repeat(26),
    userId: "u-stale",
    key: null,
    attempt: crypto.randomUUID(),
    consent: null,
    contact: null,
    pace: null,
    proof: null,
    ...change,
  };
}
