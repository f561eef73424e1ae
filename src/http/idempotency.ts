import type { Context } from "hono";
import * as z from "zod";
import { ProblemError } from "./problems.ts";

/** Characters of a key, quotes not counted. */
const KEY_MAX = 255;

/** For the reference only: `findIdempotencyKey` reads and judges the header. */
export const IdempotencyHeader = z.object({
  "idempotency-key": z
    .string()
    .optional()
    .meta({
      description: `1–${KEY_MAX} visible ASCII characters, bare or in double quotes. The same request under the same key is done once, and gets the first answer again, for 30 days.`,
    }),
});

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
