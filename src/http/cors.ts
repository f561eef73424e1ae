/**
 * Calls from web pages (https://fetch.spec.whatwg.org/#http-cors-protocol). A preflight names no
 * key, so it is answered from all origins that any key lists; the call itself is held against its
 * own key's list. Keys travel in a header, never in a cookie, so no credentials mode.
 */

import type { OpenAPIHono } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { isOriginListed } from "../directory/directory.ts";
import { near, type HttpEnv } from "./http-env.ts";
import { ProblemError } from "./problems.ts";

/** What a page may send, and what it may read of an answer besides its body. */
const REQUEST_HEADERS = "authorization, content-type, idempotency-key, codedrop-user-token";
const ANSWER_HEADERS =
  "Location, Retry-After, RateLimit, RateLimit-Policy, Idempotent-Replayed, X-Request-Id";
/** Chromium keeps a preflight no longer, whatever it is told. */
const PREFLIGHT_SECONDS = 7_200;

/** The paths that pages may call, with their methods. Every other path has no CORS at all. */
const PAGES: Record<string, string> = {
  "/v1/campaigns/:campaign": "GET",
  "/v1/campaigns/:campaign/claims": "POST",
  "/v1/claims/:claim/reveal": "POST",
};

/** Lets a page of a listed origin read what it is answered, problems too. */
const readable: MiddlewareHandler<HttpEnv> = async function readable(c, next) {
  c.header("Vary", "Origin");
  const origin = c.req.header("Origin");
  if (origin !== undefined && (await isOriginListed(near(c), origin))) {
    c.header("Access-Control-Allow-Origin", origin);
    c.header("Access-Control-Expose-Headers", ANSWER_HEADERS);
  }
  await next();
};

export function allowPages(app: OpenAPIHono<HttpEnv>): void {
  for (const [path, method] of Object.entries(PAGES)) {
    app.use(path, readable);
    app.options(path, async (c) => {
      const origin = c.req.header("Origin");
      if (origin !== undefined && !(await isOriginListed(near(c), origin))) {
        throw new ProblemError("origin-not-allowed");
      }
      c.header("Access-Control-Allow-Methods", method);
      c.header("Access-Control-Allow-Headers", REQUEST_HEADERS);
      c.header("Access-Control-Max-Age", String(PREFLIGHT_SECONDS));
      return c.body(null, 204);
    });
  }
}
