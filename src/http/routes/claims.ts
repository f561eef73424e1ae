/** Claims: a user is given a code. Reading them back asks the pools, which decided them. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import type { Claim as ClaimRow } from "../../code-pool/ledger.ts";
import type { UserPace } from "../../code-pool/messages.ts";
import { poolCampaign, poolOfUser, poolsOf, userKeyOf } from "../../code-pool/stub.ts";
import type { CampaignRow } from "../../db/campaigns.ts";
import { parseClaimId } from "../../domain/claim.ts";
import { findCampaignNear } from "../../directory/directory.ts";
import { forPagesNear, forSecretKey } from "../auth.ts";
import { noBody, readableBody } from "../body.ts";
import { claimantOf, requireOwnClaim } from "../claimant.ts";
import {
  Claim,
  ClaimHeaders,
  ClaimsQuery,
  NewClaim,
  presentClaim,
  UserTokenHeader,
} from "../claim-schemas.ts";
import { answerClaim, askPool, keptContact } from "../claiming.ts";
import { findRequestKey, markReplay, replayable } from "../idempotency.ts";
import { USER } from "../limits.ts";
import { near, type HttpEnv } from "../http-env.ts";
import { pageAsked, pageFound, pageOf } from "../paging.ts";
import { ProblemError } from "../problems.ts";
import {
  BODY_PROBLEMS,
  created,
  json,
  jsonBody,
  KEY_PROBLEMS,
  NoQuery,
  PAGE_PROBLEMS,
  PathId,
  PathKey,
  problemResponses,
} from "../schemas.ts";
import { requireCampaign, requireCampaignOf } from "../require-campaign.ts";

const params = z.object({ campaign: PathKey });

export const claimRoutes = new OpenAPIHono<HttpEnv>();

/** How often a page may call for its user; a server answers for itself. */
function paceOf(c: Context<HttpEnv>): UserPace | null {
  if (c.var.key.kind === "secret") return null;
  return { callsMax: USER.quota, windowMs: USER.windowSeconds * 1000 };
}

claimRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/campaigns/{campaign}/claims",
    operationId: "createClaim",
    summary: "Give a user a code",
    description:
      "Safe to repeat: a user who holds a code gets the same one again, also after the campaign was paused, ended or sold out. Where claims_per_user is above 1, send an Idempotency-Key so that a repeat does not take the next code. A repeat by key shows the claim as it was when it was made, with the campaign's present discount and shop_url. Where the campaign reveals on_demand, a code is reserved and not shown: reveal the claim by reveal_by.",
    tags: ["Claims"],
    ...forPagesNear("claims:write", readableBody),
    request: { params, query: NoQuery, headers: ClaimHeaders, body: jsonBody(NewClaim) },
    responses: {
      201: created(Claim, "A code now belongs to this user"),
      200: replayable(json(Claim, "This user holds it already")),
      ...problemResponses(
        "invalid-idempotency-key",
        "user-token-invalid",
        "challenge-failed",
        "not-found",
        "codes-exhausted",
        "campaign-not-open",
        "consent-required",
        "idempotency-key-reused",
        "pool-overloaded",
        ...PAGE_PROBLEMS,
        ...BODY_PROBLEMS,
      ),
    },
  }),
  async (c) => {
    const body = c.req.valid("json");
    const name = c.req.valid("param").campaign;
    const campaign = await findCampaignNear(near(c), c.var.scope, name);
    if (campaign === null) throw new ProblemError("not-found");
    const { user, consent = null } = body;
    const { userKey, userId, contact, proof } = await claimantOf(c, campaign, body);
    // What a page sends is its user's own; for a server's users the server answers.
    const isPage = c.var.key.kind === "publishable";
    const scope = [campaign.id, campaign.userKeySecret, "claims", ...(isPage ? [userKey] : [])];
    const asked = {
      campaign,
      name,
      userId,
      userKey,
      consent,
      contact: keptContact(consent, contact),
      key: await findRequestKey(c, scope, { user, consent }),
      isKeyOfUser: isPage,
      pace: paceOf(c),
      proof: proof === null ? null : { hash: proof },
    };
    const outcome = await askPool(c.env, asked);
    const { claim, isNew, isReplay } = await answerClaim(c, asked, outcome);
    markReplay(c, isReplay);
    if (!isNew) return c.json(claim, 200);
    c.header("Location", `/v1/claims/${claim.id}`);
    return c.json(claim, 201);
  },
);

claimRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/campaigns/{campaign}/claims",
    operationId: "listClaims",
    summary: "List a campaign's claims, newest first",
    description: "What is reserved only is listed with user_id.",
    tags: ["Claims"],
    ...forSecretKey("claims:read"),
    request: { params, query: ClaimsQuery },
    responses: {
      200: json(pageOf(Claim, "ClaimPage"), "A page of claims"),
      ...problemResponses("not-found", "invalid-cursor", "pool-overloaded", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const { user_id: userId, ...paging } = c.req.valid("query");
    const campaign = await requireCampaign(c);
    return c.json(
      userId === undefined
        ? await listAll(c, campaign, paging)
        : await listOfUser(c, campaign, userId, paging),
      200,
    );
  },
);

type Paging = { limit?: number | undefined; cursor?: string | undefined };

/** Shard by shard, each newest first. */
async function listAll(c: Context<HttpEnv>, campaign: CampaignRow, paging: Paging) {
  const page = pageAsked(
    paging,
    `claims:${campaign.id}`,
    ["number", "number"],
    ([shard, slot]) => ({
      shard: Number(shard),
      slot: Number(slot),
    }),
  );
  const rows: { shard: number; claim: ClaimRow }[] = [];
  for (const { shard, call } of poolsOf(c.env, campaign).slice(page.after?.shard ?? 0)) {
    const before = shard === page.after?.shard ? page.after.slot : Number.MAX_SAFE_INTEGER;
    const claims = await call((pool) => pool.listClaims(before, page.limit - rows.length));
    rows.push(...claims.map((claim) => ({ shard, claim })));
    if (rows.length >= page.limit) break;
  }
  return pageFound(
    page,
    rows,
    ({ shard, claim }) => [shard, claim.slot],
    ({ claim }) => presentClaim(campaign, claim),
  );
}

/** At most claims_per_user, so one call to the pool; newest first. */
async function listOfUser(
  c: Context<HttpEnv>,
  campaign: CampaignRow,
  userId: string,
  paging: Paging,
) {
  const userKey = await userKeyOf(campaign, userId);
  const page = pageAsked(paging, `claims:${campaign.id}:${userKey}`, ["number"], ([nth]) =>
    Number(nth),
  );
  const held = await poolOfUser(c.env, campaign, userKey).call((pool) =>
    pool.listClaimsOf(userKey),
  );
  const claims = held.map(({ claim }) => claim).reverse();
  const rows = claims.filter(({ nth }) => page.after === null || nth < page.after);
  return pageFound(
    page,
    rows.slice(0, page.limit),
    ({ nth }) => [nth],
    (claim) => presentClaim(campaign, claim),
  );
}

claimRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/claims/{claim}",
    operationId: "getClaim",
    summary: "Read a claim",
    tags: ["Claims"],
    ...forSecretKey("claims:read"),
    request: { params: z.object({ claim: PathId }), query: NoQuery },
    responses: {
      200: json(Claim, "The claim"),
      ...problemResponses("not-found", "pool-overloaded", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const id = parseClaimId(c.req.valid("param").claim);
    const { campaign, address } = await requireCampaignOf(c, id);
    const { userKey, nth } = address;
    const claim = await poolOfUser(c.env, campaign, userKey).call((pool) =>
      pool.findClaim(userKey, nth),
    );
    if (claim === null) throw new ProblemError("not-found");
    return c.json(presentClaim(campaign, claim), 200);
  },
);

claimRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/claims/{claim}/reveal",
    operationId: "revealClaim",
    summary: "Show a user the code that was reserved for them",
    description:
      "Where the campaign reveals on_demand: its life begins now. From a page for the user of the token only; another user's claim is not found. Safe to repeat: the same code again.",
    tags: ["Claims"],
    ...forPagesNear("claims:write", noBody),
    request: { params: z.object({ claim: PathId }), query: NoQuery, headers: UserTokenHeader },
    responses: {
      200: json(Claim, "The claim, with its code"),
      ...problemResponses(
        "user-token-invalid",
        "not-found",
        "claim-lapsed",
        "codes-exhausted",
        "campaign-not-open",
        "pool-overloaded",
        ...PAGE_PROBLEMS,
        ...BODY_PROBLEMS,
      ),
    },
  }),
  async (c) => {
    const id = parseClaimId(c.req.valid("param").claim);
    const campaign = id && (await findCampaignNear(near(c), c.var.scope, id.campaignId));
    if (id === null || campaign === null) throw new ProblemError("not-found");
    await requireOwnClaim(c, campaign, id.userKey);
    const { shard, call } = poolOfUser(c.env, campaign, id.userKey);
    const { userKey, nth } = id;
    const request = { campaign: poolCampaign(campaign), shard, userKey, nth, pace: paceOf(c) };
    const outcome = await call((pool) => pool.reveal(request));
    const { claim } = await answerClaim(c, { campaign, name: campaign.id }, outcome);
    return c.json(claim, 200);
  },
);
