import type { Context } from "hono";
import { poolOfShard, showAllClaims } from "../code-pool/stub.ts";
import { findCampaign, findCampaignIds, type CampaignRow } from "../db/campaigns.ts";
import type { KeyMode } from "../domain/api-key.ts";
import { findCampaignNear } from "../directory/directory.ts";
import { closedReason } from "../domain/claim.ts";
import type { ShardAddress } from "../domain/redemption.ts";
import { near, type HttpEnv } from "./http-env.ts";
import { invalidField } from "./problem-response.ts";
import { ProblemError } from "./problems.ts";

/** The campaign in the path, if the key may see it. */
export async function requireCampaign(c: {
  env: Env;
  var: HttpEnv["Variables"];
  req: { param: (name: "campaign") => string | undefined };
}): Promise<CampaignRow> {
  const campaign = await findCampaign(c.env.DB, c.var.scope, c.req.param("campaign") ?? "");
  if (campaign === null) throw new ProblemError("not-found");
  return campaign;
}

/**
 * The campaign of an id that says where its thing is kept; 404 also for ids that say nothing.
 */
export async function requireCampaignOf<Address extends { campaignId: string }>(
  c: { env: Env; var: HttpEnv["Variables"] },
  address: Address | null,
): Promise<{ campaign: CampaignRow; address: Address }> {
  const campaign = address && (await findCampaign(c.env.DB, c.var.scope, address.campaignId));
  if (campaign === null || address === null) throw new ProblemError("not-found");
  return { campaign, address };
}

/**
 * The pool in which the thing of such an id is kept, and its number there. By a copy of the
 * campaign: the id says where to ask, so D1 need not answer.
 */
export async function requirePoolOf(c: Context<HttpEnv>, id: ShardAddress | null) {
  const campaign = id && (await findCampaignNear(near(c), c.var.scope, id.campaignId));
  if (id === null || campaign === null || id.shard >= campaign.shards) {
    throw new ProblemError("not-found");
  }
  return { campaign, ...poolOfShard(c.env, campaign, id.shard), number: id.number };
}

/** The ids of the campaigns that a body's campaign_ids name, by id or slug, each of the mode. */
export async function requireCampaigns(
  c: { env: Env; var: HttpEnv["Variables"] },
  mode: KeyMode,
  names: readonly string[],
): Promise<string[]> {
  const found = await findCampaignIds(c.env.DB, { brandId: c.var.brand.id, mode }, names);
  const ids: string[] = [];
  for (const [at, name] of names.entries()) {
    const id = found.get(name);
    const fault = id === undefined ? `There is no such ${mode} campaign.` : "Each campaign once.";
    if (id === undefined || ids.includes(id)) throw invalidField(`/campaign_ids/${at}`, fault);
    ids.push(id);
  }
  return ids;
}

/**
 * Lets D1 show every claim and redemption that was answered before, for who counts or lists codes
 * there; 503 when D1 does not say that it does.
 */
export async function requireShown(env: Env, campaign: CampaignRow): Promise<void> {
  if (!(await showAllClaims(env, campaign))) throw new ProblemError("service-unavailable");
}

/** Refuses what makes no sense for a campaign that has ended, by its time or for good. */
export function requireNotEnded(campaign: CampaignRow): void {
  if (closedReason(campaign, Date.now()) !== "ended") return;
  const byTime = campaign.status !== "ended";
  throw new ProblemError("campaign-ended", {
    detail: byTime ? "Its ends_at has passed; move it first." : "It was ended for good.",
  });
}
