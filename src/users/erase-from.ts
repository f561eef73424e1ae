/** Erasing a user from one campaign: from its pool, then from what D1 shows of it. */

import { poolOfUser, userKeyOf } from "../code-pool/stub.ts";
import type { CampaignRow } from "../db/campaigns.ts";
import { forgetUsers } from "../db/codes.ts";
import { database, repeated } from "../db/database.ts";
import { eventToInsert } from "../db/events.ts";
import { derivedId } from "../db/new-id.ts";
import { formatClaimId } from "../domain/claim.ts";
import type { NewEvent } from "../domain/event.ts";
import type { RunningErasure } from "../inventory/erasures.ts";

type Asked = Pick<RunningErasure, "id" | "userId" | "createdAt">;

/**
 * From how many claims the user's data was taken. Safe to repeat: the same erasure finds the same
 * claims. Rejects when it is not known to be done.
 *
 * The pool first: D1 only shows what the pool tells it, and a claim is told with its user until the
 * pool has forgotten who that is. A call to D1 from before, which still lies on its way, has no
 * effect once the code shows the claim, and the pool answers only when D1 does show it. So what is
 * deleted there afterwards stays deleted, however late such a call arrives.
 */
export async function eraseFrom(env: Env, campaign: CampaignRow, erasure: Asked): Promise<number> {
  const userKey = await userKeyOf(campaign, erasure.userId);
  const { call } = poolOfUser(env, campaign, userKey);
  const erased = await call((pool) => pool.erase(userKey, erasure.id));
  if (erased === null) throw new Error("D1 was not told of the claims that are to be erased");
  if (erased.length === 0) return 0;
  const campaignId = campaign.id;
  const claimIds = erased
    .filter(({ isOfThis }) => isOfThis)
    .map(({ nth }) => formatClaimId({ campaignId, userKey, nth }));
  const told =
    claimIds.length === 0
      ? []
      : [eventToInsert(env.DB, await userErased(erasure, { campaignId, claimIds }))];
  // Those of earlier erasures too: one that was interrupted has not come so far.
  await repeated(() => database(env.DB).batch([...forgetUsers(env.DB, erased), ...told]));
  return claimIds.length;
}

/**
 * What tells the brand, in the transaction of the fact. Once for an erasure and campaign, however
 * often it is done: its id says of which it is.
 */
async function userErased(
  erasure: Asked,
  { campaignId, claimIds }: { campaignId: string; claimIds: string[] },
): Promise<NewEvent> {
  return {
    id: await derivedId("event", erasure.createdAt, `${erasure.id}/${campaignId}`),
    campaignId,
    type: "user.erased",
    timestamp: Date.now(),
    data: { claim_ids: claimIds },
  };
}
