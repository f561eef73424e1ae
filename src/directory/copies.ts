/**
 * Copies of what another place knows, near the caller: in this isolate, and behind it in KV. May
 * import db/ and domain/. The source is D1 for all that claims look up: whoever asks here gets what
 * D1 said at most MAX_AGE_MS ago.
 *
 * A copy carries the time at which the source was asked for it, wherever it lies, so its age needs
 * no trust in KV's own expiry or in how fast KV hears of a change. What the source does not have is
 * never remembered.
 */

import { answered } from "../db/database.ts";

/** How old copies of one kind may be. */
export interface Ages {
  /** A copy is used without asking anybody while it is at most so old. */
  maxMs: number;
  /** While the source does not answer, copies stay in use up to this age. */
  staleMaxMs: number;
}

/** Of what a claim looks up. README states them. */
export const MAX_AGE_MS = 60_000;
export const STALE_MAX_MS = 3_600_000;

/**
 * From this part of its age on, a copy in use is renewed after the answer, so that nobody waits for
 * the source.
 */
const RENEW_PART = 1 / 2;
/** How long KV is left alone after it failed: nobody waits for it again and again. */
const KV_REST_MS = 5_000;
/** How long after the source failed on an id nobody waits for that id: older copies do. */
const SOURCE_REST_MS = 10_000;
/** Between two renewals of a copy: what the source is asked for an id while it fails. */
const RENEWAL_GAP_MS = 2_000;
/** KV answers in some 10 ms where it has the entry; past this, asking D1 is faster. */
const KV_TIMEOUT_MS = 300;
const D1_TIMEOUT_MS = 3_000;
/** Copies of one kind in one isolate, of at most 50 KB each; the one stored longest ago goes. */
const COPIES_MAX = 500;

/** What a look-up reaches. `waitUntil` lets work go on after the answer. */
export interface Near {
  /** Null for copies that must be fresher than KV, which hears of a change within a minute. */
  kv: KVNamespace | null;
  db: D1Database;
  waitUntil: (work: Promise<unknown>) => void;
}

interface Copy<T> {
  /** What it was made from: a copy of another release's is not used. */
  columns: string;
  readAt: number;
  value: T;
}

/** A copy in this isolate. */
interface Held<T> extends Copy<T> {
  /** When it may be renewed next. A time, not a flag: a renewal that is cut off is not the last. */
  renewsFrom: number;
  /** The source failed on this id just now: until then nobody waits for it. */
  sourceRestsUntil: number;
}

interface Options<T> {
  /** Prefixes the names in KV. */
  kind: string;
  columns: string;
  ages?: Ages;
  /** Asks the source, or answers null where it has none. Values must survive JSON. */
  load: (near: Near, id: string) => Promise<T | null>;
  /** What the log calls the source. */
  source?: string;
  /** How long the source may take. */
  timeoutMs?: number;
  /** An id as KV can take it, in at most 512 bytes with the kind; as it is, unless said. */
  nameOf?: (id: string) => Promise<string>;
}

export class Copies<T> {
  readonly #options: Required<Options<T>>;
  readonly #here = new Map<string, Held<T>>();
  #kvRestsUntil = 0;

  constructor(options: Options<T>) {
    this.#options = {
      ages: { maxMs: MAX_AGE_MS, staleMaxMs: STALE_MAX_MS },
      source: "D1",
      timeoutMs: D1_TIMEOUT_MS,
      nameOf: (id) => Promise.resolve(id),
      ...options,
    };
  }

  /** The value, or null when the source has none. Rejects when nobody can say. */
  async find(near: Near, id: string): Promise<T | null> {
    const held = this.#here.get(id);
    const now = Date.now();
    const { maxMs, staleMaxMs } = this.#options.ages;
    const ageMax = held !== undefined && now < held.sourceRestsUntil ? staleMaxMs : maxMs;
    if (held === undefined || now - held.readAt > ageMax) return this.#look(near, id, maxMs);
    const renewMs = maxMs * RENEW_PART;
    if (now - held.readAt > renewMs && now >= held.renewsFrom) {
      held.renewsFrom = now + this.#options.timeoutMs + RENEWAL_GAP_MS;
      // A promise must not be shared between requests, so nobody waits for it.
      near.waitUntil(this.#look(near, id, renewMs).catch(() => null));
    }
    return held.value;
  }

  /**
   * Asks the source, whatever the copies say; what is known when it does not answer, or just did
   * not.
   */
  async findAnew(near: Near, id: string): Promise<T | null> {
    const held = this.#here.get(id);
    if (held !== undefined && Date.now() < held.sourceRestsUntil) return held.value;
    return this.#look(near, id, 0);
  }

  /**
   * Drops the copy here and in KV: what it is of was changed. Other isolates keep theirs until it
   * ages.
   */
  async forget(near: Near, id: string): Promise<void> {
    this.#here.delete(id);
    await this.#tellKv(near, id, (kv, name) => kv.delete(name));
  }

  /** A copy from KV of at most `ageMax`, or what the source says, or else an older copy. */
  async #look(near: Near, id: string, ageMax: number): Promise<T | null> {
    const { columns, load, ages, source, timeoutMs, kind } = this.#options;
    const inKv = await this.#askKv(near, id, (kv, name) => kv.get<Copy<T>>(name, "json"));
    const here = this.#here.get(id) ?? null;
    const isNewer = inKv?.columns === columns && inKv.readAt > (here?.readAt ?? 0);
    const copy = isNewer ? inKv : here;
    const readAt = Date.now();
    if (copy !== null && readAt - copy.readAt < ageMax) return this.#keep(id, copy);
    let value;
    try {
      value = await answered(load(near, id), timeoutMs);
    } catch (error) {
      const now = Date.now();
      if (copy === null || now - copy.readAt > ages.staleMaxMs) throw error;
      console.warn({ message: `${source} did not answer, an older copy is used`, kind });
      const pace = { renewsFrom: now + RENEWAL_GAP_MS, sourceRestsUntil: now + SOURCE_REST_MS };
      return this.#keep(id, copy, pace);
    }
    if (value === null) {
      this.#here.delete(id);
      if (inKv !== null) near.waitUntil(this.#tellKv(near, id, (kv, name) => kv.delete(name)));
      return null;
    }
    const fresh = { columns, readAt, value };
    // Kept in KV for as long as it may be of use to an isolate that cannot reach the source.
    const options = { expirationTtl: ages.staleMaxMs / 1000 };
    near.waitUntil(
      this.#tellKv(near, id, (kv, name) => kv.put(name, JSON.stringify(fresh), options)),
    );
    return this.#keep(id, fresh);
  }

  #keep(id: string, copy: Copy<T>, pace = { renewsFrom: 0, sourceRestsUntil: 0 }): T {
    const known = this.#here.get(id);
    // Another request may have asked later than this one.
    if (known !== undefined && known.readAt > copy.readAt) return known.value;
    this.#here.delete(id);
    this.#here.set(id, { ...copy, ...pace });
    const oldest = this.#here.size > COPIES_MAX ? this.#here.keys().next().value : undefined;
    if (oldest !== undefined) this.#here.delete(oldest);
    return copy.value;
  }

  /** What KV answers, or null: KV failing costs time, never an answer. */
  async #askKv<Answer>(
    { kv }: Near,
    id: string,
    call: (kv: KVNamespace, name: string) => Promise<Answer>,
  ): Promise<Answer | null> {
    if (kv === null || Date.now() < this.#kvRestsUntil) return null;
    const name = await this.#nameOf(id);
    try {
      return await answered(call(kv, name), KV_TIMEOUT_MS);
    } catch (error) {
      this.#kvRestsUntil = Date.now() + KV_REST_MS;
      const { kind } = this.#options;
      console.warn({ message: "KV did not answer", kind, error: String(error) });
      return null;
    }
  }

  /** A write that KV refuses (it takes one a second for a key) leaves a copy that ages there. */
  async #tellKv(
    { kv }: Near,
    id: string,
    call: (kv: KVNamespace, name: string) => Promise<void>,
  ): Promise<void> {
    if (kv === null || Date.now() < this.#kvRestsUntil) return;
    const name = await this.#nameOf(id);
    try {
      await answered(call(kv, name), KV_TIMEOUT_MS);
    } catch (error) {
      console.warn({ message: "KV was not told", kind: this.#options.kind, error: String(error) });
    }
  }

  async #nameOf(id: string): Promise<string> {
    return `${this.#options.kind}:${await this.#options.nameOf(id)}`;
  }
}
