/**
 * How the rest of the Worker reaches a campaign's pools: which shard, and what to do when one
 * fails.
 */

import type { CampaignRow } from "../db/campaigns.ts";
import { repeated } from "../db/database.ts";
import { poolName, shardOf, type PoolCampaign } from "../domain/claim.ts";
import { base32 } from "../domain/id.ts";
import { tellStock } from "../inventory/tell-stock.ts";
import { callObject } from "../objects/call.ts";
import type { CodePool } from "./code-pool.ts";
import type { RequestKey } from "./messages.ts";
import { DRY_MEMORY_MS } from "./refill.ts";
import type { Bond } from "./requests.ts";

type Methods =
  | "bind"
  | "claim"
  | "configure"
  | "erase"
  | "findClaim"
  | "findHold"
  | "findRedemption"
  | "hold"
  | "inspect"
  | "listRedemptions"
  | "newsHeard"
  | "readLedger"
  | "redeem"
  | "release"
  | "reveal"
  | "revoke"
  | "rollBack"
  | "listClaimsOf"
  | "listClaims"
  | "listPlacedClaims"
  | "report"
  | "showClaims"
  | "stockAdded"
  | "stockLeft"
  | "tally";

/** A pool as seen from outside. All arguments and results are plain data, so RPC's own types (which
 * turn a union of results into a union of promises) are put aside. */
export type Pool = {
  [Method in Methods]: (
    ...args: Parameters<CodePool[Method]>
  ) => Promise<Awaited<ReturnType<CodePool[Method]>>>;
};

/** The settings of a campaign that its pools decide by. */
export function poolCampaign(campaign: CampaignRow): PoolCampaign {
  return {
    id: campaign.id,
    version: campaign.version,
    status: campaign.status,
    startsAt: campaign.startsAt,
    endsAt: campaign.endsAt,
    claimsPerUser: campaign.claimsPerUser,
    shards: campaign.shards,
    codeLifetimeSeconds: campaign.codeLifetimeSeconds,
    contactRetentionDays: campaign.contactRetentionDays,
    consent: campaign.consent && {
      required: campaign.consent.required,
      version: campaign.consent.version,
    },
    isChallenged: campaign.challenge !== null,
    claimsPerMinuteMax: campaign.claimsPerMinuteMax,
    breakerCountsFrom: campaign.breakerCountsFrom,
    breakerTrippedAt: campaign.breakerTrippedAt,
    reveal: campaign.reveal,
    revealWithinSeconds: campaign.revealWithinSeconds,
    holderOnly: campaign.holderOnly,
    redeemUnclaimed: campaign.redeemUnclaimed,
    codesOutliveCampaign: campaign.codesOutliveCampaign,
  };
}

/**
 * The 128 bits that stand for a user within a campaign: HMAC-SHA-256 of the user id, cut. Keyed, so
 * that neither a claim's id nor a pool whose user was erased tells who it was.
 */
export async function userKeyOf(campaign: CampaignRow, userId: string): Promise<string> {
  const key = await hmacKeyOf(campaign.userKeySecret);
  const digest = await crypto.subtle.sign("HMAC", key, encoder.encode(userId));
  return base32(new Uint8Array(digest, 0, 16));
}

const encoder = new TextEncoder();

/** Keys that were imported lately: importing one takes longer than hashing a user with it. */
const HMAC_KEYS_MAX = 100;
const hmacKeys = new Map<string, CryptoKey>();

async function hmacKeyOf(secret: string): Promise<CryptoKey> {
  const known = hmacKeys.get(secret);
  if (known !== undefined) return known;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const raw = encoder.encode(secret);
  const key = await crypto.subtle.importKey("raw", raw, algorithm, false, ["sign"]);
  if (hmacKeys.size >= HMAC_KEYS_MAX) hmacKeys.clear();
  hmacKeys.set(secret, key);
  return key;
}

/** The shard and pool in which all claims of a user are decided. */
export function poolOfUser(env: Env, campaign: CampaignRow, userKey: string) {
  const shard = shardOf(userKey, campaign.shards);
  return poolOfShard(env, campaign, shard);
}

/** The pool of a shard, for what is known to lie there. */
export function poolOfShard(env: Env, campaign: Pick<CampaignRow, "id">, shard: number) {
  return { shard, call: caller(env, campaign.id, shard) };
}

/**
 * Whether the key, or the proof, may be used for this claim. The requests of one meet in one shard:
 * there is only one, or it is the user's own, where the claim notes it, or its hash's is asked
 * first.
 */
export async function bindKey(
  env: Env,
  { id, shards, userShard }: Pick<CampaignRow, "id" | "shards"> & { userShard: number },
  key: RequestKey,
  kind: Bond = "bound",
): Promise<boolean> {
  const shard = shardOf(key.hash, shards);
  if (shard === userShard) return true;
  return poolOfShard(env, { id }, shard).call((pool) => pool.bind(key, kind));
}

/** Objects that a brand's keys are spread over. Never changed: each remembers for itself. */
const BRAND_KEY_SHARDS = 8;

/**
 * Whether the key may be used for this redemption. Codes of two campaigns lie in different pools,
 * so the requests of one key meet in pools that hold no code and are named by the brand. Not in D1:
 * there it would be a write beside the work of all brands, and rows that somebody has to delete.
 */
export async function bindBrandKey(env: Env, brandId: string, key: RequestKey): Promise<boolean> {
  const shard = shardOf(key.hash, BRAND_KEY_SHARDS);
  return poolOfShard(env, { id: brandId }, shard).call((pool) => pool.bind(key, "bound"));
}

/** All pools of a campaign, by shard. */
export function poolsOf(env: Env, campaign: Pick<CampaignRow, "id" | "shards">) {
  return Array.from({ length: campaign.shards }, (_, shard) => poolOfShard(env, campaign, shard));
}

/** Tells every pool of the campaign its new settings; when this resolves they are in force. */
export async function configurePools(env: Env, campaign: CampaignRow): Promise<void> {
  const settings = poolCampaign(campaign);
  await Promise.all(
    poolsOf(env, campaign).map(({ shard, call }) =>
      call((pool) => pool.configure(settings, shard)),
    ),
  );
}

/** Whether D1 now shows every claim and redemption that was answered before. */
export async function showAllClaims(env: Env, campaign: CampaignRow): Promise<boolean> {
  const pools = poolsOf(env, campaign);
  const shown = await Promise.all(pools.map(({ call }) => call((pool) => pool.showClaims())));
  return shown.every(Boolean);
}

/**
 * Tells every pool that codes were added; when this resolves none remembers that none were left.
 * One that does not answer forgets by itself, and that is waited for.
 */
export async function tellOfStock(
  env: Env,
  campaign: Pick<CampaignRow, "id" | "shards">,
): Promise<void> {
  const [told] = await Promise.all([
    Promise.allSettled(poolsOf(env, campaign).map(({ call }) => call((pool) => pool.stockAdded()))),
    tellStockLater(env, campaign.id),
  ]);
  if (told.some(({ status }) => status === "rejected")) await scheduler.wait(DRY_MEMORY_MS);
}

/**
 * Tells the brand what is to be told of the stock after it changed. What fails is told with the
 * next claims.
 */
export async function tellStockLater(env: Env, campaignId: string): Promise<void> {
  try {
    await repeated(() => tellStock(env.DB, campaignId));
  } catch (error) {
    console.warn({
      message: "Stock was not looked at",
      campaign_id: campaignId,
      error: String(error),
    });
  }
}

/** Calls of one request to one pool. */
function caller(env: Env, campaignId: string, shard: number) {
  const pool = () => env.CODE_POOL.getByName(poolName(campaignId, shard)) as unknown as Pool;
  return <T>(method: (pool: Pool) => Promise<T>): Promise<T> => callObject(pool, method);
}
