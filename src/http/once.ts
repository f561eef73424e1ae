/**
 * POSTs that are done once for each Idempotency-Key, and answered alike however often they come.
 *
 * The record of the answer is written in the transaction of what the request does (change.ts), so
 * neither is there without the other. What is answered later (a batch, an import) has a record that
 * names it until then, and a request that was cut short is answered from what it made. The same
 * request at the same moment meets the record's primary key, does nothing, and gets the first one's
 * answer. A refusal does nothing, so its record is written after it; 401, 403, 429, 5xx and what a
 * schema refuses are not kept: another try may go better.
 */

import type { Context, MiddlewareHandler } from "hono";
import { sha256 } from "../db/api-keys.ts";
import { repeated } from "../db/database.ts";
import {
  addRecord,
  findRecord,
  settleRecord,
  type IdempotencyRecord,
  type NewRecord,
  type Settlement,
} from "../db/idempotency-records.ts";
import { callerOf, credentialOf } from "./auth.ts";
import type { HttpEnv } from "./http-env.ts";
import { canonical, findIdempotencyKey } from "./idempotency.ts";
import { ProblemError, problems, type ProblemSlug } from "./problems.ts";
import { Seal } from "./sealed-answer.ts";

/** An answer that is known before it is given. */
export interface Answer {
  status: 200 | 201 | 202;
  location: string | null;
  /** What becomes JSON. */
  body: unknown;
  /** Of the request's body, where it was read as it arrived. */
  digest?: string | undefined;
}

/** What is kept of an answer, sealed. */
interface Kept {
  location: string | null;
  /** The body, byte by byte. */
  text: string;
  digest?: string | undefined;
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

/** What has become of what the first request began. */
export type Resumed =
  | { kind: "answered"; answer: Answer }
  | { kind: "under-way" }
  /** No answer will come: the request is made anew, in its place. */
  | { kind: "broken-off" };

/** How a route is repeated whose answer is not known when what it makes is written. */
export interface Slow {
  resume: (c: Context<HttpEnv>, target: string, begunAt: number) => Promise<Resumed>;
  /** What tells whether a body that is read as it arrives is the same; the body is used up. */
  digest?: (c: Context<HttpEnv>) => Promise<string>;
}

/** One request with an Idempotency-Key. */
export class Once {
  readonly #db: D1Database;
  readonly #seal: Seal;
  readonly #scopeHash: string;
  readonly #fingerprint: string;
  /** What an earlier try made that broke off. */
  #replaces: string | null = null;

  private constructor(db: D1Database, seal: Seal, scopeHash: string, fingerprint: string) {
    this.#db = db;
    this.#seal = seal;
    this.#scopeHash = scopeHash;
    this.#fingerprint = fingerprint;
  }

  static async of(c: Context<HttpEnv>, idempotencyKey: string, asked: string): Promise<Once> {
    const { pathname } = new URL(c.req.url);
    const scope = JSON.stringify([callerOf(c), c.req.method, pathname, idempotencyKey]);
    const seal = await Seal.of(credentialOf(c), idempotencyKey);
    const scopeHash = (await sha256(scope)).toHex();
    return new Once(c.env.DB, seal, scopeHash, await seal.fingerprint(asked));
  }

  /** The record to be written with what makes `target`. */
  async newRecord(target: string, answer: Answer | null): Promise<NewRecord> {
    const row =
      answer === null
        ? this.#row({ target, status: null, answer: null })
        : this.#row({ target: null, status: answer.status, answer: await this.#sealed(answer) });
    return { row, replaces: this.#replaces };
  }

  /** What is to be written when the answer of `target` is known. */
  async settlement(target: string, answer: Answer): Promise<Settlement> {
    const { status } = answer;
    return { scopeHash: this.#scopeHash, target, status, answer: await this.#sealed(answer) };
  }

  /** Keeps a refusal; false when the same request was answered meanwhile. */
  async keep(refusal: Response): Promise<boolean> {
    const { status } = refusal;
    const answer = await this.#close({ location: null, text: await refusal.clone().text() });
    return addRecord(this.#db, this.#row({ target: null, status, answer }));
  }

  #row(fields: Pick<IdempotencyRecord, "target" | "status" | "answer">): IdempotencyRecord {
    const [scopeHash, fingerprint] = [this.#scopeHash, this.#fingerprint];
    return { scopeHash, fingerprint, ...fields, madeAt: Date.now() };
  }

  #sealed({ location, body, digest }: Answer): Promise<string> {
    return this.#close({ location, text: JSON.stringify(body), digest });
  }

  #close(kept: Kept): Promise<string> {
    return this.#seal.close(JSON.stringify(kept), this.#scopeHash);
  }

  /** The answer that the same request got, or null when it is to be made. */
  async replay(c: Context<HttpEnv>, slow: Slow | null): Promise<Response | null> {
    for (;;) {
      const record = await findRecord(this.#db, this.#scopeHash);
      if (record === null) return null;
      if (record.fingerprint !== this.#fingerprint)
        throw new ProblemError("idempotency-key-reused");
      if (record.answer !== null && record.status !== null) {
        const opened = await this.#seal.open(record.answer, this.#scopeHash);
        const kept = JSON.parse(opened) as Kept;
        await requireSame(c, kept, slow);
        return replayed(c, record.status, kept);
      }
      if (slow === null || record.target === null) throw new TwinError();
      const resumed = await slow.resume(c, record.target, record.madeAt);
      if (resumed.kind === "under-way") throw new TwinError();
      if (resumed.kind === "broken-off") {
        this.#replaces = record.target;
        return null;
      }
      // Somebody else may do so at the same moment: what is written then is the answer.
      await settleRecord(this.#db, await this.settlement(record.target, resumed.answer));
    }
  }
}

/** Refuses another body than was answered, where it was read as it arrived. */
async function requireSame(c: Context<HttpEnv>, { digest }: Kept, slow: Slow | null) {
  if (digest === undefined || slow?.digest === undefined) return;
  // It was read already, for nothing: the next try can be held against the answer.
  if (c.req.raw.bodyUsed) throw new TwinError();
  if ((await slow.digest(c)) !== digest) throw new ProblemError("idempotency-key-reused");
}

/** Writes down what `target` is answered. Throws when the same request was answered otherwise. */
export async function settle(c: Context<HttpEnv>, target: string, answer: Answer): Promise<void> {
  const settlement = await c.get("once")?.settlement(target, answer);
  if (settlement === undefined) return;
  if (!(await repeated(() => settleRecord(c.env.DB, settlement)))) throw new TwinError();
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
export const once = onceOver(null);

/** The same for a route that is answered later than it writes. */
export function onceOver(slow: Slow | null): MiddlewareHandler<HttpEnv> {
  return async function onlyOnce(c, next) {
    const key = findIdempotencyKey(c);
    if (key === null) return next();
    const type = c.req.header("Content-Type") ?? "";
    const isFile = slow?.digest !== undefined;
    // What does not say that it is JSON is refused, whatever came before under its key.
    if (!isFile && type !== "application/json") return next();
    const body = isFile ? type : await c.req.text();
    const mine = await Once.of(c, key, askedText(body, new URL(c.req.url)));
    const before = await mine.replay(c, slow);
    if (before !== null) return before;
    c.set("once", mine);
    await next();
    const first = await firstAnswer(c, mine, slow);
    if (first === null) return;
    // Assigned twice, or else the headers of the answer that it takes the place of were kept.
    c.res = undefined;
    c.res = first;
  };
}

/** The answer to give instead of this one, where the same request came first. */
async function firstAnswer(
  c: Context<HttpEnv>,
  mine: Once,
  slow: Slow | null,
): Promise<Response | null> {
  if (c.error instanceof TwinError) return mine.replay(c, slow);
  if (!isKept(c.error) || (await mine.keep(c.res))) return null;
  return mine.replay(c, slow).catch((error: unknown) => {
    // It stands for what this request itself began and then refused.
    if (error instanceof TwinError) return null;
    throw error;
  });
}

function isKept(error: Error | undefined): boolean {
  if (!(error instanceof ProblemError) || NOT_KEPT.has(error.slug)) return false;
  return KEPT_STATUSES.has(problems[error.slug].status);
}

/** What a request asks for: alike for bodies that mean the same, whatever the order of fields. */
function askedText(body: string, { searchParams }: URL): string {
  return JSON.stringify([understood(body), [...searchParams].toSorted(byName)]);
}

function understood(body: string): string {
  try {
    return canonical(JSON.parse(body));
  } catch {
    // No JSON, or too deep: the validators refuse it.
    return body;
  }
}

function byName([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : 1;
}
