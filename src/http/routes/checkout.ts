/** Codes at the brand's checkout: judged, spent once, and given back. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import type { HeldRedemption } from "../../code-pool/messages.ts";
import { discountAmount, orderRefusal } from "../../domain/discount.ts";
import { parseRedemptionId } from "../../domain/redemption.ts";
import { forSecretKey, forSecretKeyNear } from "../auth.ts";
import { readableBody } from "../body.ts";
import { holdNumberOf, judge } from "../checkout.ts";
import {
  BulkRedemption,
  BulkRedemptions,
  BulkValidation,
  BulkVerdicts,
  NewRedemption,
  NewRollback,
  NewValidation,
  presentRedemption,
  presentVerdict,
  Redemption,
  Validation,
} from "../checkout-schemas.ts";
import { decide, orderKey, requireMade, type Decided } from "../deciding.ts";
import type { HttpEnv } from "../http-env.ts";
import { findIdempotencyKey, IdempotencyHeader, markReplay, replayable } from "../idempotency.ts";
import { ProblemError } from "../problems.ts";
import { requirePoolOf } from "../require-campaign.ts";
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
import { CODE_PROBLEMS, OWN_MODE } from "../typed-code.ts";

export const checkoutRoutes = new OpenAPIHono<HttpEnv>();

const params = z.object({ redemption: PathId });
const CALL_PROBLEMS = ["pool-overloaded", ...KEY_PROBLEMS, ...BODY_PROBLEMS] as const;

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
    responses: { 200: json(Validation, "The verdict"), ...problemResponses(...CALL_PROBLEMS) },
  }),
  async (c) => {
    const [verdict] = await judge(c, [c.req.valid("json")]);
    if (verdict === undefined) throw new Error("A code without a verdict");
    return c.json(presentVerdict(verdict), 200);
  },
);

checkoutRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/codes/bulk-validate",
    operationId: "validateCodes",
    summary: "Judge up to 100 codes",
    description: `As one by one, in the order in which they were sent. ${OWN_MODE}`,
    tags: ["Checkout"],
    ...forSecretKeyNear("redemptions:write", readableBody),
    request: { query: NoQuery, body: jsonBody(BulkValidation) },
    responses: { 200: json(BulkVerdicts, "A verdict each"), ...problemResponses(...CALL_PROBLEMS) },
  }),
  async (c) => {
    const { codes } = c.req.valid("json");
    const verdicts = await judge(c, codes);
    const data = verdicts.map((one, i) =>
      Object.assign({ code: codes[i]?.code ?? "" }, presentVerdict(one)),
    );
    return c.json({ data }, 200);
  },
);

/** Lets the pools spend the codes. `isKeyed`: a request for a single one may have a key. */
function spend(
  c: Context<HttpEnv>,
  asked: z.infer<typeof NewRedemption>[],
  { isKeyed }: { isKeyed: boolean },
): Promise<Decided<HeldRedemption>[]> {
  return decide(c, asked, {
    keyOf: async ({ brandId }, userKey) => {
      const [body] = asked;
      return isKeyed ? orderKey(c, brandId, { ...body, user_id: userKey }) : null;
    },
    fieldsOf: (code, at) => {
      const { discount } = code.campaign;
      const order = asked[at]?.order ?? null;
      return {
        holdNumber: holdNumberOf(code, asked[at]),
        terms: { order, discount, discountAmount: discountAmount(discount, order) },
        refusal: orderRefusal(discount, order),
      };
    },
    call: (pool, of, requests) => pool.redeem(of, requests),
  });
}

checkoutRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/redemptions",
    operationId: "createRedemption",
    summary: "Spend a code on an order",
    description: `Once, unless it is rolled back. Safe to repeat: the same code and order again give the same redemption. After a rollback only without the Idempotency-Key, or with another: the old one gets the old answer. ${OWN_MODE}`,
    tags: ["Checkout"],
    ...forSecretKeyNear("redemptions:write", readableBody),
    request: { query: NoQuery, headers: IdempotencyHeader, body: jsonBody(NewRedemption) },
    responses: {
      201: created(Redemption, "The code is spent"),
      200: replayable(json(Redemption, "It was spent on this order before")),
      ...problemResponses(
        "invalid-idempotency-key",
        "idempotency-key-reused",
        ...CODE_PROBLEMS,
        ...CALL_PROBLEMS,
      ),
    },
  }),
  async (c) => {
    // One that is none is refused before anything is looked for.
    findIdempotencyKey(c);
    const [decided] = await spend(c, [c.req.valid("json")], { isKeyed: true });
    const { outcome, shard, campaign } = requireMade(decided);
    const redemption = presentRedemption(campaign, shard, outcome);
    markReplay(c, outcome.isReplay);
    if (outcome.kind === "repeated") return c.json(redemption, 200);
    c.header("Location", `/v1/redemptions/${redemption.id}`);
    return c.json(redemption, 201);
  },
);

checkoutRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/codes/bulk-redeem",
    operationId: "redeemCodes",
    summary: "Spend up to 100 codes, each on its order",
    description: `Each for itself: one that is refused keeps no other from being spent. Safe to repeat, also after a 503, of which some may have been spent. ${OWN_MODE}`,
    tags: ["Checkout"],
    ...forSecretKeyNear("redemptions:write", readableBody),
    request: { query: NoQuery, body: jsonBody(BulkRedemption) },
    responses: {
      200: json(BulkRedemptions, "A verdict each, in the order in which they were sent"),
      ...problemResponses(...CALL_PROBLEMS),
    },
  }),
  async (c) => {
    const { redemptions: asked } = c.req.valid("json");
    const decided = await spend(c, asked, { isKeyed: false });
    const data = decided.map(({ outcome, shard, campaign }, i) => {
      const { code = "", order_id = "" } = asked[i] ?? {};
      if (outcome.kind === "key-reused") throw new Error("There was no key");
      if (outcome.kind === "refused" || campaign === null) {
        const reason = outcome.kind === "refused" ? outcome.reason : null;
        return { code, order_id, result: "refused" as const, reason, redemption: null };
      }
      const result = outcome.kind === "made" ? ("redeemed" as const) : outcome.kind;
      const redemption = presentRedemption(campaign, shard, outcome);
      return { code, order_id, result, reason: null, redemption };
    });
    return c.json({ data }, 200);
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
    request: { params, query: NoQuery },
    responses: {
      200: json(Redemption, "The redemption"),
      ...problemResponses("not-found", "pool-overloaded", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const id = parseRedemptionId(c.req.valid("param").redemption);
    const { campaign, shard, call, number } = await requirePoolOf(c, id);
    const held = await call((pool) => pool.findRedemption(number));
    if (held === null) throw new ProblemError("not-found");
    return c.json(presentRedemption(campaign, shard, held), 200);
  },
);

checkoutRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/redemptions/{redemption}/rollback",
    operationId: "rollBackRedemption",
    summary: "Undo a redemption",
    description:
      "Its code may be spent again, unless it has expired or is revoked. Safe to repeat: the first reason stays.",
    tags: ["Checkout"],
    ...forSecretKeyNear("redemptions:write", readableBody),
    request: { params, query: NoQuery, body: jsonBody(NewRollback) },
    responses: {
      200: json(Redemption, "The redemption, undone"),
      ...problemResponses("not-found", ...CALL_PROBLEMS),
    },
  }),
  async (c) => {
    const id = parseRedemptionId(c.req.valid("param").redemption);
    const { reason } = c.req.valid("json");
    const { campaign, shard, call, number } = await requirePoolOf(c, id);
    const held = await call((pool) => pool.rollBack(number, reason));
    if (held === null) throw new ProblemError("not-found");
    return c.json(presentRedemption(campaign, shard, held), 200);
  },
);
