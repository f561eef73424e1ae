/** A brand's campaigns: made, changed, paused, resumed and ended. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import { configurePools } from "../../code-pool/stub.ts";
import { endCampaign, setCampaignStatus } from "../../db/campaign-status.ts";
import {
  campaignToInsert,
  createCampaign,
  findCampaign,
  listCampaigns,
  updateCampaign,
  type CampaignRow,
  type CampaignUpdate as CampaignUpdateOutcome,
} from "../../db/campaigns.ts";
import { findCampaignNear, forgetCampaign } from "../../directory/directory.ts";
import { forPages, forSecretKey } from "../auth.ts";
import { availabilityOf, VIEW_AGE_MAX_MS } from "../availability.ts";
import { noBody, readableBody } from "../body.ts";
import {
  Campaign,
  CampaignUpdate,
  NewCampaign,
  presentCampaign,
  toChange,
} from "../campaign-schemas.ts";
import { change } from "../change.ts";
import { heralded, setsWindow, type Window } from "../heralded.ts";
import { near, type HttpEnv } from "../http-env.ts";
import { IdempotencyHeader } from "../idempotency.ts";
import { once, ONCE_PROBLEMS } from "../once.ts";
import { requireCampaign, requireNotEnded } from "../require-campaign.ts";
import { pageAsked, pageFound, pageOf, pageQuery } from "../paging.ts";
import { invalidField } from "../problem-response.ts";
import { ProblemError } from "../problems.ts";
import { presentPublic, PublicCampaign } from "../public-campaign.ts";
import {
  BODY_PROBLEMS,
  created,
  json,
  jsonBody,
  KEY_PROBLEMS,
  NoQuery,
  PAGE_PROBLEMS,
  PathKey,
  problemResponses,
} from "../schemas.ts";
import { underSlug } from "../slugs.ts";

const params = z.object({ campaign: PathKey });

function requireWindow({ startsAt, endsAt }: Window): void {
  if (startsAt != null && endsAt != null && startsAt >= endsAt) {
    throw invalidField("/ends_at", "Must be after starts_at.");
  }
}

/** How often a change is made anew on what somebody else changed at the same moment. */
const CHANGE_TRIES = 3;

/** Tells the pools, so that the answer is given only when they decide by it. */
async function inForce(
  c: Context<HttpEnv>,
  seen: CampaignRow,
  campaign: CampaignRow,
): Promise<z.infer<typeof Campaign>> {
  await Promise.all([configurePools(c.env, campaign), forgetCampaign(near(c), seen, campaign)]);
  return presentCampaign(campaign);
}

/** The campaign after a change whose answer was lost. */
async function changed(c: Context<HttpEnv>, seen: CampaignRow): Promise<CampaignUpdateOutcome> {
  const campaign = await findCampaign(c.env.DB, c.var.scope, seen.id);
  return campaign === null ? { kind: "changed-since" } : { kind: "updated", campaign };
}

export const campaignRoutes = new OpenAPIHono<HttpEnv>();

campaignRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/campaigns",
    operationId: "createCampaign",
    summary: "Create a campaign",
    tags: ["Campaigns"],
    ...forSecretKey("campaigns:write", readableBody, once),
    request: { query: NoQuery, headers: IdempotencyHeader, body: jsonBody(NewCampaign) },
    responses: {
      201: created(Campaign, "The campaign. It has no codes yet"),
      ...problemResponses(
        "slug-taken",
        "pool-overloaded",
        ...ONCE_PROBLEMS,
        ...KEY_PROBLEMS,
        ...BODY_PROBLEMS,
      ),
    },
  }),
  async (c) => {
    const asked = c.req.valid("json");
    const { mode, shards, ...fields } = asked;
    if (c.var.key.mode === "test" && mode === "live") {
      throw new ProblemError("forbidden", { detail: "A test key makes test campaigns only." });
    }
    const set = toChange(fields);
    requireWindow(set);
    const { name, slug } = fields;
    const { location, body: campaign } = await underSlug({ slug, name }, async (free) => {
      const row = campaignToInsert({
        ...set,
        name,
        slug: free,
        brandId: c.var.brand.id,
        mode: mode ?? c.var.key.mode,
        shards: shards ?? 1,
      });
      const { id } = row;
      const body = presentCampaign(row);
      const answer = { status: 201 as const, location: `/v1/campaigns/${id}`, body };
      const isMade = await heralded(c, setsWindow(set), () =>
        change(
          c,
          { action: "createCampaign", target: id, fields: asked, answer, made: () => true },
          (along) => createCampaign(c.env.DB, row, along),
        ),
      );
      return isMade ? answer : null;
    });
    c.header("Location", location);
    return c.json(campaign, 201);
  },
);

campaignRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/campaigns",
    operationId: "listCampaigns",
    summary: "List campaigns, newest first",
    tags: ["Campaigns"],
    ...forSecretKey("campaigns:read"),
    request: { query: z.strictObject(pageQuery) },
    responses: {
      200: json(pageOf(Campaign, "CampaignPage"), "A page of campaigns"),
      ...problemResponses("invalid-cursor", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const list = `campaigns:${c.var.brand.id}`;
    const page = pageAsked(c.req.valid("query"), list, ["string"], ([id]) => String(id));
    const found = await listCampaigns(c.env.DB, c.var.scope, page);
    return c.json(
      pageFound(page, found, (campaign) => [campaign.id], presentCampaign),
      200,
    );
  },
);

campaignRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/campaigns/{campaign}",
    operationId: "getCampaign",
    summary: "Read a campaign",
    description:
      "A publishable key is shown what a page may know, some seconds old; such an answer may be cached.",
    tags: ["Campaigns"],
    ...forPages("campaigns:read"),
    request: { params, query: NoQuery },
    responses: {
      200: json(z.union([Campaign, PublicCampaign]), "The campaign"),
      ...problemResponses("not-found", "pool-overloaded", ...PAGE_PROBLEMS),
    },
  }),
  async (c) => {
    if (c.var.key.kind === "secret") return c.json(presentCampaign(await requireCampaign(c)), 200);
    const campaign = await findCampaignNear(near(c), c.var.scope, c.req.valid("param").campaign);
    if (campaign === null) throw new ProblemError("not-found");
    const availability = await availabilityOf(c.env, campaign);
    c.header("Cache-Control", `public, max-age=${VIEW_AGE_MAX_MS / 1000}`);
    // Whose campaign a slug names, the key says.
    c.header("Vary", "Authorization", { append: true });
    return c.json(presentPublic(campaign, availability), 200);
  },
);

campaignRoutes.openapi(
  createRoute({
    method: "patch",
    path: "/v1/campaigns/{campaign}",
    operationId: "updateCampaign",
    summary: "Change a campaign",
    description: "In force for every claim that begins after the answer.",
    tags: ["Campaigns"],
    ...forSecretKey("campaigns:write", readableBody),
    request: { params, query: NoQuery, body: jsonBody(CampaignUpdate) },
    responses: {
      200: json(Campaign, "The campaign as it is now"),
      ...problemResponses(
        "not-found",
        "slug-taken",
        "changed-since",
        "pool-overloaded",
        ...KEY_PROBLEMS,
        ...BODY_PROBLEMS,
      ),
    },
  }),
  async (c) => {
    const asked = c.req.valid("json");
    const fields = toChange(asked);
    for (let attempt = 0; attempt < CHANGE_TRIES; attempt++) {
      const seen = await requireCampaign(c);
      requireWindow({ ...seen, ...fields });
      if (fields.claimsPerUser !== undefined && fields.claimsPerUser < seen.claimsPerUser) {
        throw invalidField(
          "/claims_per_user",
          `May be raised, not lowered, from ${seen.claimsPerUser}.`,
        );
      }
      const what = { action: "updateCampaign", target: seen.id, fields: asked };
      const update = await heralded(c, setsWindow(fields, seen), () =>
        change(c, { ...what, made: () => changed(c, seen) }, (along) =>
          updateCampaign(c.env.DB, seen, fields, along),
        ),
      );
      if (update.kind === "slug-taken") throw new ProblemError("slug-taken");
      if (update.kind === "updated") return c.json(await inForce(c, seen, update.campaign), 200);
    }
    throw new ProblemError("changed-since");
  },
);

const transitions = [
  {
    verb: "pause",
    operationId: "pauseCampaign",
    status: "paused",
    summary: "Stop handing out codes, for now",
  },
  {
    verb: "resume",
    operationId: "resumeCampaign",
    status: "active",
    summary: "Hand out codes again",
  },
  {
    verb: "end",
    operationId: "endCampaign",
    status: "ended",
    summary: "Stop handing out codes, for good",
  },
] as const;

for (const { verb, operationId, status, summary } of transitions) {
  campaignRoutes.openapi(
    createRoute({
      method: "post",
      path: `/v1/campaigns/{campaign}/${verb}`,
      operationId,
      summary,
      description:
        "In force for every claim that begins after the answer. Who holds a code still gets it. Repeating it changes nothing.",
      tags: ["Campaigns"],
      ...forSecretKey("campaigns:write", noBody),
      request: { params, query: NoQuery },
      responses: {
        200: json(Campaign, "The campaign as it is now"),
        ...problemResponses(
          "not-found",
          "campaign-ended",
          "pool-overloaded",
          ...KEY_PROBLEMS,
          ...BODY_PROBLEMS,
        ),
      },
    }),
    async (c) => {
      const seen = await requireCampaign(c);
      if (status !== "ended") requireNotEnded(seen);
      const made = () => findCampaign(c.env.DB, c.var.scope, seen.id);
      const campaign = await heralded(c, status === "ended", () =>
        change(c, { action: operationId, target: seen.id, made }, (along) =>
          status === "ended"
            ? endCampaign(c.env.DB, seen, along)
            : setCampaignStatus(c.env.DB, seen.id, status, along),
        ),
      );
      if (campaign === null) throw new ProblemError("campaign-ended");
      // Told even if it stood so already: an earlier try may not have reached the pools.
      return c.json(await inForce(c, seen, campaign), 200);
    },
  );
}
