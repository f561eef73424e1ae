/** When a code may be spent, and the id of a redemption. */

import { base32Value, isId, OPAQUE_LENGTH } from "./id.ts";

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
  | "expired";

/** A code that a user holds, as far as spending it goes. Times are Unix milliseconds. */
export interface HeldCode {
  userKey: string;
  expiresAt: number | null;
  redeemedAt: number | null;
  revokedAt: number | null;
}

/**
 * Why the code may not be spent at `now`, or null when it may. `userKey` is who brings it, if the
 * shop knows; somebody else's code says nothing but that. By key, because a user whose data was
 * erased still holds their code. The expiry is exclusive.
 */
export function refusalReason(
  held: HeldCode,
  { userKey, now }: { userKey: string | null; now: number },
): RefusalReason | null {
  if (userKey !== null && userKey !== held.userKey) return "not-yours";
  if (held.redeemedAt !== null) return "redeemed";
  if (held.revokedAt !== null) return "revoked";
  if (held.expiresAt !== null && held.expiresAt <= now) return "expired";
  return null;
}

export type HeldStatus = "claimed" | "redeemed" | "expired" | "revoked";

/** The one status of a code that a user holds. What was spent stays spent, whatever came later. */
export function heldStatus(held: HeldCode, now: number): HeldStatus {
  const reason = refusalReason(held, { userKey: null, now });
  return reason === "redeemed" || reason === "revoked" || reason === "expired" ? reason : "claimed";
}

/** An order that a code is spent on: its total in minor units of an ISO 4217 currency. */
export interface Order {
  amount: number;
  currency: string;
}

export interface RedemptionAddress {
  campaignId: string;
  shard: number;
  /** Counts the redemptions of the shard, from 1. */
  number: number;
}

const SHARD_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";

/** A redemption's id says where it is kept, so that reading one back needs no index. */
export function formatRedemptionId({ campaignId, shard, number }: RedemptionAddress): string {
  const digits = SHARD_DIGITS.charAt(shard >> 5) + SHARD_DIGITS.charAt(shard & 31);
  return `rdm_${campaignId.slice(4)}${digits}${number}`;
}

export function parseRedemptionId(id: string): RedemptionAddress | null {
  const parts = new RegExp(
    `^([0-9a-hjkmnp-tv-z]{${OPAQUE_LENGTH}})([01][0-9a-hjkmnp-tv-z])([1-9]\\d{0,14})$`,
  ).exec(id.slice(4));
  const [, campaign, shard, number] = parts ?? [];
  if (!isId("redemption", id) || campaign === undefined || shard === undefined) return null;
  return { campaignId: `cmp_${campaign}`, shard: base32Value(shard), number: Number(number) };
}
