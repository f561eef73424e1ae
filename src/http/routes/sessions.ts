/**
 * Signing in to the console. Not part of the API: the console's own, and hidden from its reference.
 */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import {
  createSession,
  endSession,
  newSessionToken,
  type Session,
} from "../../db/console-sessions.ts";
import { requireSecretKey, requireSession } from "../auth.ts";
import { readableBody } from "../body.ts";
import { change } from "../change.ts";
import type { HttpEnv } from "../http-env.ts";
import { presentKey } from "../key-schemas.ts";
import { ProblemError } from "../problems.ts";
import { jsonBody, NoQuery, toWireTime } from "../schemas.ts";
import { dropSession, keepSession, SESSION_SECONDS, sessionTokenOf } from "../session.ts";

const SignIn = z.strictObject({ key: z.string().min(1).max(200) });

/** Who is signed in, by which key, and until when. */
function answer({ brand: { id, slug, name }, key, expiresAt }: Session) {
  const end = Math.min(expiresAt, key.expiresAt ?? Infinity);
  return { brand: { id, slug, name }, key: presentKey(key), expires_at: toWireTime(end) };
}

/** Another site must not sign anybody in, either: they would take its brand for theirs. */
function requireOurPage(c: Context<HttpEnv>): void {
  if (c.req.header("Sec-Fetch-Site") === "same-origin") return;
  throw new ProblemError("forbidden", { detail: "Sign in on the page of the console." });
}

export const sessionRoutes = new OpenAPIHono<HttpEnv>();

sessionRoutes.openapi(
  createRoute({
    hide: true,
    method: "post",
    path: "/console/session",
    middleware: [readableBody],
    request: { query: NoQuery, body: jsonBody(SignIn) },
    responses: { 201: { description: "Signed in" } },
  }),
  async (c) => {
    requireOurPage(c);
    const owned = await requireSecretKey(c, c.req.valid("json").key);
    c.set("key", owned.key);
    const token = newSessionToken();
    const expiresAt = Date.now() + SESSION_SECONDS * 1000;
    const session = { token, keyId: owned.key.id, expiresAt };
    await change(
      c,
      {
        action: "signIn",
        target: owned.key.id,
        brandId: owned.brand.id,
        made: () => undefined,
      },
      (along) => createSession(c.env.DB, session, along),
    );
    // Its cookie is overwritten, so nobody could end it any more.
    const before = sessionTokenOf(c);
    if (before !== null) await endSession(c.env.DB, before);
    keepSession(c, token);
    c.header("Cache-Control", "no-store");
    return c.json(answer({ ...owned, expiresAt }), 201);
  },
);

// That nobody is signed in is an answer, too: browsers would show a 401 as an error of the page.
sessionRoutes.get("/console/session", async (c) => {
  c.header("Cache-Control", "no-store");
  try {
    return c.json(answer(await requireSession(c)));
  } catch (error) {
    if (error instanceof ProblemError && error.slug === "unauthenticated") return c.body(null, 204);
    throw error;
  }
});

sessionRoutes.delete("/console/session", async (c) => {
  const token = sessionTokenOf(c);
  if (token !== null) await endSession(c.env.DB, token);
  dropSession(c);
  return c.body(null, 204);
});
