/** What becomes of an attempt that brought no answer, or another than was asked for. */

import { CodedropConnectionError, CodedropError, type FieldError, type Problem } from "./errors.ts";
import type { Deadline } from "./time.ts";

/** Failures before the first byte was sent, in Node's words. Browsers and Workers tell no cause. */
const NEVER_LEFT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Seconds or a date (RFC 9110 §10.2.3), in milliseconds from now. */
export function retryAfterMsOf(response: Response): number {
  const header = response.headers.get("Retry-After") ?? "";
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return ms > 0 ? ms : 0;
}

/** What a refusal says of itself, or what can be said of it. */
export async function refusal(response: Response): Promise<CodedropError> {
  try {
    const body = JSON.parse(await response.text()) as Partial<Problem> | null;
    if (typeof body?.type === "string" && typeof body.title === "string") {
      const { type, title, detail, request_id: id, errors, ...rest } = body;
      return new CodedropError({
        ...rest,
        type,
        title,
        status: response.status,
        detail: typeof detail === "string" ? detail : "",
        request_id: typeof id === "string" ? id : requestIdOf(response),
        // Others write problems, too, and theirs have other errors.
        ...(Array.isArray(errors) ? { errors: errors.filter(isFieldError) } : {}),
      });
    }
  } catch (error) {
    // Not JSON: a proxy's page, or no Codedrop. A connection that was lost is told as such.
    if (!(error instanceof SyntaxError)) throw error;
  }
  return unexpected(response);
}

function isFieldError(value: unknown): value is FieldError {
  if (typeof value !== "object" || value === null) return false;
  const { pointer, detail } = value as Partial<FieldError>;
  return typeof pointer === "string" && typeof detail === "string";
}

export function unexpected(response: Response): CodedropError {
  const target = response.headers.get("Location");
  const type = response.headers.get("Content-Type") ?? "nothing";
  return new CodedropError({
    type: "unexpected-answer",
    title: "The answer is not one that Codedrop gives",
    status: response.status,
    detail:
      target === null
        ? `It has the status ${response.status} and is ${type}. Does the address lead to Codedrop?`
        : `It leads to ${target}. Does the address begin as that one does?`,
    request_id: requestIdOf(response),
  });
}

function requestIdOf(response: Response): string {
  return response.headers.get("X-Request-Id") ?? "";
}

/** The `code` of an error of Node's, or of the error behind it. */
function codeOf(error: unknown): string | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string") return at.code;
  }
  return null;
}

function innermost(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : innermost(error.cause);
}

export function unreachable(base: string, cause: unknown): CodedropConnectionError {
  const code = codeOf(cause);
  const mayHaveArrived = code === null || !NEVER_LEFT.has(code);
  const message = `No answer from ${base} (${code ?? innermost(cause)}).`;
  return new CodedropConnectionError("unreachable", message, { mayHaveArrived, cause });
}

export function timedOut(timeoutMs: number): CodedropConnectionError {
  const message = `No answer within ${timeoutMs / 1_000} s.`;
  return new CodedropConnectionError("timeout", message, { mayHaveArrived: true });
}

export function cut(cause: unknown): CodedropConnectionError {
  const message = "The connection was lost in the middle of the answer.";
  return new CodedropConnectionError("cut", message, { mayHaveArrived: true, cause });
}

/** `body` with a time limit between its bytes, and its failures as ours. */
export function withoutSilence(
  body: ReadableStream<Uint8Array>,
  deadline: Deadline,
  timeoutMs: number,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        deadline.restart(timeoutMs);
        try {
          const chunk = await reader.read();
          if (!chunk.done) return controller.enqueue(chunk.value);
          deadline.end();
          controller.close();
        } catch (error) {
          deadline.end();
          // The caller's own reason stays as it is.
          const own = deadline.signal.aborted && !deadline.timedOut;
          if (own) controller.error(error);
          else controller.error(deadline.timedOut ? timedOut(timeoutMs) : cut(error));
        } finally {
          deadline.pause();
        }
      },
      async cancel(reason) {
        deadline.end();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** Whether another attempt can do no harm. */
export function isSafe(
  isRepeatable: boolean,
  error: CodedropError | CodedropConnectionError,
): boolean {
  if (error instanceof CodedropConnectionError) return isRepeatable || !error.mayHaveArrived;
  if (error.status === 429) return true;
  // An attempt whose answer was lost is still being worked on, and will be answered again.
  const isOnItsWay = error.slug === "request-in-progress";
  return isRepeatable && (isOnItsWay || [502, 503, 504].includes(error.status));
}

/** The last attempt's failure, with what is true of all of them. */
export function overall(
  last: CodedropConnectionError,
  mayHaveArrived: boolean,
): CodedropConnectionError {
  if (last.mayHaveArrived === mayHaveArrived) return last;
  const { reason, message, cause } = last;
  return new CodedropConnectionError(reason, message, { mayHaveArrived, cause });
}
