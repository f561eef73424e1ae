/** One code, whichever campaign it is of: revoked, or looked up with its history. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type * as z from "zod";
import type { RevokeOutcome } from "../../code-pool/messages.ts";
import { poolsOf } from "../../code-pool/stub.ts";
import { findCampaign, type CampaignRow } from "../../db/campaigns.ts";
import { formatClaimId } from "../../domain/claim.ts";
import { formatRedemptionId, heldStatus } from "../../domain/redemption.ts";
import { findCodes, markRevoked, type FoundCode } from "../../inventory/find-codes.ts";
import { secretKey } from "../auth.ts";
import { readableBody } from "../body.ts";
import { CodeHistory, LookUp, NewRevocation, Revocation } from "../checkout-schemas.ts";
import type { HttpEnv } from "../http-env.ts";
import {
  BODY_PROBLEMS,
  json,
  jsonBody,
  KEY_PROBLEMS,
  NoQuery,
  problemResponses,
  toWireTime,
} from "../schemas.ts";
import { findHolder, findTyped, refusedCode, type KnownCode } from "../typed-code.ts";

const security = [{ secretKey: [] }];

export const singleCodeRoutes = new OpenAPIHono<HttpEnv>();

type Verdict = z.infer<typeof Revocation>["data"][number]["result"];

/**
 * Marks the codes in D1 first, then tells the shards in whose hands they are by then. A lease that
 * comes later reads the mark; one that was granted before is a shard's that is told.
 */
async function revokeAll(
  env: Env,
  codes: (FoundCode & { campaign: CampaignRow })[],
  reason: string | null,
) {
  const shards = await markRevoked(env.DB, codes, { reason, now: Date.now() });
  const outcomes: RevokeOutcome[] = codes.map(() => "unclaimed");
  const byCampaign = Map.groupBy(codes.keys(), (i) => codes[i]?.campaign.id ?? "");
  for (const indices of byCampaign.values()) {
    const campaign = codes[indices[0] ?? 0]?.campaign;
    if (campaign === undefined) continue;
    await Promise.all(
      poolsOf(env, campaign).map(async ({ shard, call }) => {
        const mine = indices.filter((i) => shards[i] === shard);
        if (mine.length === 0) return;
        const places = mine.flatMap((i) => {
          const code = codes[i];
          return code === undefined ? [] : [{ batchId: code.batchId, ordinal: code.ordinal }];
        });
        const answers = await call((pool) => pool.revoke(places));
        answers.forEach((answer, at) => (outcomes[mine[at] ?? -1] = answer));
      }),
    );
  }
  return outcomes;
}

/** Those campaigns of the codes that the key may see. */
async function campaignsOf(
  c: Context<HttpEnv>,
  found: (FoundCode | null)[],
): Promise<Map<string, CampaignRow>> {
  const seen = new Map<string, CampaignRow>();
  for (const id of new Set(found.flatMap((code) => (code === null ? [] : [code.campaignId])))) {
    const campaign = await findCampaign(c.env.DB, c.var.scope, id);
    if (campaign !== null) seen.set(id, campaign);
  }
  return seen;
}

singleCodeRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/codes/revoke",
    operationId: "revokeCodes",
    summary: "Revoke codes",
    description:
      "From the answer on none of them is given to anybody, or good at a checkout. Whoever holds one keeps it, revoked. Safe to repeat.",
    tags: ["Codes"],
    security,
    middleware: [secretKey, readableBody] as const,
    request: { query: NoQuery, body: jsonBody(NewRevocation) },
    responses: {
      200: json(Revocation, "What became of each, in the order in which they were sent"),
      ...problemResponses("pool-overloaded", ...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const { codes: typed, reason = null } = c.req.valid("json");
    const found = await findCodes(c.env.DB, c.var.scope.brandId, typed);
    const campaigns = await campaignsOf(c, found);
    const mine = found.flatMap((code, i) => {
      const campaign = code === null ? undefined : campaigns.get(code.campaignId);
      return code === null || campaign === undefined ? [] : [{ ...code, campaign, i }];
    });
    const outcomes = mine.length === 0 ? [] : await revokeAll(c.env, mine, reason);
    const results: Verdict[] = typed.map(() => "unknown");
    mine.forEach(({ i, revokedAt }, at) => {
      results[i] =
        outcomes[at] === "redeemed"
          ? "redeemed"
          : revokedAt === null
            ? "revoked"
            : "already-revoked";
    });
    const data = typed.map((code, i) => ({ code, result: results[i] ?? "unknown" }));
    return c.json({ data }, 200);
  },
);

async function historyOf(env: Env, known: KnownCode): Promise<z.infer<typeof CodeHistory>> {
  const { found, campaign } = known;
  const held = await findHolder(env, known);
  const { claim = null, redemption = null } = held ?? {};
  const now = Date.now();
  const expiredAt = claim?.expiresAt != null && claim.expiresAt <= now ? claim.expiresAt : null;
  const events = [
    { at: found.madeAt, event: "made" as const },
    { at: claim?.claimedAt, event: "claimed" as const },
    { at: redemption?.redeemedAt, event: "redeemed" as const },
    { at: found.revokedAt, event: "revoked" as const },
    { at: claim?.redeemedAt == null ? expiredAt : null, event: "expired" as const },
  ].flatMap(({ at, event }) => (at == null ? [] : [{ at, event }]));
  const { id: campaignId } = campaign;
  return {
    code: found.code,
    status:
      claim === null
        ? found.revokedAt === null
          ? "available"
          : "revoked"
        : heldStatus(claim, now),
    campaign_id: campaignId,
    batch_id: found.batchId,
    claim_id: claim && formatClaimId({ campaignId, userKey: claim.userKey, nth: claim.nth }),
    user_id: claim?.userId ?? null,
    claimed_at: toWireTime(claim?.claimedAt ?? null),
    expires_at: toWireTime(claim?.expiresAt ?? null),
    redemption_id:
      redemption &&
      formatRedemptionId({ campaignId, shard: found.shard ?? 0, number: redemption.number }),
    order_id: redemption?.orderId ?? null,
    redeemed_at: toWireTime(redemption?.redeemedAt ?? null),
    revoked_at: toWireTime(found.revokedAt),
    revoked_reason: found.revokedReason,
    history: events
      .toSorted((one, other) => one.at - other.at)
      .map(({ at, event }) => ({ at: toWireTime(at), event })),
  };
}

singleCodeRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/codes/lookup",
    operationId: "lookUpCode",
    summary: "Find one code of the brand, and what became of it",
    description: "Of any campaign, however it is typed. POST, so that no code is part of a URL.",
    tags: ["Codes"],
    security,
    middleware: [secretKey, readableBody] as const,
    request: { query: NoQuery, body: jsonBody(LookUp) },
    responses: {
      200: json(CodeHistory, "The code"),
      ...problemResponses("code-unknown", "pool-overloaded", ...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const known = await findTyped(c, c.req.valid("json").code);
    if (known === null) throw refusedCode("unknown");
    return c.json(await historyOf(c.env, known), 200);
  },
);
