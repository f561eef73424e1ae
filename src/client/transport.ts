/**
 * How calls reach the service, and when one is made again by itself:
 *
 * - 429: always. The service had not begun.
 * - 502, 503, 504, a lost connection or a time-out: when doing it twice comes to the same as doing
 *   it once. That holds for reads, changes, revocations, holds and redemptions (the same order),
 *   and for all that creates something: each call carries an Idempotency-Key of its own, under
 *   which the service does it once, and answers every further attempt as the first. It does not
 *   hold for a shared secret, of which each call makes a new one.
 * - 409 request-in-progress: such a further attempt came while the first was still under way.
 * - No connection at all, for every call: it surely never left.
 *
 * Never a body that was given as a stream, which is gone. Waits double, with jitter; Retry-After is
 * honoured, and when it asks for more than RETRY_AFTER_MAX_MS the caller is told instead.
 */

import type { CodedropConnectionError } from "./errors.ts";
import { CodedropError } from "./errors.ts";
import {
  cut,
  isSafe,
  overall,
  refusal,
  retryAfterMsOf,
  timedOut,
  unexpected,
  unreachable,
  withoutSilence,
} from "./failures.ts";
import { Export, List, type ExportFormat } from "./lists.ts";
import { base, credential, type ClientOptions } from "./options.ts";
import { Deadline, sleep } from "./time.ts";
import type { Page, Paging } from "./types.ts";
import { uploadBody, type Upload, type UploadBody } from "./upload.ts";
import { asUser, type UserToken } from "./user-token.ts";

/** With the waits below about 4 s in all: an overload is often over, and a person still waits. */
const RETRIES = 3;
const TIMEOUT_MS = 30_000;
const BACKOFF_MS = 500;
const BACKOFF_MAX_MS = 8_000;
const RETRY_AFTER_MAX_MS = 60_000;

export interface CallOptions {
  signal?: AbortSignal;
  /** For each attempt. */
  timeoutMs?: number;
}

/** Of a call that creates something, which is done once for each Idempotency-Key. */
export interface CreateOptions extends CallOptions {
  /** One of your own, to repeat the call after this process has ended; a random one otherwise. */
  idempotencyKey?: string | undefined;
}

export type Path = `/${string}`;

/** A path with ids and slugs in it, whatever characters they have. */
export function path(parts: TemplateStringsArray, ...names: string[]): Path {
  const encoded = names.map((name) => {
    // An address would lose these, and lead elsewhere.
    if (["", ".", ".."].includes(name)) throw new TypeError(`"${name}" is no id and no slug.`);
    return encodeURIComponent(name);
  });
  return String.raw({ raw: parts }, ...encoded) as Path;
}

export interface Call {
  /** The method and the path. */
  route: `${"GET" | "POST" | "PATCH" | "DELETE"} ${Path}`;
  query?: object;
  json?: unknown;
  upload?: { body: Upload; type: string };
  headers?: Record<string, string>;
  /** Of what is done for a page's user. */
  userToken?: UserToken | undefined;
  /** Whether doing it twice comes to the same as doing it once. */
  isRepeatable: boolean;
  options: CallOptions;
}

type Outcome<Value> =
  | { kind: "done"; value: Value }
  | { kind: "refused"; error: CodedropError; retryAfterMs: number }
  | { kind: "lost"; error: CodedropConnectionError };

export class Transport {
  readonly #base: string;
  readonly #key: string;
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#base = base(options.baseUrl);
    this.#key = credential("key", options.key);
    this.#options = options;
  }

  /** The client's own, for what is done for a user. */
  get userToken(): UserToken | undefined {
    return this.#options.userToken;
  }

  get<Value>(at: Path, options: CallOptions): Promise<Value> {
    return this.json({ route: `GET ${at}`, isRepeatable: true, options });
  }

  list<Row>(at: Path, filter: Paging & object, options: CallOptions): List<Row> {
    const route = `GET ${at}` as const;
    return new List(
      (query) => this.json<Page<Row>>({ route, query, isRepeatable: true, options }),
      filter,
    );
  }

  export<Row>(at: Path, filter: { format?: ExportFormat }, options: CallOptions): Export<Row> {
    const route = `GET ${at}` as const;
    return new Export((format) => {
      const query = { ...filter, format };
      return this.stream({ route, query, isRepeatable: true, options });
    }, filter.format ?? "csv");
  }

  /** The same for what creates something: with a key under which every attempt is the same. */
  create<Value>(call: Omit<Call, "isRepeatable" | "options">, options: CreateOptions) {
    const { idempotencyKey = newIdempotencyKey(), ...rest } = options;
    const headers = { ...call.headers, "Idempotency-Key": idempotencyKey };
    return this.json<Value>({ ...call, headers, isRepeatable: true, options: rest });
  }

  /** The JSON that the service answers; undefined where it answers that there is none. */
  json<Value>(call: Call): Promise<Value> {
    return this.#send(call, async (response, deadline) => {
      const text = await response.text();
      deadline.end();
      if (response.status === 204) return undefined as Value;
      try {
        return JSON.parse(text) as Value;
      } catch {
        throw unexpected(response);
      }
    });
  }

  /** The bytes that the service streams. */
  stream(call: Call): Promise<ReadableStream<Uint8Array>> {
    const timeoutMs = this.#timeoutOf(call);
    return this.#send(call, (response, deadline) => {
      deadline.pause();
      if (response.body === null) throw unexpected(response);
      return withoutSilence(response.body, deadline, timeoutMs);
    });
  }

  #timeoutOf(call: Call): number {
    return call.options.timeoutMs ?? this.#options.timeoutMs ?? TIMEOUT_MS;
  }

  #send<Value>(call: Call, read: Read<Value>): Promise<Value> {
    const { userToken, headers, options } = call;
    if (userToken === undefined) return this.#persist(call, read);
    return asUser(userToken, options.signal, (ofUser) =>
      this.#persist({ ...call, headers: { ...headers, ...ofUser } }, read),
    );
  }

  /** Attempts until it is done or no further attempt is right. */
  async #persist<Value>(call: Call, read: Read<Value>): Promise<Value> {
    const retries = this.#options.retries ?? RETRIES;
    // Before all attempts: what cannot be written as a request is the caller's, and no lost answer.
    const request = this.#request(call);
    let mayHaveArrived = false;
    for (let attempt = 0; ; attempt++) {
      const upload = call.upload === undefined ? null : uploadBody(call.upload.body);
      const outcome = await this.#attempt(call, withUpload(request, upload), read, upload);
      if (outcome.kind === "done") return outcome.value;
      mayHaveArrived ||= outcome.kind === "refused" || outcome.error.mayHaveArrived;
      const retryAfterMs = outcome.kind === "refused" ? outcome.retryAfterMs : 0;
      const mayRepeat =
        attempt < retries &&
        upload?.isReplayable !== false &&
        retryAfterMs <= RETRY_AFTER_MAX_MS &&
        isSafe(call.isRepeatable, outcome.error);
      if (!mayRepeat) {
        throw outcome.kind === "refused" ? outcome.error : overall(outcome.error, mayHaveArrived);
      }
      const backoffMs = (this.#options.backoffMs ?? BACKOFF_MS) * 2 ** attempt;
      const waitMs = retryAfterMs + jittered(Math.min(backoffMs, BACKOFF_MAX_MS));
      this.#options.onRetry?.({ error: outcome.error, waitMs, retriesLeft: retries - attempt });
      await sleep(waitMs, call.options.signal);
    }
  }

  async #attempt<Value>(
    call: Call,
    { url, init }: Written,
    read: Read<Value>,
    upload: UploadBody | null,
  ): Promise<Outcome<Value>> {
    const { signal } = call.options;
    signal?.throwIfAborted();
    const deadline = new Deadline(this.#timeoutOf(call), signal);
    let began = false;
    try {
      const response = await this.#fetch(url, { ...init, signal: deadline.signal });
      began = true;
      if (response.ok) return { kind: "done", value: await read(response, deadline) };
      const error = await refusal(response);
      deadline.end();
      return { kind: "refused", error, retryAfterMs: retryAfterMsOf(response) };
    } catch (error) {
      deadline.end();
      if (error instanceof CodedropError) return { kind: "refused", error, retryAfterMs: 0 };
      if (deadline.timedOut) {
        return { kind: "lost", error: timedOut(this.#timeoutOf(call)) };
      }
      signal?.throwIfAborted();
      if (upload?.failure) throw upload.failure.error;
      return { kind: "lost", error: began ? cut(error) : unreachable(this.#base, error) };
    } finally {
      upload?.release();
    }
  }

  #request(call: Call): Written {
    const blank = call.route.indexOf(" ");
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) query.set(name, String(value));
    }
    const search = query.toString();
    const type = call.upload?.type ?? (call.json === undefined ? null : "application/json");
    const headers: Record<string, string> = {
      Authorization: `Bearer ${this.#key}`,
      ...(type === null ? {} : { "Content-Type": type }),
      ...call.headers,
    };
    // Throws where a value cannot be a header's.
    void new Headers(headers);
    const body = call.json === undefined ? {} : { body: JSON.stringify(call.json) };
    // A redirect would turn a POST into a GET; the caller is told of it instead.
    const init = {
      method: call.route.slice(0, blank),
      headers,
      redirect: "manual",
      ...body,
    } as const;
    return { url: this.#base + call.route.slice(blank + 1) + (search && `?${search}`), init };
  }

  #fetch(url: string, init: RequestInit): Promise<Response> {
    // The global one must be called as a function: browsers refuse it as another object's method.
    const { fetch: own } = this.#options;
    return own === undefined ? fetch(url, init) : own(url, init);
  }
}

/** 128 random bits in hex. (crypto.randomUUID is missing on pages without https.) */
function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A request as fetch takes it. (Not every runtime's types know `duplex`.) */
interface Written {
  url: string;
  init: RequestInit & { duplex?: "half" };
}

function withUpload({ url, init }: Written, upload: UploadBody | null): Written {
  if (upload === null) return { url, init };
  const { body, isReplayable } = upload;
  return { url, init: { ...init, body, ...(isReplayable ? {} : { duplex: "half" }) } };
}

type Read<Value> = (response: Response, deadline: Deadline) => Promise<Value> | Value;

/** Half of it for certain, the rest by chance, so that callers who failed together part. */
function jittered(ms: number): number {
  return (ms / 2) * (1 + Math.random());
}
