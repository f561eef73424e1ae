/** Who is calling: route middleware, so that an unknown path or method is told before any 401. */

import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { findKey, sha256, type OwnedKey } from "../db/api-keys.ts";
import { findKeyNear } from "../directory/directory.ts";
import { isWellFormedApiKey } from "../domain/api-key.ts";
import { near, type HttpEnv } from "./http-env.ts";
import { ProblemError } from "./problems.ts";

/**
 * The bearer credential, or 401. Two Authorization headers arrive joined by a comma and match
 * nothing.
 */
function bearer(c: Context<HttpEnv>): string {
  const token = /^Bearer +([^\s,]+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
  if (token === undefined) throw new ProblemError("unauthenticated");
  return token;
}

/** Compares in constant time; hashing first makes the lengths equal. A brand's key is none. */
async function isOperatorToken(env: Env, token: string): Promise<boolean> {
  if (!env.OPERATOR_TOKEN || isWellFormedApiKey(token)) return false;
  return crypto.subtle.timingSafeEqual(await sha256(token), await sha256(env.OPERATOR_TOKEN));
}

type FindKey = (c: Context<HttpEnv>, key: string) => Promise<OwnedKey | null>;

const findInD1: FindKey = (c, key) => findKey(c.env.DB, key);

/** Lets the operator of this service in. A brand's key is refused with 403. */
export const operatorToken = createMiddleware<HttpEnv>(async function operatorToken(c, next) {
  const token = bearer(c);
  if (await isOperatorToken(c.env, token)) return next();
  await requireKey(c, token, findInD1);
  throw new ProblemError("forbidden", { detail: "This call takes the operator token." });
});

/** Lets a brand's secret key in, as `find` knows it, and says whose it is. */
const secretKeyBy = (find: FindKey) =>
  createMiddleware<HttpEnv>(async function secretKey(c, next) {
    const token = bearer(c);
    if (await isOperatorToken(c.env, token)) {
      throw new ProblemError("forbidden", { detail: "This call takes a brand's secret key." });
    }
    const { key, brand } = await requireKey(c, token, find);
    if (brand.status === "suspended") throw new ProblemError("brand-suspended");
    if (key.kind === "publishable") {
      throw new ProblemError("forbidden", { detail: "This call takes a secret key." });
    }
    if (c.req.header("Origin") !== undefined) throw new ProblemError("secret-key-in-browser");
    c.set("brand", brand);
    c.set("keyMode", key.mode);
    c.set("scope", { brandId: brand.id, mode: key.mode === "test" ? "test" : null });
    return next();
  });

/** As D1 knows the key at this moment. */
export const secretKey = secretKeyBy(findInD1);

/** By a copy of the key, which may be MAX_AGE_MS old. For claims, which must not wait for D1. */
export const secretKeyNear = secretKeyBy((c, key) => findKeyNear(near(c), key));

/** The key's row, or the one 401 for every key that does not count. */
async function requireKey(c: Context<HttpEnv>, token: string, find: FindKey): Promise<OwnedKey> {
  const found = isWellFormedApiKey(token) ? await find(c, token) : null;
  const now = Date.now();
  if (
    found === null ||
    found.key.revokedAt !== null ||
    (found.key.expiresAt !== null && found.key.expiresAt <= now)
  ) {
    throw new ProblemError("unauthenticated");
  }
  return found;
}
