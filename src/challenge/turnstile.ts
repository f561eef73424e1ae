/**
 * Cloudflare Turnstile: whether a person stands behind a page's call.
 * https://developers.cloudflare.com/turnstile/get-started/server-side-validation/
 * May import outbound/. That a token is good for one user only is the pool's own record: the
 * service's word on that has failed before.
 */

import * as z from "zod";
import { fetchText } from "../outbound/fetch-text.ts";

/** A user waits for it. */
const TIMEOUT_MS = 5_000;
/** Its answer has some 300 bytes. */
const BYTES_MAX = 16 * 1024;
/** What the page's widget must say that it is for. */
export const ACTION = "claim";

const Answer = z.object({
  success: z.boolean(),
  hostname: z.string().optional(),
  action: z.string().optional(),
  "error-codes": z.array(z.string()).optional(),
});

export type ChallengeVerdict =
  | { kind: "passed" }
  | { kind: "failed"; reason: "token" | "hostname" | "action" }
  /** The service does not answer, or not as it should, or not to this secret. */
  | { kind: "unavailable" };

/** Errors that are ours or the service's; the token may be good. */
const NOT_THE_TOKEN = new Set([
  "missing-input-secret",
  "invalid-input-secret",
  "bad-request",
  "internal-error",
]);

/**
 * Asks `verifyUrl` about a token, which must have been made on a page of `hostname`. Asked again
 * about the same token it says the same, so that a lost answer can be had again.
 */
export async function verifyTurnstile(
  verifyUrl: string,
  challenge: { secret: string; token: string; hostname: string; attempt: string },
): Promise<ChallengeVerdict> {
  const body = JSON.stringify({
    secret: challenge.secret,
    response: challenge.token,
    idempotency_key: challenge.attempt,
  });
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  const bounds = { timeoutMs: TIMEOUT_MS, bytesMax: BYTES_MAX };
  let answer: z.infer<typeof Answer>;
  try {
    const text = await fetchText(verifyUrl, { method: "POST", headers, body }, bounds);
    answer = Answer.parse(JSON.parse(text));
  } catch (error) {
    console.warn({ message: "The challenge's service did not answer", error: nameOf(error) });
    return { kind: "unavailable" };
  }
  if (!answer.success) {
    const codes = answer["error-codes"] ?? [];
    if (!codes.some((code) => NOT_THE_TOKEN.has(code))) return { kind: "failed", reason: "token" };
    console.error({
      message: "The challenge's service refuses to judge",
      codes: codes.slice(0, 5),
    });
    return { kind: "unavailable" };
  }
  if (answer.hostname !== challenge.hostname) return { kind: "failed", reason: "hostname" };
  return answer.action === ACTION ? { kind: "passed" } : { kind: "failed", reason: "action" };
}

/** What the service answers is not for our logs. */
function nameOf(error: unknown): string {
  return error instanceof z.ZodError || error instanceof SyntaxError
    ? "The answer is not what it should be."
    : String(error);
}
