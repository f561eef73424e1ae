import type { Context } from "hono";
import * as z from "zod";
import type { RequestKey } from "../code-pool/messages.ts";
import { base32 } from "../domain/id.ts";
import { ProblemError } from "./problems.ts";
import { headersOf, REPLAYED } from "./schemas.ts";

/** Characters of a key, quotes not counted. */
const KEY_MAX = 255;

/** For the reference only: `findIdempotencyKey` reads and judges the header. */
export const IdempotencyHeader = z.object({
  "idempotency-key": z
    .string()
    .optional()
    .meta({
      description: `1–${KEY_MAX} visible ASCII characters, bare or in double quotes. For 30 days the same request under the same key is done once, and gets the first answer again; another one is refused.`,
    }),
});

/** A 200 of a call that honours the header: headersOf knows that what is made does. */
export function replayable<Answer extends object>(answer: Answer) {
  return { ...answer, headers: headersOf(200).extend({ "Idempotent-Replayed": REPLAYED }) };
}

/**
 * The request's `Idempotency-Key`, bare or in the draft's quoted form
 * (draft-ietf-httpapi-idempotency-key-header), or null when there is none.
 */
export function findIdempotencyKey(c: Context): string | null {
  const header = c.req.header("Idempotency-Key");
  if (header === undefined) return null;
  const key = /^"(.*)"$/.exec(header)?.[1] ?? header;
  if (key.length < 1 || key.length > KEY_MAX || !/^[\u0021-\u007e]+$/.test(key)) {
    throw new ProblemError("invalid-idempotency-key");
  }
  return key;
}

/**
 * The key that the request may be repeated by, or null. `scope` is within what a key means one
 * request: whose it is, and the call; a secret in it keeps anybody from trying out whose request
 * it was. `body` is the request as it was understood.
 */
export async function findRequestKey(
  c: Context,
  scope: string[],
  body: unknown,
): Promise<RequestKey | null> {
  const key = findIdempotencyKey(c);
  if (key === null) return null;
  const [hash, fingerprint] = await Promise.all([
    hashOf(JSON.stringify([...scope, key])),
    hashOf(JSON.stringify([...scope, canonical(body)])),
  ]);
  return { hash, fingerprint };
}

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return base32(new Uint8Array(digest));
}

/** JSON whose fields come in one order, however they were sent. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, field: unknown) =>
    typeof field === "object" && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );
}

/** Marks the answer when it was given before. */
export function markReplay(c: Context, isReplay: boolean): void {
  if (isReplay) c.header("Idempotent-Replayed", "true");
}
