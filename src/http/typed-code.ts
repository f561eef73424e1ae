/** From a code that somebody typed to the one that is meant, and to the pool that knows of it. */

import type { Context } from "hono";
import type { HeldClaim } from "../code-pool/messages.ts";
import { poolOfShard } from "../code-pool/stub.ts";
import type { CampaignRow } from "../db/campaigns.ts";
import { findCampaignAnew, findCampaignNear, looksForged } from "../directory/directory.ts";
import type { RefusalReason } from "../domain/redemption.ts";
import { findCodes, type FoundCode } from "../inventory/find-codes.ts";
import { inventoryOfKey, near, type HttpEnv } from "./http-env.ts";
import { ProblemError, type ProblemSlug } from "./problems.ts";

export interface KnownCode {
  found: FoundCode;
  campaign: CampaignRow;
}

/**
 * The code, if there is one of the key's own mode: a test code must not be worth anything at a live
 * checkout. Null when there is none, or it could mean several. A guess that only looks like a code
 * is refused without a look at the codes.
 */
export async function findTyped(c: Context<HttpEnv>, typed: string): Promise<KnownCode | null> {
  const inventory = inventoryOfKey(c);
  if (await looksForged(near(c), inventory, typed)) return null;
  const [found] = await findCodes(c.env.DB, inventory, [typed]);
  if (found == null) return null;
  const copy = await findCampaignNear(near(c), c.var.scope, found.campaignId);
  if (copy === null) return null;
  const isNewest = copy.version >= found.campaignVersion;
  return { found, campaign: isNewest ? copy : await findCampaignAnew(near(c), copy, copy.id) };
}

/**
 * Who holds the code, as its pool knows: the list of codes may lag. Null when nobody does. Revoked
 * is also what D1 calls so: a call that revokes may have broken off before the pool was told.
 */
export async function findHolder(env: Env, { found, campaign }: KnownCode): Promise<HeldClaim> {
  if (found.shard === null) return null;
  const { batchId, ordinal } = found;
  const { call } = poolOfShard(env, campaign, found.shard);
  const held = await call((pool) => pool.inspect({ batchId, ordinal }));
  if (held === null) return null;
  return { ...held, claim: { ...held.claim, revokedAt: held.claim.revokedAt ?? found.revokedAt } };
}

/** Why a code that nobody holds is no good. */
export function unheldReason({ found }: KnownCode): RefusalReason {
  return found.revokedAt === null ? "not-claimed" : "revoked";
}

/** For the reference, of every call that takes a typed code. */
export const OWN_MODE =
  "A key finds codes of its own mode only: to a live key a test code is unknown, to a test key a live one.";

const PROBLEMS: Record<RefusalReason, ProblemSlug> = {
  unknown: "code-unknown",
  "not-claimed": "code-not-claimed",
  "not-yours": "code-not-yours",
  redeemed: "code-already-redeemed",
  revoked: "code-revoked",
  expired: "code-expired",
};

export const CODE_PROBLEMS = Object.values(PROBLEMS);

export function refusedCode(reason: RefusalReason): ProblemError {
  return new ProblemError(PROBLEMS[reason], { extra: { reason } });
}
