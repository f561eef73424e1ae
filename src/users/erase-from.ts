/** Erasing a user from one campaign: from its pool, then from what D1 shows of it. */

import type { BatchItem } from "drizzle-orm/batch";
import type { ErasedClaim } from "../code-pool/messages.ts";
import { poolOfUser, userKeyOf } from "../code-pool/stub.ts";
import type { CampaignRow } from "../db/campaigns.ts";
import { forgetUsers } from "../db/codes.ts";
import { database, repeated } from "../db/database.ts";
import type { RunningErasure } from "../inventory/erasures.ts";

/**
 * From how many claims the user's data was taken. Safe to repeat: the same erasure finds the same
 * claims. Rejects when it is not known to be done.
 *
 * The pool first: D1 only shows what the pool tells it, and a claim is told with its user until the
 * pool has forgotten who that is. A call to D1 from before, which still lies on its way, has no
 * effect once the code shows the claim, and the pool answers only when D1 does show it. So what is
 * deleted there afterwards stays deleted, however late such a call arrives.
 */
export async function eraseFrom(
  env: Env,
  campaign: CampaignRow,
  erasure: Pick<RunningErasure, "id" | "userId">,
): Promise<number> {
  const userKey = await userKeyOf(campaign, erasure.userId);
  const { call } = poolOfUser(env, campaign, userKey);
  const erased = await call((pool) => pool.erase(userKey, erasure.id));
  if (erased === null) throw new Error("D1 was not told of the claims that are to be erased");
  if (erased.length === 0) return 0;
  await repeated(() =>
    database(env.DB).batch([
      ...forgetUsers(env.DB, erased),
      ...userErased(env.DB, { campaign, userKey, erasureId: erasure.id, erased }),
    ]),
  );
  return erased.length;
}

/** What tells the brand, once for each erasure and campaign, in the transaction of the fact. */
function userErased(
  _db: D1Database,
  _of: { campaign: CampaignRow; userKey: string; erasureId: string; erased: ErasedClaim[] },
): BatchItem<"sqlite">[] {
  return [];
}
