/** From codes that somebody typed to those that are meant, and to the pools that know of them. */

import type { Context } from "hono";
import type { HeldClaim } from "../code-pool/messages.ts";
import { poolOfShard } from "../code-pool/stub.ts";
import type { CampaignRow } from "../db/campaigns.ts";
import { findCampaignAnew, findCampaignNear, looksForged } from "../directory/directory.ts";
import { poolName } from "../domain/claim.ts";
import { matchKey } from "../domain/match-key.ts";
import { parseHoldId, type RefusalReason } from "../domain/redemption.ts";
import { findCodes, type FoundCode } from "../inventory/find-codes.ts";
import { inventoryOfKey, near, type HttpEnv } from "./http-env.ts";
import { ProblemError, type ProblemSlug } from "./problems.ts";

export interface Typed {
  code: string;
  /** Of a hold that the caller has: it knows which code it keeps, and where that lies. */
  hold_id?: string | undefined;
}

export interface KnownCode {
  found: FoundCode;
  campaign: CampaignRow;
}

/**
 * Codes that a user was known to hold, by inventory and as they were typed. Where such a code lies
 * never changes, and its pool is told when it is revoked: enough to go on while D1 does not answer.
 * Of this isolate; forgotten when many.
 */
const heldCodes = new Map<string, FoundCode>();
const HELD_CODES_MAX = 10_000;

/**
 * Each code, if there is one of the key's own mode: a test code must not be worth anything at a
 * live checkout. Null when there is none, or it could mean several. A guess that only looks like a
 * code is refused without a look at the codes. Rejects when D1 does not answer, unless all of them
 * are known without it; `isNow`: in any case.
 */
export async function findTyped(
  c: Context<HttpEnv>,
  typed: readonly Typed[],
  { isNow = false } = {},
): Promise<(KnownCode | null)[]> {
  const inventory = inventoryOfKey(c);
  const found = await findInInventory(c, typed).catch(async (error: unknown) => {
    if (isNow) throw error;
    const known = await Promise.all(
      typed.map(
        async (one) =>
          heldCodes.get(`${inventory} ${one.code}`) ?? (await findByHold(c, one).catch(() => null)),
      ),
    );
    if (known.includes(null)) throw error;
    return known;
  });
  const campaigns = new Map<string, Promise<CampaignRow | null>>();
  return Promise.all(
    found.map(async (code) => {
      if (code === null) return null;
      const asked = campaigns.get(code.campaignId) ?? findCampaignOf(c, code);
      campaigns.set(code.campaignId, asked);
      const campaign = await asked;
      return campaign && { found: code, campaign };
    }),
  );
}

async function findInInventory(
  c: Context<HttpEnv>,
  typed: readonly Typed[],
): Promise<(FoundCode | null)[]> {
  const inventory = inventoryOfKey(c);
  const forged = await Promise.all(typed.map(({ code }) => looksForged(near(c), inventory, code)));
  const asked = typed.filter((_, i) => forged[i] !== true).map(({ code }) => code);
  const found = asked.length === 0 ? [] : await findCodes(c.env.DB, inventory, asked);
  const rest = found.values();
  return forged.map((isForged) => (isForged ? null : (rest.next().value ?? null)));
}

async function findCampaignOf(c: Context<HttpEnv>, found: FoundCode): Promise<CampaignRow | null> {
  const copy = await findCampaignNear(near(c), c.var.scope, found.campaignId);
  if (copy === null) return null;
  const isNewest = copy.version >= found.campaignVersion;
  return isNewest ? copy : findCampaignAnew(near(c), copy, copy.id);
}

/** The code that the hold keeps, if that is the one which was typed. Asks no more than its pool. */
async function findByHold(
  c: Context<HttpEnv>,
  { code, hold_id: holdId }: Typed,
): Promise<FoundCode | null> {
  const address = holdId === undefined ? null : parseHoldId(holdId);
  if (address === null) return null;
  const campaign = await findCampaignNear(near(c), c.var.scope, address.campaignId);
  const isOfMode = (campaign?.mode === "test") === (c.var.key.mode === "test");
  if (campaign === null || !isOfMode || address.shard >= campaign.shards) return null;
  const { shard, call } = poolOfShard(c.env, campaign, address.shard);
  const held = await call((pool) => pool.findHold(address.number));
  if (held === null || matchKey(held.claim.code) !== matchKey(code)) return null;
  const { claim, place } = held;
  return {
    ...place,
    code: claim.code,
    campaignId: campaign.id,
    campaignVersion: campaign.version,
    shard,
    isOutside: false,
    madeAt: claim.claimedAt,
    revokedAt: null,
    revokedReason: null,
  };
}

/** Remembers where a code lies that a user holds. */
export function noteHeld(c: Context<HttpEnv>, { code }: Typed, { found }: KnownCode): void {
  if (found.shard === null) return;
  if (heldCodes.size >= HELD_CODES_MAX) heldCodes.clear();
  heldCodes.set(`${inventoryOfKey(c)} ${code}`, found);
}

/**
 * Who holds each code, as its pool knows: the list of codes may lag. Null when nobody does. Revoked
 * is also what D1 calls so: a call that revokes may have broken off before the pool was told.
 */
export async function findHolders(env: Env, codes: readonly KnownCode[]): Promise<HeldClaim[]> {
  const holders: HeldClaim[] = codes.map(() => null);
  const numbered = codes.map((code, at) => ({ ...code, at }));
  await Promise.all(
    byPool(numbered).map(async ([shard, mine]) => {
      const [first] = mine;
      if (first === undefined) return;
      const places = mine.map(({ found: { batchId, ordinal } }) => ({ batchId, ordinal }));
      const { call } = poolOfShard(env, first.campaign, shard);
      const answers = await call((pool) => pool.inspect(places));
      for (const [i, { at, found }] of mine.entries()) {
        const held = answers[i];
        if (held == null) continue;
        const revokedAt = held.claim.revokedAt ?? found.revokedAt;
        holders[at] = { ...held, claim: { ...held.claim, revokedAt } };
      }
    }),
  );
  return holders;
}

/** Those that lie in a pool, together: no pool is called twice. */
export function byPool<Code extends KnownCode>(codes: readonly Code[]): [number, Code[]][] {
  const lying = codes.flatMap((code) =>
    code.found.shard === null ? [] : [{ code, shard: code.found.shard }],
  );
  const groups = Map.groupBy(lying, ({ code, shard }) => poolName(code.campaign.id, shard));
  return [...groups.values()].map((mine) => [mine[0]?.shard ?? 0, mine.map(({ code }) => code)]);
}

/** For the reference, of every call that takes a typed code. */
export const OWN_MODE =
  "A key finds codes of its own mode only: to a live key a test code is unknown, to a test key a live one.";

const PROBLEMS = {
  unknown: "code-unknown",
  "not-claimed": "code-not-claimed",
  "not-yours": "code-not-yours",
  redeemed: "code-already-redeemed",
  revoked: "code-revoked",
  expired: "code-expired",
  held: "code-held",
  "wrong-hold": "validation-failed",
  "order-required": "order-not-eligible",
  "currency-mismatch": "order-not-eligible",
  "order-too-small": "order-not-eligible",
} as const satisfies Record<RefusalReason, ProblemSlug>;

export const CODE_PROBLEMS = [...new Set(Object.values(PROBLEMS))];

export function refusedCode(reason: RefusalReason): ProblemError {
  if (reason === "wrong-hold") {
    const detail = "Is not a hold of this code.";
    return new ProblemError("validation-failed", {
      errors: [{ in: "body", pointer: "/hold_id", detail }],
    });
  }
  return new ProblemError(PROBLEMS[reason], { extra: { reason } });
}
