/** What a shop asks of codes, and whether they are good. */

import type { Context } from "hono";
import type { HeldClaim } from "../code-pool/messages.ts";
import { userKeyOf } from "../code-pool/stub.ts";
import type { CampaignRow } from "../db/campaigns.ts";
import { discountAmount, orderRefusal, type OrderRefusal } from "../domain/discount.ts";
import {
  areCodesOver,
  NOBODY,
  parseHoldId,
  refusalReason,
  type Order,
  type RefusalReason,
} from "../domain/redemption.ts";
import type { HttpEnv } from "./http-env.ts";
import { brakeWrongCode, requireNotBackedOff } from "./limits.ts";
import { findHolders, findTyped, noteHeld, type KnownCode, type Typed } from "./typed-code.ts";

/** What a request says of a code. */
export interface Asked extends Typed {
  user_id?: string | undefined;
  order_id?: string | undefined;
  order?: Order | undefined;
}

export interface Verdict {
  /** Null when it is good. */
  reason: RefusalReason | null;
  /** Null when it is unknown. */
  campaign: CampaignRow | null;
  /** What it takes off the order, when it is good and that is for us to say. */
  amount: number | null;
}

/** Whether each code is good. Changes nothing; 429 for who brings wrong ones all the time. */
export async function judge(c: Context<HttpEnv>, asked: readonly Asked[]): Promise<Verdict[]> {
  const codes = await findAsked(c, asked);
  const known = codes.filter((code) => code !== null);
  const holders = await findHolders(c.env, known);
  const verdicts = await Promise.all(
    asked.map(async (one, i): Promise<Verdict> => {
      const code = codes[i] ?? null;
      if (code === null) return { reason: "unknown", campaign: null, amount: null };
      const { campaign } = code;
      const held = heldIn(campaign, holders[known.indexOf(code)] ?? null);
      if (held !== null) noteHeld(c, one, code);
      const reason =
        held === null
          ? unheldReason(code, orderRefusal(campaign.discount, one.order ?? null))
          : refusalReason(held.claim, held.hold, await askingOf(code, one));
      const order = one.order ?? null;
      const amount = reason === null ? discountAmount(campaign.discount, order) : null;
      return { reason, campaign, amount };
    }),
  );
  await brakeMisses(c, asked, (i) => verdicts[i]?.reason === "not-yours");
  return verdicts;
}

/** One that was handed out elsewhere is nobody's, once the campaign allows that no more. */
function heldIn(campaign: CampaignRow, held: HeldClaim): HeldClaim {
  const isUnspent = held?.claim.userKey === NOBODY && held.claim.redeemedAt === null;
  return isUnspent && !allowsUnclaimed(campaign) ? null : held;
}

/** What stands for who brings the code, if the shop says. */
export async function userKeyIn(campaign: CampaignRow, { user_id: id }: Asked) {
  return id === undefined ? null : userKeyOf(campaign, id);
}

async function askingOf(code: KnownCode, one: Asked) {
  const { campaign } = code;
  return {
    userKey: await userKeyIn(campaign, one),
    holderOnly: campaign.holderOnly,
    orderId: one.order_id ?? null,
    holdNumber: holdNumberOf(code, one),
    order: orderRefusal(campaign.discount, one.order ?? null),
    now: Date.now(),
  };
}

/** Of the hold that is named, in the code's own pool; 0 where it cannot be one of the code's. */
export function holdNumberOf(
  { found, campaign }: KnownCode,
  asked: Typed | undefined,
): number | null {
  if (asked?.hold_id === undefined) return null;
  const hold = parseHoldId(asked.hold_id);
  const isHere = hold?.campaignId === campaign.id && hold.shard === found.shard;
  return isHere ? hold.number : 0;
}

/** Codes that nobody has may have been handed out elsewhere. */
function allowsUnclaimed({ redeemUnclaimed, holderOnly }: CampaignRow): boolean {
  return redeemUnclaimed && !holderOnly;
}

/** Why a code that nobody holds is no good, or null where it may be spent all the same. */
export function unheldReason(
  { found, campaign }: KnownCode,
  order: OrderRefusal | null,
): RefusalReason | null {
  if (found.revokedAt !== null) return "revoked";
  if (!allowsUnclaimed(campaign)) return "not-claimed";
  return areCodesOver(campaign, Date.now()) ? "expired" : order;
}

/** The codes; 429 where too many were none, before anything is done. */
export async function findAsked(
  c: Context<HttpEnv>,
  asked: readonly Asked[],
): Promise<(KnownCode | null)[]> {
  requireNotBackedOff(c, new Set(asked.map((one) => one.user_id ?? null)));
  const codes = await findTyped(c, asked);
  await brakeMisses(c, asked, (i) => codes[i] === null);
  return codes;
}

/**
 * Counts wrong codes, by the user and by the key; 429 where there were too many. Among several
 * codes a user's own meets it with the next call of that user, and nobody's only where all are
 * wrong: it would keep the right ones from being judged and spent, however often the call is
 * repeated.
 */
export async function brakeMisses(
  c: Context<HttpEnv>,
  asked: readonly Asked[],
  isMiss: (at: number) => boolean,
): Promise<void> {
  const misses = asked.filter((_, at) => isMiss(at));
  const isMixed = misses.length < asked.length;
  for (const { user_id: user = null } of misses) {
    const braked = brakeWrongCode(c, user);
    const isSuffered = isMixed || (user !== null && asked.length > 1);
    await (isSuffered ? braked.catch(() => undefined) : braked);
  }
}
