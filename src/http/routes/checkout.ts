/** Codes at the brand's checkout: judged, and spent once. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import * as z from "zod";
import { bindBrandKey, poolOfShard, userKeyOf } from "../../code-pool/stub.ts";
import { discountAmount } from "../../domain/discount.ts";
import { parseRedemptionId, refusalReason } from "../../domain/redemption.ts";
import { forSecretKey, forSecretKeyNear } from "../auth.ts";
import { readableBody } from "../body.ts";
import {
  NewRedemption,
  presentRedemption,
  Redemption,
  NewValidation,
  Validation,
} from "../checkout-schemas.ts";
import { inventoryOfKey, type HttpEnv } from "../http-env.ts";
import {
  findIdempotencyKey,
  findRequestKey,
  IdempotencyHeader,
  markReplay,
  replayable,
} from "../idempotency.ts";
import { brakeWrongCode, requireNotBackedOff } from "../limits.ts";
import { ProblemError } from "../problems.ts";
import { requireCampaignOf } from "../require-campaign.ts";
import {
  BODY_PROBLEMS,
  created,
  json,
  jsonBody,
  KEY_PROBLEMS,
  NoQuery,
  PathId,
  problemResponses,
} from "../schemas.ts";
import {
  CODE_PROBLEMS,
  OWN_MODE,
  findHolder,
  findTyped,
  refusedCode,
  unheldReason,
} from "../typed-code.ts";

export const checkoutRoutes = new OpenAPIHono<HttpEnv>();

checkoutRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/codes/validate",
    operationId: "validateCode",
    summary: "Judge a code",
    description: `Changes nothing. Asks the pool that gave the code, so the answer does not lag. ${OWN_MODE}`,
    tags: ["Checkout"],
    ...forSecretKeyNear("redemptions:write", readableBody),
    request: { query: NoQuery, body: jsonBody(NewValidation) },
    responses: {
      200: json(Validation, "The verdict"),
      ...problemResponses("pool-overloaded", ...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const { code, user_id: userId = null, order = null } = c.req.valid("json");
    requireNotBackedOff(c, userId);
    const known = await findTyped(c, code);
    if (known === null) {
      await brakeWrongCode(c, userId);
      return c.json(
        { valid: false, reason: "unknown" as const, campaign_id: null, discount: null },
        200,
      );
    }
    const userKey = userId && (await userKeyOf(known.campaign, userId));
    const held = await findHolder(c.env, known);
    const reason =
      held === null ? unheldReason(known) : refusalReason(held.claim, { userKey, now: Date.now() });
    const { id, discount } = known.campaign;
    const amount = reason === null ? discountAmount(discount, order) : null;
    return c.json(
      {
        valid: reason === null,
        reason,
        campaign_id: id,
        discount,
        ...(amount === null ? {} : { discount_amount: amount }),
      },
      200,
    );
  },
);

checkoutRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/redemptions",
    operationId: "createRedemption",
    summary: "Spend a code on an order",
    description: `Once, for good. Safe to repeat: the same code and order again give the same redemption. ${OWN_MODE}`,
    tags: ["Checkout"],
    ...forSecretKeyNear("redemptions:write", readableBody),
    request: { query: NoQuery, headers: IdempotencyHeader, body: jsonBody(NewRedemption) },
    responses: {
      201: created(Redemption, "The code is spent"),
      200: replayable(json(Redemption, "It was spent on this order before")),
      ...problemResponses(
        "invalid-idempotency-key",
        "idempotency-key-reused",
        "pool-overloaded",
        ...CODE_PROBLEMS,
        ...KEY_PROBLEMS,
        ...BODY_PROBLEMS,
      ),
    },
  }),
  async (c) => {
    const body = c.req.valid("json");
    const { code, order_id: orderId, user_id: userId = null, order = null } = body;
    // One that is none is refused before anything is looked for.
    findIdempotencyKey(c);
    requireNotBackedOff(c, userId);
    const known = await findTyped(c, code);
    if (known === null) {
      await brakeWrongCode(c, userId);
      throw refusedCode("unknown");
    }
    const { found, campaign } = known;
    if (found.shard === null) throw refusedCode(unheldReason(known));
    const userKey = userId && (await userKeyOf(campaign, userId));
    // Of one mode, as the codes are. And of the user by their key, so that what is kept of the
    // request does not tell who it was once they are erased.
    const scope = [inventoryOfKey(c), "POST /v1/redemptions"];
    const key = await findRequestKey(c, scope, { ...body, user_id: userKey });
    if (key !== null && !(await bindBrandKey(c.env, campaign.brandId, key))) {
      throw new ProblemError("idempotency-key-reused");
    }
    const { discount } = campaign;
    const request = {
      place: { batchId: found.batchId, ordinal: found.ordinal },
      orderId,
      userKey,
      terms: { order, discount, discountAmount: discountAmount(discount, order) },
      revokedAt: found.revokedAt,
      key,
      attempt: crypto.randomUUID(),
    };
    const { shard, call } = poolOfShard(c.env, campaign, found.shard);
    const outcome = await call((pool) => pool.redeem(request));
    if (outcome.kind === "key-reused") throw new ProblemError("idempotency-key-reused");
    if (outcome.kind === "refused") {
      throw refusedCode(outcome.reason === "not-claimed" ? unheldReason(known) : outcome.reason);
    }
    const redemption = presentRedemption(campaign, shard, outcome);
    markReplay(c, outcome.isReplay);
    if (outcome.kind === "repeated") return c.json(redemption, 200);
    c.header("Location", `/v1/redemptions/${redemption.id}`);
    return c.json(redemption, 201);
  },
);

checkoutRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/redemptions/{redemption}",
    operationId: "getRedemption",
    summary: "Read a redemption",
    tags: ["Checkout"],
    ...forSecretKey("redemptions:read"),
    request: { params: z.object({ redemption: PathId }), query: NoQuery },
    responses: {
      200: json(Redemption, "The redemption"),
      ...problemResponses("not-found", "pool-overloaded", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const id = parseRedemptionId(c.req.valid("param").redemption);
    const { campaign, address } = await requireCampaignOf(c, id);
    if (address.shard >= campaign.shards) throw new ProblemError("not-found");
    const { shard, call } = poolOfShard(c.env, campaign, address.shard);
    const held = await call((pool) => pool.findRedemption(address.number));
    if (held === null) throw new ProblemError("not-found");
    return c.json(presentRedemption(campaign, shard, held), 200);
  },
);
