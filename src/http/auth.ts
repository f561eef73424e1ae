/**
 * Who is calling, and whether they may. What a route takes is said once, with `for…` below: it goes
 * into the reference and is what the route's middleware asks for. Route middleware, so that an
 * unknown path or method is told before any 401.
 */

import type { Context, MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import { findKey, sha256, type ApiKeyRow, type OwnedKey } from "../db/api-keys.ts";
import { findSession, type Session } from "../db/console-sessions.ts";
import { findKeyNear, noteUse } from "../directory/directory.ts";
import { isPublishable, isWellFormedApiKey } from "../domain/api-key.ts";
import { allows, type Scope } from "../domain/scope.ts";
import { near, type HttpEnv } from "./http-env.ts";
import { brakeAddress, brakeKey, brakeWrongKey } from "./limits.ts";
import { ProblemError } from "./problems.ts";
import { sessionTokenOf } from "./session.ts";

/** The operator's token only. A brand's key is refused with 403. */
export function forOperator(...more: MiddlewareHandler[]) {
  return { security: [{ operatorToken: [] }], middleware: [operatorToken, ...more] };
}

/** A secret key that has the scope, as D1 knows it at this moment. */
export function forSecretKey(scope: Scope, ...more: MiddlewareHandler[]) {
  return {
    security: [{ secretKey: [scope] }],
    middleware: [secretKeyBy(findInD1, scope), ...more],
  };
}

/**
 * The same by a copy of the key, which may be MAX_AGE_MS old: for what happens too often, or must
 * work too surely, to wait for D1.
 */
export function forSecretKeyNear(scope: Scope, ...more: MiddlewareHandler[]) {
  return {
    security: [{ secretKey: [scope] }],
    middleware: [secretKeyBy(findCopy, scope), ...more],
  };
}

/**
 * A secret key that has the scope, or a publishable one from a page that it lists. A page's key is
 * known by a copy: many pages may come at once.
 */
export function forPages(scope: Scope, ...more: MiddlewareHandler[]) {
  const find: FindKey = (c, key) => (isPublishable(key) ? findCopy : findInD1)(c, key);
  return {
    security: [{ secretKey: [scope] }, { publishableKey: [] }],
    middleware: [anyKeyBy(find, scope), ...more],
  };
}

/** The same, and the secret key by a copy, too. */
export function forPagesNear(scope: Scope, ...more: MiddlewareHandler[]) {
  return {
    security: [{ secretKey: [scope] }, { publishableKey: [], userToken: [] }],
    middleware: [anyKeyBy(findCopy, scope), ...more],
  };
}

/**
 * The bearer credential, or 401. Two Authorization headers arrive joined by a comma and match
 * nothing.
 */
export function bearer(c: Context<HttpEnv>): string {
  const token = /^Bearer +([^\s,]+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
  if (token === undefined) throw new ProblemError("unauthenticated");
  return token;
}

/** What the caller alone has: the bearer credential, or a session of the console. */
export function credentialOf(c: Context<HttpEnv>): string {
  return sessionTokenOf(c) ?? bearer(c);
}

/** Who calls: the id of a brand's key, or `operator`. */
export function callerOf(c: Context<HttpEnv>): string {
  // Set by a brand's key only.
  return (c.get("key") as ApiKeyRow | undefined)?.id ?? "operator";
}

/** Compares in constant time; hashing first makes the lengths equal. A brand's key is none. */
async function isOperatorToken(env: Env, token: string): Promise<boolean> {
  if (!env.OPERATOR_TOKEN || isWellFormedApiKey(token)) return false;
  return crypto.subtle.timingSafeEqual(await sha256(token), await sha256(env.OPERATOR_TOKEN));
}

type FindKey = (c: Context<HttpEnv>, key: string) => Promise<OwnedKey | null>;

const findInD1: FindKey = (c, key) => findKey(c.env.DB, key);
const findCopy: FindKey = (c, key) => findKeyNear(near(c), key);

const operatorToken = createMiddleware<HttpEnv>(async function operatorToken(c, next) {
  const token = bearer(c);
  if (await isOperatorToken(c.env, token)) return next();
  await requireKey(c, token, findInD1);
  throw new ProblemError("forbidden", { detail: "This call takes the operator token." });
});

/** Lets a brand's secret key in, as `find` knows it, and says whose it is. */
function secretKeyBy(find: FindKey, scope: Scope): MiddlewareHandler<HttpEnv> {
  return async function secretKey(c, next) {
    const owned = await requireBrandKey(c, find);
    if (owned.key.kind === "publishable") {
      throw new ProblemError("forbidden", { detail: "This call takes a secret key." });
    }
    requireServer(c, owned, scope);
    return next();
  };
}

/** Lets in a secret key, or a publishable one from a page that it lists. */
function anyKeyBy(find: FindKey, scope: Scope): MiddlewareHandler<HttpEnv> {
  return async function anyKey(c, next) {
    const owned = await requireBrandKey(c, find);
    if (owned.key.kind === "publishable") requirePage(c, owned);
    else requireServer(c, owned, scope);
    return next();
  };
}

/** A session of the console is as good as the key that it was got with. */
async function requireBrandKey(c: Context<HttpEnv>, find: FindKey): Promise<OwnedKey> {
  if (sessionTokenOf(c) !== null) return requireSession(c);
  const token = bearer(c);
  if (await isOperatorToken(c.env, token)) {
    throw new ProblemError("forbidden", { detail: "This call takes a brand's key." });
  }
  return requireActive(await requireKey(c, token, find));
}

function requireActive<Owned extends OwnedKey>(owned: Owned): Owned {
  if (owned.brand.status === "suspended") throw new ProblemError("brand-suspended");
  return owned;
}

/** The key and its brand, if the text is a secret key that counts, whatever its scopes. */
export async function requireSecretKey(c: Context<HttpEnv>, text: string): Promise<OwnedKey> {
  const owned = requireActive(await requireKey(c, text, findInD1));
  if (owned.key.kind === "publishable") throw new ProblemError("unauthenticated");
  return owned;
}

/** The session that the call brings, or 401. */
export async function requireSession(c: Context<HttpEnv>): Promise<Session> {
  const token = sessionTokenOf(c);
  const found = token === null ? null : await findSession(c.env.DB, token);
  return requireActive(await requireCounting(c, found));
}

function requireServer(c: Context<HttpEnv>, { key, brand }: OwnedKey, scope: Scope): void {
  if (sessionTokenOf(c) === null && c.req.header("Origin") !== undefined) {
    throw new ProblemError("secret-key-in-browser");
  }
  if (!allows(key.scopes, scope)) {
    throw new ProblemError("insufficient-scope", { detail: `The key needs the scope ${scope}.` });
  }
  c.set("brand", brand);
  c.set("key", key);
  c.set("scope", { brandId: brand.id, mode: key.mode === "test" ? "test" : null });
}

/** A page sees what has the mode of its key, nothing else. */
function requirePage(c: Context<HttpEnv>, { key, brand }: OwnedKey): void {
  const origin = c.req.header("Origin");
  if (origin === undefined || !key.allowedOrigins.includes(origin)) {
    throw new ProblemError("origin-not-allowed");
  }
  c.set("brand", brand);
  c.set("key", key);
  c.set("scope", { brandId: brand.id, mode: key.mode });
}

/** The key's row, or the one 401 for every key that does not count. */
async function requireKey(c: Context<HttpEnv>, token: string, find: FindKey): Promise<OwnedKey> {
  const found = isWellFormedApiKey(token) ? await find(c, token) : null;
  if (isWellFormedApiKey(token) && !counts(found)) await brakeWrongKey(c);
  return requireCounting(c, found);
}

function counts(found: OwnedKey | null): found is OwnedKey {
  if (found === null || found.key.revokedAt !== null) return false;
  return found.key.expiresAt === null || found.key.expiresAt > Date.now();
}

async function requireCounting<Owned extends OwnedKey>(
  c: Context<HttpEnv>,
  found: Owned | null,
): Promise<Owned> {
  if (!counts(found)) throw new ProblemError("unauthenticated");
  // First, so that one address cannot use up what a page's key, which is public, is good for.
  if (found.key.kind === "publishable") await brakeAddress(c);
  await brakeKey(c, found.key.id);
  noteUse(near(c), found.key, Date.now());
  return found;
}
