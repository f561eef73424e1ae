/** From anything thrown to an RFC 9457 answer that tells nothing it should not. */

import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { PoolOverloadedError } from "../objects/call.ts";
import { NoAnswerError } from "../db/database.ts";
import { ProblemError, problems, type FieldError, type ProblemSlug } from "./problems.ts";
import type { HttpEnv } from "./http-env.ts";

/** Seconds after which to repeat what failed with 503. */
const RETRY_AFTER_SECONDS = "1";

/** What Hono and its validators throw, by status. */
const FOREIGN: Partial<Record<number, ProblemSlug>> = {
  400: "malformed-json",
  413: "payload-too-large",
  415: "unsupported-media-type",
};

export function problemResponse(c: Context<HttpEnv>, error: ProblemError): Response {
  const { status, title } = problems[error.slug];
  const { detail, errors, extra, headers } = error.options;
  if (status === 401) c.header("WWW-Authenticate", "Bearer");
  if (status === 415 && headers?.["Accept"] === undefined) c.header("Accept", "application/json");
  if (status === 503) c.header("Retry-After", RETRY_AFTER_SECONDS);
  for (const [name, value] of Object.entries(headers ?? {})) c.header(name, value);
  c.header("Cache-Control", "no-store");
  c.header("Content-Type", "application/problem+json");
  const body = {
    type: new URL(`/problems/${error.slug}`, c.req.url).href,
    title,
    status,
    detail: detail ?? problems[error.slug].remedy,
    request_id: c.get("requestId"),
    ...(errors === undefined ? {} : { errors }),
    ...extra,
  };
  return c.body(JSON.stringify(body), status as ContentfulStatusCode);
}

/** Hono's onError: refusals as they are, known failures by kind, everything else an opaque 500. */
export function onError(error: Error, c: Context<HttpEnv>): Response {
  if (error instanceof ProblemError) return problemResponse(c, error);
  if (error instanceof PoolOverloadedError)
    return problemResponse(c, new ProblemError("pool-overloaded"));
  if (error instanceof HTTPException) {
    const slug = FOREIGN[error.status];
    if (slug !== undefined) return problemResponse(c, new ProblemError(slug));
  }
  // drizzle's own message holds the statement and its parameters; the cause holds only SQLite's
  // words.
  const cause = error.cause instanceof Error ? error.cause : error;
  const isD1 = cause.message.startsWith("D1_ERROR") || cause instanceof NoAnswerError;
  console.error({
    message: "A request failed",
    request_id: c.get("requestId"),
    route: `${c.req.method} ${c.req.routePath}`,
    error: isD1 ? cause.message : `${cause.name}: ${cause.message}`,
    stack: cause.stack?.split("\n").slice(1, 6).join("\n"),
  });
  return problemResponse(c, new ProblemError(isD1 ? "service-unavailable" : "internal-error"));
}

interface Issue {
  code?: string | undefined;
  path: readonly PropertyKey[];
  message: string;
  keys?: readonly string[] | undefined;
}

/** Places named in one answer; a body with more mistakes is wrong in general. */
export const FIELD_ERRORS_MAX = 50;

function pointer(path: readonly PropertyKey[]): string {
  // RFC 6901: ~ and / are escaped within a key.
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** The validators' hook: what zod found wrong, as 422 with a pointer to each place. */
export function onInvalid(result: {
  success: boolean;
  target: string;
  error?: { issues: readonly Issue[] };
}): void {
  if (result.success) return;
  const place: FieldError["in"] =
    result.target === "json" ? "body" : result.target === "query" ? "query" : "path";
  const errors = (result.error?.issues ?? []).flatMap((issue): FieldError[] =>
    issue.code === "unrecognized_keys"
      ? (issue.keys ?? []).map((key) => ({
          in: place,
          pointer: pointer([...issue.path, key]),
          detail:
            place === "query"
              ? "This parameter is not known here."
              : "This field is not known here.",
        }))
      : [{ in: place, pointer: pointer(issue.path), detail: issue.message }],
  );
  throw new ProblemError("validation-failed", { errors: errors.slice(0, FIELD_ERRORS_MAX) });
}

/** A refusal of one field for a reason that its schema cannot know. */
export function invalidField(at: string, detail: string): ProblemError {
  return new ProblemError("validation-failed", {
    errors: [{ in: "body", pointer: at, detail }],
  });
}
