/** When a code may be spent, and the ids of redemptions and holds. */

import type { OrderRefusal } from "./discount.ts";
import { base32Value, isId, OPAQUE_LENGTH, prefixes } from "./id.ts";

/**
 * Why a code is no good for whoever brings it. `unknown`: the brand has no such code of the key's
 * mode.
 */
export type RefusalReason =
  | "unknown"
  | "not-claimed"
  | "not-yours"
  | "redeemed"
  | "revoked"
  | "expired"
  | "held"
  /** The hold that the caller names is none of this code. */
  | "wrong-hold"
  | OrderRefusal;

/** Stands for the holder of a code that was handed out elsewhere: no user's key is empty. */
export const NOBODY = "";

/** A code that a user holds, as far as spending it goes. Times are Unix milliseconds. */
export interface HeldCode {
  userKey: string;
  expiresAt: number | null;
  redeemedAt: number | null;
  revokedAt: number | null;
}

/** An order's claim to a code, for minutes: nobody else spends it. */
export interface OpenHold {
  number: number;
  orderId: string;
}

/** Who brings a code, and for what. */
export interface Asking {
  /** Who brings it, if the shop says. By key: a user whose data was erased still holds theirs. */
  userKey: string | null;
  /** Whether the campaign's codes are good for their holder only. */
  holderOnly: boolean;
  orderId: string | null;
  /** Of the hold that the caller names. */
  holdNumber: number | null;
  /** What speaks against the order itself. */
  order: OrderRefusal | null;
  now: number;
}

/**
 * Why the code may not be spent, or null when it may. Somebody else's code says nothing but that.
 * The expiry is exclusive.
 */
export function refusalReason(
  code: HeldCode,
  hold: OpenHold | null,
  asking: Asking,
): Exclude<RefusalReason, "unknown" | "not-claimed" | "wrong-hold"> | null {
  if (!isHolder(code, asking)) return "not-yours";
  const status = heldStatus(code, asking.now);
  if (status !== "claimed") return status;
  const isOwn = hold?.orderId === asking.orderId || hold?.number === asking.holdNumber;
  if (hold !== null && !isOwn) return "held";
  return asking.order;
}

/** A code handed out elsewhere has no holder who could be known. */
function isHolder({ userKey: holder }: HeldCode, { userKey, holderOnly }: Asking): boolean {
  if (userKey === null || holder === NOBODY) return !holderOnly;
  return userKey === holder;
}

export type HeldStatus = "claimed" | "redeemed" | "expired" | "revoked";

/** The one status of a code that a user holds. What was spent stays spent, whatever came later. */
export function heldStatus(held: HeldCode, now: number): HeldStatus {
  if (held.redeemedAt !== null) return "redeemed";
  if (held.revokedAt !== null) return "revoked";
  return held.expiresAt !== null && held.expiresAt <= now ? "expired" : "claimed";
}

/** When a code expires: its own life is over, or its campaign, unless its codes outlive it. */
export function codeEnd(
  ownEnd: number | null,
  campaign: { endsAt: number | null; codesOutliveCampaign: boolean },
): number | null {
  const end = campaign.codesOutliveCampaign ? null : campaign.endsAt;
  if (ownEnd === null || end === null) return ownEnd ?? end;
  return Math.min(ownEnd, end);
}

/** Whether all codes of the campaign have come to their end with it. */
export function areCodesOver(
  campaign: { endsAt: number | null; codesOutliveCampaign: boolean },
  now: number,
): boolean {
  const end = codeEnd(null, campaign);
  return end !== null && end <= now;
}

/** An order that a code is spent on: its total in minor units of an ISO 4217 currency. */
export interface Order {
  amount: number;
  currency: string;
}

/** Where something of a shard is kept: the shard counts each kind from 1. */
export interface ShardAddress {
  campaignId: string;
  shard: number;
  number: number;
}

const SHARD_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";

type Kept = "redemption" | "hold";

/** Such an id says where its thing is kept, so that reading one back needs no index. */
function formatShardId(kind: Kept, { campaignId, shard, number }: ShardAddress): string {
  const digits = SHARD_DIGITS.charAt(shard >> 5) + SHARD_DIGITS.charAt(shard & 31);
  return `${prefixes[kind]}_${campaignId.slice(4)}${digits}${number}`;
}

function parseShardId(kind: Kept, id: string): ShardAddress | null {
  const parts = new RegExp(
    `^([0-9a-hjkmnp-tv-z]{${OPAQUE_LENGTH}})([01][0-9a-hjkmnp-tv-z])([1-9]\\d{0,14})$`,
  ).exec(id.slice(4));
  const [, campaign, shard, number] = parts ?? [];
  if (!isId(kind, id) || campaign === undefined || shard === undefined) return null;
  return { campaignId: `cmp_${campaign}`, shard: base32Value(shard), number: Number(number) };
}

export const formatRedemptionId = (address: ShardAddress) => formatShardId("redemption", address);
export const parseRedemptionId = (id: string) => parseShardId("redemption", id);
export const formatHoldId = (address: ShardAddress) => formatShardId("hold", address);
export const parseHoldId = (id: string) => parseShardId("hold", id);
