/** Holds: a code kept for an order while its user pays. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import * as z from "zod";
import { parseHoldId } from "../../domain/redemption.ts";
import { forSecretKey, forSecretKeyNear } from "../auth.ts";
import { readableBody } from "../body.ts";
import { decide, orderKey, requireMade } from "../deciding.ts";
import { Hold, NewHold, presentHold } from "../hold-schemas.ts";
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

export const holdRoutes = new OpenAPIHono<HttpEnv>();

const params = z.object({ hold: PathId });

holdRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/holds",
    operationId: "createHold",
    summary: "Keep a code for an order",
    description: `Until expires_at nobody else spends or holds it. The same order again gets the same hold, for longer if need be. ${OWN_MODE}`,
    tags: ["Checkout"],
    ...forSecretKeyNear("redemptions:write", readableBody),
    request: { query: NoQuery, headers: IdempotencyHeader, body: jsonBody(NewHold) },
    responses: {
      201: created(Hold, "The code is kept for the order"),
      200: replayable(json(Hold, "It was already")),
      ...problemResponses(
        "invalid-idempotency-key",
        "idempotency-key-reused",
        "pool-overloaded",
        ...CODE_PROBLEMS.filter((slug) => slug !== "order-not-eligible"),
        ...KEY_PROBLEMS,
        ...BODY_PROBLEMS,
      ),
    },
  }),
  async (c) => {
    const body = c.req.valid("json");
    // One that is none is refused before anything is looked for.
    findIdempotencyKey(c);
    const [decided] = await decide(c, [body], {
      keyOf: ({ brandId }, userKey) => orderKey(c, brandId, { ...body, user_id: userKey }),
      // Of the order nothing is known yet.
      fieldsOf: () => ({ ttlMs: body.ttl_seconds * 1000, refusal: null }),
      call: (pool, of, requests) => pool.hold(of, requests),
    });
    const { outcome, shard, campaign } = requireMade(decided);
    const hold = presentHold(campaign, shard, outcome);
    markReplay(c, outcome.isReplay);
    if (outcome.kind === "repeated") return c.json(hold, 200);
    c.header("Location", `/v1/holds/${hold.id}`);
    return c.json(hold, 201);
  },
);

holdRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/holds/{hold}",
    operationId: "getHold",
    summary: "Read a hold",
    tags: ["Checkout"],
    ...forSecretKey("redemptions:read"),
    request: { params, query: NoQuery },
    responses: {
      200: json(Hold, "The hold, for a month after its end"),
      ...problemResponses("not-found", "pool-overloaded", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const id = parseHoldId(c.req.valid("param").hold);
    const { campaign, shard, call, number } = await requirePoolOf(c, id);
    const held = await call((pool) => pool.findHold(number));
    if (held === null) throw new ProblemError("not-found");
    return c.json(presentHold(campaign, shard, held), 200);
  },
);

holdRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/v1/holds/{hold}",
    operationId: "releaseHold",
    summary: "Let a held code go",
    description: "Safe to repeat; one that has lapsed or was redeemed stays so.",
    tags: ["Checkout"],
    ...forSecretKeyNear("redemptions:write"),
    request: { params, query: NoQuery },
    responses: {
      204: { description: "The order keeps it no longer" },
      ...problemResponses("not-found", "pool-overloaded", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const id = parseHoldId(c.req.valid("param").hold);
    const { call, number } = await requirePoolOf(c, id);
    if ((await call((pool) => pool.release(number))) === null) throw new ProblemError("not-found");
    return c.body(null, 204);
  },
);
