/** A brand's users: what is held about one, and its erasure. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import * as z from "zod";
import { newId } from "../../db/new-id.ts";
import { isUserId } from "../../domain/user.ts";
import { findErasure, type Erasure as Erased } from "../../inventory/erasures.ts";
import { findHeld } from "../../users/find-held.ts";
import { eraseUser } from "../../users/stub.ts";
import { forSecretKey } from "../auth.ts";
import { change } from "../change.ts";
import type { HttpEnv } from "../http-env.ts";
import { cursorBehind, pageAsked, pageQuery } from "../paging.ts";
import { ProblemError } from "../problems.ts";
import { json, KEY_PROBLEMS, located, NoQuery, PathId, problemResponses } from "../schemas.ts";
import { Erasure, presentErasure, presentHeld, User } from "../user-schemas.ts";

const params = z.object({
  user_id: z.string().meta({
    description: "Your id of the user, percent-encoded: a slash in it is %2F.",
    example: "u-123",
  }),
});

/** The eraser answers after 10 s, and the step that it is in. */
const ERASE_TIMEOUT_MS = 25_000;

/** Nobody can be called anything else, so there is nothing to be found. */
function requireUserId(text: string): string {
  if (!isUserId(text)) throw new ProblemError("not-found");
  return text;
}

export const userRoutes = new OpenAPIHono<HttpEnv>();

userRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/users/{user_id}",
    operationId: "getUser",
    summary: "Read everything held about a user",
    description:
      "limit counts campaigns. A page may hold fewer, or none, though more follow: go on while there is a next_cursor.",
    tags: ["Users"],
    ...forSecretKey("users:read"),
    request: { params, query: z.strictObject(pageQuery) },
    responses: {
      200: json(User, "What is held, or a page of it"),
      ...problemResponses("not-found", "invalid-cursor", "pool-overloaded", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const userId = requireUserId(c.req.valid("param").user_id);
    const { brandId } = c.var.scope;
    // Not the user's id: a cursor is ASCII, and ends up in logs of addresses.
    const page = pageAsked(c.req.valid("query"), `users:${brandId}`, ["string"], ([id]) =>
      String(id),
    );
    const limit = page.limit - 1;
    const asked = { scope: c.var.scope, userId };
    const { found, upTo } = await findHeld(c.env, asked, { after: page.after, limit });
    if (page.after === null && upTo === null && found.length === 0) {
      throw new ProblemError("not-found");
    }
    const next_cursor = upTo === null ? null : cursorBehind(page, [upTo]);
    return c.json({ user_id: userId, data: found.map(presentHeld), next_cursor }, 200);
  },
);

userRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/v1/users/{user_id}",
    operationId: "eraseUser",
    summary: "Erase a user",
    description:
      "Takes the user's id and contact data from every claim that was answered before, in all campaigns that the key may see. Codes stay with who has them: the user who asks again gets the same one, and no more than are due. What was asked for is seen through, whatever fails meanwhile. Safe to repeat.",
    tags: ["Users"],
    ...forSecretKey("users:write"),
    request: { params, query: NoQuery },
    responses: {
      202: located(Erasure, "The erasure: complete already, or running"),
      ...problemResponses("not-found", "pool-overloaded", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const userId = requireUserId(c.req.valid("param").user_id);
    const { brandId, mode } = c.var.scope;
    const asked = { id: newId("erasure"), brandId, mode, userId, createdAt: Date.now() };
    const erasure = await change(
      c,
      {
        action: "eraseUser",
        target: asked.id,
        made: () => findErasure(c.env.DB, c.var.scope, asked.id),
        timeoutMs: ERASE_TIMEOUT_MS,
      },
      (along): Promise<Erased | null> => eraseUser(c.env, { ...asked, along }),
    );
    if (erasure === null) throw new Error(`Erasure ${asked.id} vanished`);
    c.header("Location", `/v1/erasures/${erasure.id}`);
    return c.json(presentErasure(erasure), 202);
  },
);

userRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/erasures/{erasure}",
    operationId: "getErasure",
    summary: "Read how far an erasure is",
    tags: ["Users"],
    ...forSecretKey("users:read"),
    request: { params: z.object({ erasure: PathId }), query: NoQuery },
    responses: {
      200: json(Erasure, "The erasure. Whom it was about is not told"),
      ...problemResponses("not-found", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const erasure = await findErasure(c.env.DB, c.var.scope, c.req.valid("param").erasure);
    if (erasure === null) throw new ProblemError("not-found");
    return c.json(presentErasure(erasure), 200);
  },
);
