/**
 * How much one caller may ask for. All but USER are counted by the platform, in each of its
 * locations, roughly (KEY only past KEY_UNASKED), and fail open: they are brakes on whoever drains,
 * guesses or floods, not the rules of a claim. Their numbers are in wrangler.toml, too.
 */

import type { Context } from "hono";
import { networkOf } from "../domain/address.ts";
import type { HttpEnv } from "./http-env.ts";
import { ProblemError } from "./problems.ts";

export interface Policy {
  /** As RateLimit-Policy names it. */
  name: string;
  /** Calls in a window. */
  quota: number;
  windowSeconds: number;
}

/** Twice what the largest campaign is planned to carry, from one location; a loop that ran wild. */
export const KEY = { name: "key", quota: 600_000, windowSeconds: 60 };
/**
 * Calls of one key in a window that an isolate lets by, counting them itself, before it asks the
 * platform for each. Asking costs a call to somebody else, a loop that ran wild is in one isolate
 * or few, and below this no isolate has seen one. What it costs: calls that many isolates of a
 * location share, each with less than this, are not braked, and those let by are not counted.
 */
export const KEY_UNASKED = KEY.quota / 10;
/**
 * Calls of pages from one address, or one /64 of IPv6: an office or a mobile carrier behind one
 * address still gets 20 a second.
 */
export const ADDRESS = { name: "address", quota: 1_200, windowSeconds: 60 };
/**
 * Claims and reveals that a page asks for, for one user. Counted exactly, by the user's pool; more
 * than a person can click, and a page that repeats without end is stopped.
 */
export const USER = { name: "user", quota: 60, windowSeconds: 60 };
/**
 * Keys from one address that look right and are not: whoever tries keys is told to stop. Each costs
 * a look-up all the same, since a right one must be found.
 */
export const WRONG_KEY = { name: "wrong-key", quota: 200, windowSeconds: 60 };
/**
 * Codes that are none, by one key, where the shop does not say who types. It tells the shop that
 * somebody guesses; only USER_WRONG_CODE can stop them without closing the checkout.
 */
export const WRONG_CODE = { name: "wrong-code", quota: 600, windowSeconds: 60 };
/** And by one user, where the shop says who types. */
export const USER_WRONG_CODE = { name: "user-wrong-code", quota: 20, windowSeconds: 60 };

/** Parts of an address that one household or server has. */
const HOME = { v4Bits: 32, v6Bits: 64 };

/** The caller's network as the platform saw it; no header that a caller can send counts. */
function callerNetwork(c: Context<HttpEnv>): string | null {
  return networkOf(c.req.header("CF-Connecting-IP") ?? "", HOME);
}

/** Counts a call with the key; 429 when there were too many. */
export async function brakeKey(c: Context<HttpEnv>, keyId: string): Promise<void> {
  if (isManyHere(keyId, Date.now())) await brake(c.env.KEY_BRAKE, keyId, KEY);
}

/** Calls of this isolate in this window, by key; forgotten with the window, or when many. */
const callsHere = new Map<string, number>();
const CALLERS_MAX = 10_000;
let windowHere = 0;

/** Counts a call with the key in this isolate; whether there were more than KEY_UNASKED. */
export function isManyHere(keyId: string, now: number): boolean {
  const window = Math.floor(now / (KEY.windowSeconds * 1000));
  const calls = (window === windowHere ? (callsHere.get(keyId) ?? 0) : 0) + 1;
  if (window !== windowHere || callsHere.size >= CALLERS_MAX) callsHere.clear();
  windowHere = window;
  callsHere.set(keyId, calls);
  return calls > KEY_UNASKED;
}

/** Counts a page's call; 429 when too many came from its address. */
export async function brakeAddress(c: Context<HttpEnv>): Promise<void> {
  const network = callerNetwork(c);
  if (network !== null) await brake(c.env.ADDRESS_BRAKE, network, ADDRESS);
}

/**
 * Counts a key that is none; 429 when too many came from the address. Right keys from there are
 * never held up: many callers can share an address.
 */
export async function brakeWrongKey(c: Context<HttpEnv>): Promise<void> {
  const network = callerNetwork(c);
  if (network !== null) await brake(c.env.WRONG_KEY_BRAKE, network, WRONG_KEY);
}

/** Users who typed too many wrong codes, and until when. Of this isolate; forgotten when many. */
const backedOff = new Map<string, number>();
const BACKED_OFF_MAX = 10_000;

/**
 * 429 while each of the users has just typed too many wrong codes: the next one may be right by
 * chance. Null, of whom nobody says who it is, never has.
 */
export function requireNotBackedOff(c: Context<HttpEnv>, userIds: Iterable<string | null>): void {
  const now = Date.now();
  const rests = Array.from(userIds, (id) =>
    id === null ? 0 : (backedOff.get(guesserOf(c, id)) ?? 0) - now,
  );
  const restMs = Math.min(...rests);
  if (restMs > 0) throw limited(USER_WRONG_CODE, Math.ceil(restMs / 1000));
}

/**
 * Counts a code that is none; 429 when there were too many, of the user or with the key. Right
 * codes of others are still served: one guesser must not close a shop's checkout.
 */
export async function brakeWrongCode(c: Context<HttpEnv>, userId: string | null): Promise<void> {
  if (userId !== null) {
    const guesser = guesserOf(c, userId);
    try {
      await brake(c.env.USER_WRONG_CODE_BRAKE, guesser, USER_WRONG_CODE);
    } catch (error) {
      if (backedOff.size >= BACKED_OFF_MAX) backedOff.clear();
      backedOff.set(guesser, Date.now() + USER_WRONG_CODE.windowSeconds * 1000);
      throw error;
    }
  }
  await brake(c.env.WRONG_CODE_BRAKE, c.var.key.id, WRONG_CODE);
}

function guesserOf(c: Context<HttpEnv>, userId: string): string {
  return `${c.var.brand.id} ${userId}`;
}

async function brake(limiter: RateLimit, key: string, policy: Policy): Promise<void> {
  // A brake that fails is no reason to stand still.
  const { success } = await limiter.limit({ key }).catch(() => ({ success: true }));
  if (!success) throw limited(policy, policy.windowSeconds);
}

/** 429, with what was exceeded (draft-ietf-httpapi-ratelimit-headers-11). */
export function limited(policy: Policy, retryAfterSeconds: number): ProblemError {
  return new ProblemError("rate-limited", {
    headers: {
      "Retry-After": String(retryAfterSeconds),
      ...rateLimitHeaders(policy, 0, retryAfterSeconds),
    },
  });
}

/** What is left of a quota, and the seconds until it is whole again. */
export function rateLimitHeaders(
  { name, quota, windowSeconds }: Policy,
  remaining: number,
  resetSeconds: number,
): Record<string, string> {
  return {
    "RateLimit-Policy": `"${name}";q=${quota};w=${windowSeconds}`,
    RateLimit: `"${name}";r=${remaining};t=${resetSeconds}`,
  };
}
