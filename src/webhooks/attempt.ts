/** One POST of an event to its receiver, broken or hostile: bounded in time and bytes. */

import { answered, NoAnswerError } from "../db/database.ts";
import type { WebhookSecret } from "../db/schema.ts";
import type { Attempt, AttemptError } from "../domain/delivery.ts";
import { parseRetryAfter } from "../domain/retry-schedule.ts";
import { refusedTarget } from "../domain/target.ts";
import { signatureHeader } from "./signature.ts";

/** For all of it, reading included. Standard Webhooks suggests 15 to 30 seconds. */
const TIMEOUT_MS = 15_000;
/** Of the answer's body so much is read; the rest is cancelled, however much it would be. */
const READ_BYTES_MAX = 1_024;
/** Of that so much is kept: a receiver's error message begins with what matters. */
export const ANSWER_CHARS_MAX = 256;
/** Answers that may say when to come again. */
const ASKS_TO_WAIT: ReadonlySet<number> = new Set([429, 503]);

export interface Call {
  url: string;
  secrets: readonly WebhookSecret[];
  eventId: string;
  body: string;
  /** What of it may not be kept, where the answer repeats it. */
  hidden: readonly string[];
}

export interface Outcome {
  attempt: Attempt;
  /** What the receiver asked for, where it may ask. */
  retryAfterMs: number | null;
}

/** Whether the receiver took the event. Only the status counts, not what follows it. */
export function isTaken({ status }: Attempt): boolean {
  return status !== null && status >= 200 && status < 300;
}

interface Seen {
  response: Response | null;
  text: string;
}

async function post(call: Call, at: number, seen: Seen, signal: AbortSignal): Promise<void> {
  const { url, secrets, eventId: id, body } = call;
  const timestamp = Math.floor(at / 1_000);
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "User-Agent": "Codedrop-Webhooks",
      "webhook-id": id,
      "webhook-timestamp": String(timestamp),
      "webhook-signature": await signatureHeader(secrets, { id, timestamp, body }, at),
    },
    body,
    // Where it leads was judged; where it redirects was not.
    redirect: "manual",
    cache: "no-store",
    signal,
  });
  seen.response = response;
  const decoder = new TextDecoder();
  let left = READ_BYTES_MAX;
  for await (const chunk of response.body ?? []) {
    seen.text += decoder.decode(chunk.subarray(0, left), { stream: true });
    left -= chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (left <= 0) break;
  }
}

/** The text without them, whichever case or escapes they come in. */
function without(hidden: readonly string[], text: string): string {
  const forms = hidden.flatMap((one) => [
    one,
    JSON.stringify(one).slice(1, -1),
    encodeURIComponent(one.toWellFormed()),
  ]);
  // The longest first: one may be the beginning of another.
  const written = forms.filter((form) => form !== "").toSorted((a, b) => b.length - a.length);
  if (written.length === 0) return text;
  return text.replace(new RegExp(written.map((form) => RegExp.escape(form)).join("|"), "giu"), "…");
}

/** Calls the receiver once. Never rejects: whatever it does is the attempt's outcome. */
export async function makeAttempt(
  call: Call,
  { allowsLoopback }: { allowsLoopback: boolean },
): Promise<Outcome> {
  const at = Date.now();
  const seen: Seen = { response: null, text: "" };
  let error: AttemptError | null = null;
  if (refusedTarget(call.url, { allowsLoopback }) !== null) error = "refused-target";
  else {
    const abort = new AbortController();
    try {
      await answered(post(call, at, seen, abort.signal), TIMEOUT_MS);
    } catch (cause) {
      // Once there is a status, what becomes of the body changes nothing.
      if (seen.response === null) error = cause instanceof NoAnswerError ? "timeout" : "connection";
    } finally {
      abort.abort();
    }
  }
  const status = seen.response?.status ?? null;
  if (status !== null && status >= 300 && status < 400) error = "redirect";
  const text = without(call.hidden, seen.text)
    .replace(/\p{Control}/gu, " ")
    .slice(0, ANSWER_CHARS_MAX)
    .toWellFormed();
  const now = Date.now();
  const retryAfterMs =
    status !== null && ASKS_TO_WAIT.has(status)
      ? parseRetryAfter(seen.response?.headers.get("Retry-After") ?? null, now)
      : null;
  const answer = text === "" ? null : text;
  return { attempt: { at, status, error, durationMs: now - at, answer }, retryAfterMs };
}
