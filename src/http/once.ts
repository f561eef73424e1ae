/**
 * POSTs that are done once for each Idempotency-Key, and answered alike however often they come.
 *
 * The record of the answer is written in the transaction of what the request does (change.ts), so
 * neither is there without the other. The same request at the same moment meets the record's
 * primary key, does nothing, and gets the first one's answer. A refusal does nothing, so its record
 * is written after it; 401, 403, 429, 5xx and what a schema refuses are not kept: another try may
 * go better.
 */

import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { sha256 } from "../db/api-keys.ts";
import { addRecord, findRecord, type IdempotencyRecord } from "../db/idempotency-records.ts";
import { bearer, callerOf } from "./auth.ts";
import type { HttpEnv } from "./http-env.ts";
import { canonical, findIdempotencyKey } from "./idempotency.ts";
import { ProblemError, problems, type ProblemSlug } from "./problems.ts";
import { Seal } from "./sealed-answer.ts";

/** An answer that is known before it is given. */
export interface Answer {
  status: 201 | 202;
  location: string;
  /** What becomes JSON. */
  body: unknown;
}

/** What is kept of an answer, sealed. */
interface Kept {
  location: string | null;
  /** The body, byte by byte. */
  text: string;
}

/** What a route that takes an Idempotency-Key may answer besides. */
export const ONCE_PROBLEMS = [
  "invalid-idempotency-key",
  "idempotency-key-reused",
  "request-in-progress",
] as const;

const KEPT_STATUSES = new Set<number>([404, 409, 422]);
/** Those of them that say nothing of what was asked, or are no handler's. */
const NOT_KEPT = new Set<ProblemSlug>([
  "validation-failed",
  "changed-since",
  "request-in-progress",
  "idempotency-key-reused",
]);

/** The same request is being answered: it gets that answer as soon as there is one. */
export class TwinError extends ProblemError {
  constructor() {
    super("request-in-progress", { headers: { "Retry-After": "1" } });
  }
}

/** One request with an Idempotency-Key. */
export class Once {
  readonly #db: D1Database;
  readonly #seal: Seal;
  readonly #scopeHash: string;
  readonly #fingerprint: string;

  private constructor(db: D1Database, seal: Seal, scopeHash: string, fingerprint: string) {
    this.#db = db;
    this.#seal = seal;
    this.#scopeHash = scopeHash;
    this.#fingerprint = fingerprint;
  }

  static async of(c: Context<HttpEnv>, idempotencyKey: string, asked: string): Promise<Once> {
    const { pathname } = new URL(c.req.url);
    const scope = JSON.stringify([callerOf(c), c.req.method, pathname, idempotencyKey]);
    const seal = await Seal.of(bearer(c), idempotencyKey);
    const scopeHash = (await sha256(scope)).toHex();
    return new Once(c.env.DB, seal, scopeHash, await seal.fingerprint(asked));
  }

  /** The record to be written with what makes `target`. */
  async record(target: string, answer: Answer | null): Promise<IdempotencyRecord> {
    if (answer === null) return this.#record(target, null, null);
    const { status, location, body } = answer;
    return this.#record(null, status, { location, text: JSON.stringify(body) });
  }

  /** Keeps a refusal; false when the same request was answered meanwhile. */
  async keep(refusal: Response): Promise<boolean> {
    const text = await refusal.clone().text();
    return addRecord(this.#db, await this.#record(null, refusal.status, { location: null, text }));
  }

  async #record(target: string | null, status: number | null, kept: Kept | null) {
    const answer = kept && (await this.#seal.close(JSON.stringify(kept), this.#scopeHash));
    return {
      scopeHash: this.#scopeHash,
      fingerprint: this.#fingerprint,
      target,
      status,
      answer,
      madeAt: Date.now(),
    };
  }

  /** The answer that the same request got, or null when it was never made. */
  async replay(c: Context<HttpEnv>): Promise<Response | null> {
    const record = await findRecord(this.#db, this.#scopeHash);
    if (record === null) return null;
    if (record.fingerprint !== this.#fingerprint) throw new ProblemError("idempotency-key-reused");
    if (record.answer === null || record.status === null) throw new TwinError();
    const opened = await this.#seal.open(record.answer, this.#scopeHash);
    return replayed(c, record.status, JSON.parse(opened) as Kept);
  }
}

/** With the headers that every answer of this request has. */
function replayed(c: Context<HttpEnv>, status: number, { location, text }: Kept): Response {
  const headers = new Headers(c.res.headers);
  headers.delete("Retry-After");
  const type = status < 400 ? "application/json" : "application/problem+json";
  headers.set("Content-Type", type);
  headers.set("Idempotent-Replayed", "true");
  if (location !== null) headers.set("Location", location);
  return new Response(text, { status, headers });
}

/** For routes that create: after the middleware that says who calls and reads the body. */
export const once = createMiddleware<HttpEnv>(async function once(c, next) {
  const key = findIdempotencyKey(c);
  if (key === null) return next();
  const mine = await Once.of(c, key, askedText(await c.req.text(), new URL(c.req.url)));
  const before = await mine.replay(c);
  if (before !== null) return before;
  c.set("once", mine);
  await next();
  const isTwin = c.error instanceof TwinError || (isKept(c.error) && !(await mine.keep(c.res)));
  if (!isTwin) return;
  const first = await mine.replay(c);
  if (first === null) return;
  // Assigned twice, or else the headers of the answer that it takes the place of were kept.
  c.res = undefined;
  c.res = first;
});

function isKept(error: Error | undefined): boolean {
  if (!(error instanceof ProblemError) || NOT_KEPT.has(error.slug)) return false;
  return KEPT_STATUSES.has(problems[error.slug].status);
}

/** What a request asks for: alike for bodies that mean the same, whatever the order of fields. */
function askedText(body: string, { searchParams }: URL): string {
  const query = [...searchParams].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([understood(body), query]);
}

function understood(body: string): string {
  try {
    return canonical(JSON.parse(body));
  } catch {
    // No JSON, or too deep: the validators refuse it.
    return body;
  }
}
