import type { ClaimRequest } from "../../src/code-pool/messages.ts";

/** A claim as a caller would pass it on who read the campaign when it was new, and open. */
export function staleRequest(campaignId: string, change: Partial<ClaimRequest> = {}): ClaimRequest {
  return {
    campaign: {
      id: campaignId,
      version: 1,
      status: "active",
      startsAt: null,
      endsAt: null,
      claimsPerUser: 1,
      shards: 1,
      codeLifetimeSeconds: null,
      consent: null,
    },
    shard: 0,
    userKey: "k".repeat(26),
    userId: "u-stale",
    idempotencyKey: null,
    attempt: crypto.randomUUID(),
    consent: null,
    contact: null,
    ...change,
  };
}
