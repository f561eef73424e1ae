/**
 * Copies of D1 rows near the caller: in this isolate, and behind it in KV. May import db/ and
 * domain/. Whoever looks something up here gets what D1 said at most MAX_AGE_MS ago.
 *
 * A copy carries the time at which D1 was asked for it, wherever it lies, so its age needs no trust
 * in KV's own expiry or in how fast KV hears of a change. What D1 does not have is never
 * remembered.
 */

import { answered } from "../db/database.ts";

/** How old copies of one kind may be. */
export interface Ages {
  /** A copy is used without asking anybody while it is at most so old. */
  maxMs: number;
  /** While D1 does not answer, copies stay in use up to this age. */
  staleMaxMs: number;
}

/** Of what a claim looks up. README states them. */
export const MAX_AGE_MS = 60_000;
export const STALE_MAX_MS = 3_600_000;

/**
 * From this part of its age on, a copy in use is renewed after the answer, so that nobody waits for
 * D1.
 */
const RENEW_PART = 1 / 2;
/** How long KV is left alone after it failed: nobody waits for it again and again. */
const KV_REST_MS = 5_000;
/** How long after D1 failed on a row nobody waits for that row: older copies do. */
const D1_REST_MS = 10_000;
/** Between two renewals of a copy: what D1 is asked for a row while it fails. */
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
  /** The columns that it was made from: a copy of another release's is not used. */
  columns: string;
  readAt: number;
  value: T;
}

/** A copy in this isolate. */
interface Held<T> extends Copy<T> {
  /** When it may be renewed next. A time, not a flag: a renewal that is cut off is not the last. */
  renewsFrom: number;
  /** D1 failed on this row just now: until then nobody waits for it. */
  d1RestsUntil: number;
}

export class Copies<T> {
  readonly #kind: string;
  readonly #columns: string;
  readonly #load: (db: D1Database, id: string) => Promise<T | null>;
  readonly #ages: Ages;
  readonly #here = new Map<string, Held<T>>();
  #kvRestsUntil = 0;

  /** `kind` prefixes the keys in KV; `load` asks D1. Values must survive JSON. */
  constructor(options: {
    kind: string;
    columns: string;
    ages?: Ages;
    load: (db: D1Database, id: string) => Promise<T | null>;
  }) {
    this.#ages = options.ages ?? { maxMs: MAX_AGE_MS, staleMaxMs: STALE_MAX_MS };
    this.#kind = options.kind;
    this.#columns = options.columns;
    this.#load = options.load;
  }

  /** The value, or null when D1 has none. Rejects when nobody can say. */
  async find(near: Near, id: string): Promise<T | null> {
    const held = this.#here.get(id);
    const now = Date.now();
    const { maxMs, staleMaxMs } = this.#ages;
    const ageMax = held !== undefined && now < held.d1RestsUntil ? staleMaxMs : maxMs;
    if (held === undefined || now - held.readAt > ageMax) return this.#look(near, id, maxMs);
    const renewMs = maxMs * RENEW_PART;
    if (now - held.readAt > renewMs && now >= held.renewsFrom) {
      held.renewsFrom = now + D1_TIMEOUT_MS + RENEWAL_GAP_MS;
      // A promise must not be shared between requests, so nobody waits for it.
      near.waitUntil(this.#look(near, id, renewMs).catch(() => null));
    }
    return held.value;
  }

  /** Asks D1, whatever the copies say; what is known when D1 does not answer, or just did not. */
  async findAnew(near: Near, id: string): Promise<T | null> {
    const held = this.#here.get(id);
    if (held !== undefined && Date.now() < held.d1RestsUntil) return held.value;
    return this.#look(near, id, 0);
  }

  /**
   * Drops the copy here and in KV: D1's row was changed. Other isolates keep theirs until it ages.
   */
  async forget(near: Near, id: string): Promise<void> {
    this.#here.delete(id);
    await this.#tellKv(near, (kv) => kv.delete(this.#key(id)));
  }

  /** A copy from KV of at most `ageMax`, or what D1 says, or when it says nothing an older copy. */
  async #look(near: Near, id: string, ageMax: number): Promise<T | null> {
    const inKv = await this.#askKv(near, (kv) => kv.get<Copy<T>>(this.#key(id), "json"));
    const here = this.#here.get(id) ?? null;
    const isNewer = inKv?.columns === this.#columns && inKv.readAt > (here?.readAt ?? 0);
    const copy = isNewer ? inKv : here;
    const readAt = Date.now();
    if (copy !== null && readAt - copy.readAt < ageMax) return this.#keep(id, copy);
    let value;
    try {
      value = await answered(this.#load(near.db, id), D1_TIMEOUT_MS);
    } catch (error) {
      const now = Date.now();
      if (copy === null || now - copy.readAt > this.#ages.staleMaxMs) throw error;
      console.warn({ message: "D1 did not answer, an older copy is used", kind: this.#kind });
      const pace = { renewsFrom: now + RENEWAL_GAP_MS, d1RestsUntil: now + D1_REST_MS };
      return this.#keep(id, copy, pace);
    }
    if (value === null) {
      this.#here.delete(id);
      if (inKv !== null) near.waitUntil(this.#tellKv(near, (kv) => kv.delete(this.#key(id))));
      return null;
    }
    const fresh = { columns: this.#columns, readAt, value };
    // Kept in KV for as long as it may be of use to an isolate that cannot reach D1.
    const options = { expirationTtl: this.#ages.staleMaxMs / 1000 };
    near.waitUntil(
      this.#tellKv(near, (kv) => kv.put(this.#key(id), JSON.stringify(fresh), options)),
    );
    return this.#keep(id, fresh);
  }

  #keep(id: string, copy: Copy<T>, pace = { renewsFrom: 0, d1RestsUntil: 0 }): T {
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
    call: (kv: KVNamespace) => Promise<Answer>,
  ): Promise<Answer | null> {
    if (kv === null || Date.now() < this.#kvRestsUntil) return null;
    try {
      return await answered(call(kv), KV_TIMEOUT_MS);
    } catch (error) {
      this.#kvRestsUntil = Date.now() + KV_REST_MS;
      console.warn({ message: "KV did not answer", kind: this.#kind, error: String(error) });
      return null;
    }
  }

  /** A write that KV refuses (it takes one a second for a key) leaves a copy that ages there. */
  async #tellKv({ kv }: Near, call: (kv: KVNamespace) => Promise<void>): Promise<void> {
    if (kv === null || Date.now() < this.#kvRestsUntil) return;
    try {
      await answered(call(kv), KV_TIMEOUT_MS);
    } catch (error) {
      console.warn({ message: "KV was not told", kind: this.#kind, error: String(error) });
    }
  }

  #key(id: string): string {
    return `${this.#kind}:${id}`;
  }
}
