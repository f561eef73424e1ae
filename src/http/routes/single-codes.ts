/** One code, whichever campaign it is of: revoked, or looked up with its history. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type * as z from "zod";
import { revokeCodes } from "../../code-pool/revocation.ts";
import { claimIdOf } from "../../domain/claim.ts";
import { formatRedemptionId, heldStatus, NOBODY } from "../../domain/redemption.ts";
import { findCodes, findShards, markRevoked } from "../../inventory/find-codes.ts";
import { forSecretKey } from "../auth.ts";
import { readableBody } from "../body.ts";
import { CodeHistory, LookUp, NewRevocation, Revocation } from "../code-schemas.ts";
import { change } from "../change.ts";
import { heralded } from "../heralded.ts";
import { inventoryOfKey, type HttpEnv } from "../http-env.ts";
import {
  BODY_PROBLEMS,
  json,
  jsonBody,
  KEY_PROBLEMS,
  NoQuery,
  problemResponses,
  toWireTime,
} from "../schemas.ts";
import { findHolders, findTyped, OWN_MODE, refusedCode, type KnownCode } from "../typed-code.ts";

export const singleCodeRoutes = new OpenAPIHono<HttpEnv>();

type Verdict = z.infer<typeof Revocation>["data"][number]["result"];

singleCodeRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/codes/revoke",
    operationId: "revokeCodes",
    summary: "Revoke codes",
    description: `From the answer on none of them is given to anybody, or good at a checkout. Whoever holds one keeps it, revoked. Safe to repeat. ${OWN_MODE}`,
    tags: ["Codes"],
    ...forSecretKey("codes:write", readableBody),
    request: { query: NoQuery, body: jsonBody(NewRevocation) },
    responses: {
      200: json(Revocation, "What became of each, in the order in which they were sent"),
      ...problemResponses("pool-overloaded", ...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const fields = c.req.valid("json");
    const { codes: typed, reason = null } = fields;
    const found = await findCodes(c.env.DB, inventoryOfKey(c), typed);
    const mine = found.flatMap((code, i) => (code === null ? [] : [{ ...code, i }]));
    const brandId = c.var.brand.id;
    const campaigns = new Set(mine.map(({ campaignId }) => campaignId));
    const [first = brandId] = campaigns;
    const revocation = {
      action: "revokeCodes",
      // A code has no id, and does not belong into the log.
      target: campaigns.size === 1 ? first : brandId,
      fields,
      made: () => findShards(c.env.DB, mine),
    };
    const mark = () =>
      change(c, revocation, (along) =>
        markRevoked(c.env.DB, mine, { reason, now: Date.now() }, along),
      );
    const outcomes =
      mine.length === 0 ? [] : await heralded(c, true, () => revokeCodes(c.env, mine, mark));
    const results: Verdict[] = typed.map(() => "unknown");
    for (const [at, { i, revokedAt }] of mine.entries()) {
      if (outcomes[at] === "redeemed") results[i] = "redeemed";
      else results[i] = revokedAt === null ? "revoked" : "already-revoked";
    }
    const data = typed.map((code, i) => ({ code, result: results[i] ?? "unknown" }));
    return c.json({ data }, 200);
  },
);

async function historyOf(env: Env, known: KnownCode): Promise<z.infer<typeof CodeHistory>> {
  const { found, campaign } = known;
  const [held = null] = await findHolders(env, [known]);
  const { claim = null, redemptions = [] } = held ?? {};
  const redemption = redemptions.find(({ rolledBack }) => rolledBack === null);
  const now = Date.now();
  const isHeld = claim !== null && claim.userKey !== NOBODY;
  const expiredAt = claim?.expiresAt != null && claim.expiresAt <= now ? claim.expiresAt : null;
  const events = [
    { at: found.madeAt, event: "made" as const },
    { at: isHeld ? claim.claimedAt : null, event: "claimed" as const },
    ...redemptions.flatMap(({ redeemedAt, rolledBack }) => [
      { at: redeemedAt, event: "redeemed" as const },
      { at: rolledBack?.at ?? null, event: "rolled_back" as const },
    ]),
    { at: found.revokedAt, event: "revoked" as const },
    { at: claim?.redeemedAt == null ? expiredAt : null, event: "expired" as const },
  ].flatMap(({ at, event }) => (at === null ? [] : [{ at, event }]));
  const { id: campaignId } = campaign;
  return {
    code: found.code,
    status: claim === null ? unheldStatus(found) : heldStatus(claim, now),
    campaign_id: campaignId,
    batch_id: found.batchId,
    claim_id: claim && claimIdOf(campaignId, claim),
    user_id: claim?.userId ?? null,
    claimed_at: toWireTime(isHeld ? claim.claimedAt : null),
    expires_at: toWireTime(claim?.expiresAt ?? null),
    redemption_id:
      redemption === undefined
        ? null
        : formatRedemptionId({ campaignId, shard: found.shard ?? 0, number: redemption.number }),
    order_id: redemption?.orderId ?? null,
    redeemed_at: toWireTime(redemption?.redeemedAt ?? null),
    revoked_at: toWireTime(found.revokedAt),
    revoked_reason: found.revokedReason,
    history: events
      .toSorted((one, other) => one.at - other.at)
      .map(({ at, event }) => ({ at: toWireTime(at), event })),
  };
}

function unheldStatus({ revokedAt, isOutside }: KnownCode["found"]) {
  if (revokedAt !== null) return "revoked";
  return isOutside ? "claimed" : "available";
}

singleCodeRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/codes/lookup",
    operationId: "lookUpCode",
    summary: "Find one code of the brand, and what became of it",
    description: `Of any campaign, however it is typed. POST, so that no code is part of a URL. ${OWN_MODE}`,
    tags: ["Codes"],
    ...forSecretKey("codes:read", readableBody),
    request: { query: NoQuery, body: jsonBody(LookUp) },
    responses: {
      200: json(CodeHistory, "The code"),
      ...problemResponses("code-unknown", "pool-overloaded", ...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const [known] = await findTyped(c, [c.req.valid("json")], { isNow: true });
    if (known == null) throw refusedCode("unknown");
    return c.json(await historyOf(c.env, known), 200);
  },
);
