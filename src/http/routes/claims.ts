/** Claims: a user is given a code. Reading them back asks the pools, which decided them. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import type { Claim as ClaimRow, Contact } from "../../code-pool/ledger.ts";
import type { ClaimOutcome } from "../../code-pool/messages.ts";
import { poolCampaign, poolOfUser, poolsOf, userKeyOf } from "../../code-pool/stub.ts";
import type { CampaignRow } from "../../db/campaigns.ts";
import { parseClaimId, type Consent } from "../../domain/claim.ts";
import { findCampaignAnew, findCampaignNear } from "../../directory/directory.ts";
import { forPagesNear, forSecretKey } from "../auth.ts";
import { readableBody } from "../body.ts";
import { claimantOf } from "../claimant.ts";
import { Claim, ClaimHeaders, ClaimsQuery, NewClaim, presentClaim } from "../claim-schemas.ts";
import { findIdempotencyKey } from "../idempotency.ts";
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
  toWireTime,
} from "../schemas.ts";
import { requireCampaign, requireCampaignOf } from "../require-campaign.ts";

const params = z.object({ campaign: PathKey });

/** Contact data is kept only where the user agreed that it is shared. */
function keptContact(consent: Consent | undefined, contact: Contact): Contact | null {
  const { email, name, attributes } = contact;
  if (consent?.share_contact !== true) return null;
  return email === undefined && name === undefined && attributes === undefined
    ? null
    : { email, name, attributes };
}

function refuse(outcome: Exclude<ClaimOutcome, { claim: ClaimRow }>): never {
  switch (outcome.kind) {
    case "closed": {
      const startsAt = toWireTime(outcome.startsAt);
      const detail = {
        "not-started": `The campaign starts at ${startsAt}.`,
        paused: "The campaign is paused.",
        ended: "The campaign has ended.",
      }[outcome.reason];
      throw new ProblemError("campaign-not-open", { detail, extra: { starts_at: startsAt } });
    }
    case "consent-missing":
      throw new ProblemError("consent-required", {
        detail: `The user's consent to the text of version ${outcome.version} is needed.`,
        errors: [
          {
            in: "body",
            pointer: "/consent",
            detail: `Needs share_contact and ${outcome.version}.`,
          },
        ],
      });
    case "exhausted":
      throw new ProblemError("codes-exhausted");
    case "stock-unknown":
      throw new ProblemError("pool-overloaded", { detail: "The stock cannot be read right now." });
  }
}

export const claimRoutes = new OpenAPIHono<HttpEnv>();

claimRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/campaigns/{campaign}/claims",
    operationId: "createClaim",
    summary: "Give a user a code",
    description:
      "Safe to repeat: a user who holds a code gets the same one again, also after the campaign was paused, ended or sold out. Where claims_per_user is above 1, send an Idempotency-Key so that a repeat does not take the next code.",
    tags: ["Claims"],
    ...forPagesNear("claims:write", readableBody),
    request: { params, query: NoQuery, headers: ClaimHeaders, body: jsonBody(NewClaim) },
    responses: {
      201: created(Claim, "A code now belongs to this user"),
      200: json(Claim, "This user holds it already"),
      ...problemResponses(
        "invalid-idempotency-key",
        "user-token-invalid",
        "challenge-failed",
        "not-found",
        "codes-exhausted",
        "campaign-not-open",
        "consent-required",
        "pool-overloaded",
        ...PAGE_PROBLEMS,
        ...BODY_PROBLEMS,
      ),
    },
  }),
  async (c) => {
    const idempotencyKey = findIdempotencyKey(c);
    const body = c.req.valid("json");
    const asked = c.req.valid("param").campaign;
    const campaign = await findCampaignNear(near(c), c.var.scope, asked);
    if (campaign === null) throw new ProblemError("not-found");
    const { userId, contact } = await claimantOf(c, campaign, body);
    const userKey = await userKeyOf(campaign, userId);
    const pool = poolOfUser(c.env, campaign, userKey);
    const request = {
      campaign: poolCampaign(campaign),
      shard: pool.shard,
      userKey,
      userId,
      idempotencyKey,
      attempt: crypto.randomUUID(),
      consent: body.consent ?? null,
      contact: keptContact(body.consent, contact),
    };
    const outcome = await pool.call((stub) => stub.claim(request));
    if (!("claim" in outcome)) return refuse(outcome);
    // The pool decides by the newest settings; the answer must show those, too.
    const isNewest = outcome.version <= campaign.version;
    const newest = isNewest ? campaign : await findCampaignAnew(near(c), campaign, asked);
    const claim = presentClaim(newest, outcome.claim);
    if (outcome.kind === "repeated") return c.json(claim, 200);
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
