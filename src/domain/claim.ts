/** Who gets a code: the rules of a claim, its id, and the shard that decides it. */

import { NOBODY } from "./redemption.ts";
import { base32Value, isId, OPAQUE_LENGTH } from "./id.ts";

/** What a pool must know of its campaign. A copy; `version` tells which of two copies is newer. */
export interface PoolCampaign {
  id: string;
  version: number;
  status: "active" | "paused" | "ended";
  startsAt: number | null;
  endsAt: number | null;
  claimsPerUser: number;
  shards: number;
  codeLifetimeSeconds: number | null;
  contactRetentionDays: number | null;
  consent: { required: boolean; version: string } | null;
  /** Whether pages bring a proof. Missing as above. */
  isChallenged?: boolean;
  /** The breaker: new claims in a minute at most, from when on they count, and its trip. */
  claimsPerMinuteMax: number | null;
  breakerCountsFrom: number;
  breakerTrippedAt: number | null;
  /** `on_demand`: a claim reserves a code, and shows it once its user asks for it in time. */
  reveal: "at_claim" | "on_demand";
  revealWithinSeconds: number;
  /** Whether a code is redeemed only for the user who holds it, who must be named. */
  holderOnly: boolean;
  /** Whether codes that were handed out elsewhere are redeemed too. */
  redeemUnclaimed: boolean;
  /** Whether a code may expire after `endsAt`. */
  codesOutliveCampaign: boolean;
}

/** A user's word on whether their contact data may be shared, and on which text they gave it. */
export interface Consent {
  share_contact: boolean;
  version: string;
}

/** `breaker`: paused, by its own brake. */
export type ClosedReason = "not-started" | "paused" | "breaker" | "ended";

export type ClaimDecision =
  /** The user holds codes already and gets this one again; counted from 0. */
  | { kind: "repeat"; nth: number }
  | { kind: "grant"; nth: number }
  | { kind: "closed"; reason: ClosedReason }
  /** None was given, or to another text than that of `version`. */
  | { kind: "consent-missing"; version: string };

/** Why `campaign` hands out nothing at `now`, or null when it is open. The end is exclusive. */
export function closedReason(
  campaign: Pick<PoolCampaign, "status" | "startsAt" | "endsAt" | "breakerTrippedAt">,
  now: number,
): ClosedReason | null {
  if (campaign.status === "ended" || (campaign.endsAt !== null && now >= campaign.endsAt))
    return "ended";
  if (campaign.status === "paused")
    return campaign.breakerTrippedAt === null ? "paused" : "breaker";
  if (campaign.startsAt !== null && now < campaign.startsAt) return "not-started";
  return null;
}

/**
 * The order matters: a holder gets their code back whatever became of the campaign since, and the
 * stock is looked at last, by the caller.
 */
export function decideClaim(input: {
  campaign: PoolCampaign;
  /** Codes of this campaign that the user holds. */
  held: number;
  consent: Consent | null;
  now: number;
}): ClaimDecision {
  const { campaign, held } = input;
  if (held >= campaign.claimsPerUser) return { kind: "repeat", nth: held - 1 };
  const reason = closedReason(campaign, input.now);
  if (reason !== null)
    return held > 0 ? { kind: "repeat", nth: held - 1 } : { kind: "closed", reason };
  const terms = campaign.consent;
  const agreed = input.consent?.share_contact === true;
  if (terms !== null && (terms.required || agreed)) {
    const isToThese = agreed && input.consent?.version === terms.version;
    if (!isToThese) return { kind: "consent-missing", version: terms.version };
  }
  return { kind: "grant", nth: held };
}

/** 26 base 32 characters: 128 bits that stand for one user within one campaign. */
export const USER_KEY_LENGTH = 26;

/**
 * The shard that decides all claims of a user, 0 … shards - 1. One user always meets one shard, so
 * one-per-user needs no other. Reads 30 bits of a keyed hash: the shards' shares differ by < 1e-7.
 */
export function shardOf(userKey: string, shards: number): number {
  return base32Value(userKey.slice(0, 6)) % shards;
}

/** The name of a shard's Durable Object. */
export function poolName(campaignId: string, shard: number): string {
  return `${campaignId}/${shard}`;
}

export interface ClaimAddress {
  campaignId: string;
  userKey: string;
  nth: number;
}

/** A claim's id says where it is kept, so that reading one back needs no index. */
export function formatClaimId({ campaignId, userKey, nth }: ClaimAddress): string {
  return `clm_${campaignId.slice(4)}${userKey}${nth}`;
}

/** The id of a code's claim; null where it was handed out elsewhere, and nobody holds it. */
export function claimIdOf(
  campaignId: string,
  { userKey, nth }: { userKey: string; nth: number },
): string | null {
  return userKey === NOBODY ? null : formatClaimId({ campaignId, userKey, nth });
}

export function parseClaimId(id: string): ClaimAddress | null {
  const userKeyAt = 4 + OPAQUE_LENGTH;
  const nthAt = userKeyAt + USER_KEY_LENGTH;
  if (!isId("claim", id) || !/^[0-9a-hjkmnp-tv-z]+$/.test(id.slice(4))) return null;
  const nth = id.slice(nthAt);
  if (!/^(0|[1-9]\d?)$/.test(nth)) return null;
  return {
    campaignId: `cmp_${id.slice(4, userKeyAt)}`,
    userKey: id.slice(userKeyAt, nthAt),
    nth: Number(nth),
  };
}
