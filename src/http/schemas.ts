/** Schemas that several resources share. They validate requests and make the OpenAPI document. */

import * as z from "zod";
import { UNFIT } from "../domain/line.ts";
import { SLUG } from "../domain/slug.ts";
import { problems, type ProblemSlug } from "./problems.ts";

/** Bytes of one JSON body. The largest honest one, metadata in escaped Unicode, is 162 KB. */
export const BODY_BYTES_MAX = 256 * 1024;

/** What of a line a pattern says in every language; UNFIT knows more. */
export const FIT = "^[^\\x00-\\x1f\\x7f]*$";

/** One line of text, `min`–`max` UTF-16 units, without blanks at its ends. */
export function line(max: number, min = 1) {
  return z
    .string()
    .min(min)
    .max(max)
    .refine((text) => !UNFIT.test(text), "Must not contain control characters or broken Unicode.")
    .refine((text) => text.trim() === text, "Must not begin or end with blanks.")
    .meta({ pattern: FIT });
}

export const Slug = z
  .string()
  .regex(SLUG, "Must be 1–63 lower-case letters, digits and inner dashes.")
  .meta({
    description: "Names it in URLs. 1–63 lower-case letters, digits and inner dashes.",
    example: "acme",
  });

// RFC 3339 knows the years 0000–9999. In UTC, whatever the offset, so that the answer is one too.
const TIME_MIN_MS = Date.parse("0001-01-01T00:00:00.000Z");
const TIME_MAX_MS = Date.parse("9999-12-31T23:59:59.999Z");

/** Characters of a time; with more of them it has digits that no clock gives. */
const TIME_LENGTH_MAX = 64;

/** A time in a request; any offset, kept to the millisecond. */
export const Time = z.iso
  .datetime({ offset: true, message: "Must be an RFC 3339 time such as 2026-12-24T18:00:00Z." })
  .max(TIME_LENGTH_MAX)
  .refine((text) => {
    const ms = Date.parse(text);
    return ms >= TIME_MIN_MS && ms <= TIME_MAX_MS;
  }, "There is no such time.")
  .meta({ format: "date-time", example: "2026-12-24T18:00:00.000Z" });

/** A time in an answer: UTC, with milliseconds. */
export const AnsweredTime = z
  .string()
  .meta({ format: "date-time", example: "2026-11-23T15:04:05.678Z" });

export function toWireTime(ms: number): string;
export function toWireTime(ms: number | null): string | null;
export function toWireTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** An id or slug in a path. Anything else is not found rather than invalid. */
export const PathKey = z.string().meta({ description: "The id, or the slug." });
export const PathId = z.string().meta({ description: "The id." });

export const NoQuery = z.strictObject({});

/** Members of code-space-too-small. */
const ROOM = Object.fromEntries(
  Object.entries({
    texts: "Different texts that the format gives.",
    codes: "Of those, codes there are.",
    requested: "Codes asked for.",
    codes_max: "Texts that may be codes.",
  }).map(([name, meaning]) => [
    name,
    z
      .number()
      .optional()
      .meta({ description: `With code-space-too-small. ${meaning}` }),
  ]),
);

export const Problem = z
  .object({
    type: z.string().meta({ example: "http://localhost:8787/problems/not-found" }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    request_id: z.string(),
    errors: z
      .array(
        z.strictObject({
          in: z.enum(["body", "query", "path"]),
          pointer: z.string().meta({ description: "RFC 6901 JSON pointer.", example: "/user/id" }),
          detail: z.string(),
        }),
      )
      .optional(),
    starts_at: AnsweredTime.nullable().optional().meta({ description: "With campaign-not-open." }),
    ...ROOM,
    import_id: z
      .string()
      .optional()
      .meta({ description: "With a file that was not taken whole: the import of its first rows." }),
    reason: z.string().optional().meta({
      description: "With code-… and order-not-eligible: why the code is no good.",
    }),
  })
  .meta({
    id: "Problem",
    description: "RFC 9457. Switch on `type`; `detail` is for people and may change.",
  });

/** A JSON answer. */
export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, headers: headersOf(200), content: { "application/json": { schema } } };
}

/** The JSON answer that something was created. */
export function created<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { ...json(schema, description), headers: headersOf(201) };
}

/** The JSON answer that something is being made. */
export function located<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { ...json(schema, description), headers: headersOf(202) };
}

/** A JSON request body that must be there. */
export function jsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { "application/json": { schema } } } as const;
}

/** Headers that answers of a status carry besides X-Request-Id. */
const HEADERS: Record<number, Record<string, string>> = {
  201: { Location: "Where what was created can be read." },
  202: { Location: "Where what is being made can be read." },
  401: { "WWW-Authenticate": "Bearer." },
  405: { Allow: "The methods that the path supports." },
  429: {
    "Retry-After": "Seconds after which to repeat the request.",
    RateLimit:
      "The limit that was met, what is left of it, and the seconds until it is whole again.",
    "RateLimit-Policy": "The limit that was met, its calls and its window in seconds.",
  },
  503: { "Retry-After": "Seconds after which to repeat the request." },
};

/** Whether what was created was created by an earlier request with the same Idempotency-Key. */
export const REPLAYED = z.literal("true").optional().meta({
  description: "The first answer again: the same Idempotency-Key came before.",
});

export function headersOf(status: number) {
  const named = { "X-Request-Id": "Names this request in our logs.", ...HEADERS[status] };
  const always = Object.fromEntries(
    Object.entries(named).map(([name, description]) => [name, z.string().meta({ description })]),
  );
  const isMade = status === 201 || status === 202;
  return z.object(isMade ? { ...always, "Idempotent-Replayed": REPLAYED } : always);
}

/** Problems of every call, whoever makes it. */
const COMMON_PROBLEMS = [
  "method-not-allowed",
  "validation-failed",
  "internal-error",
  "service-unavailable",
] as const;

/**
 * The problems that a route can answer with, as OpenAPI responses by status. Handlers throw them
 * rather than return them, so to TypeScript this adds no response.
 */
export function problemResponses(...slugs: ProblemSlug[]): object {
  const titles = new Map<number, string[]>();
  for (const slug of new Set<ProblemSlug>([...slugs, ...COMMON_PROBLEMS])) {
    const { status, title } = problems[slug];
    titles.set(status, [...(titles.get(status) ?? []), `\`${slug}\`: ${title}.`]);
  }
  return Object.fromEntries(
    Array.from(titles, ([status, lines]) => [
      status,
      {
        description: lines.join(" "),
        headers: headersOf(status),
        content: { "application/problem+json": { schema: Problem } },
      },
    ]),
  );
}

/** Problems of every call that takes a secret key, and of every call with a body. */
export const KEY_PROBLEMS = [
  "unauthenticated",
  "forbidden",
  "insufficient-scope",
  "secret-key-in-browser",
  "brand-suspended",
  "rate-limited",
] as const;
/** Of every call that takes a publishable key, too. */
export const PAGE_PROBLEMS = [...KEY_PROBLEMS, "origin-not-allowed"] as const;
export const BODY_PROBLEMS = [
  "malformed-json",
  "payload-too-large",
  "unsupported-media-type",
] as const;

export type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The fields that a request did set: null stays, undefined goes. */
export function definedOnly<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
}
