/**
 * Requests that may be repeated by a key: what each was answered, written in the transaction of
 * what it did. Synchronous SQL, nothing awaits. Callers hold the transaction.
 */

import type { HeldStatus } from "../domain/redemption.ts";
import type { RequestKey } from "./messages.ts";

const DAY_MS = 86_400_000;
/** How long a key means the request that it was first sent with. README and reference state it. */
export const IDEMPOTENCY_KEPT_MS = 30 * DAY_MS;
/** How long a proof is one user's: longer than the token lives that it was made for. */
const PROOF_KEPT_MS = 3_600_000;
/** Old records are looked for once a day: they count as absent anyway. */
const SWEEP_EVERY_MS = DAY_MS;
/** Records looked at in one go, a few milliseconds, and the rest before the next go. */
const SWEEP_MAX = 5_000;
const SWEEP_REST_MS = 1_000;

/**
 * What a request was answered: 201 or 200, with a claim's slot, or of one that was reserved which
 * of the user's it is; or with the number of a redemption or a hold: the key's scope says of
 * which.
 */
export interface FirstAnswer {
  kind: "claim" | "redemption";
  /** Of the try whose answer this is: the very same again is no repeat by the caller. */
  attempt: string;
  answered: 201 | 200;
  target: number;
  /** The status of the claim that was shown; null of a redemption. */
  shown: HeldStatus | "reserved" | null;
}

export type Recall =
  /** Nothing was answered under this key yet. */
  | { kind: "none" }
  /** The key came with another request. */
  | { kind: "reused" }
  | { kind: "answered"; first: FirstAnswer };

/** A key that is one request's, and a proof that is one user's. */
export type Bond = "bound" | "proof";

type RequestRow = {
  kind: FirstAnswer["kind"] | Bond;
  fingerprint: string;
  attempt: string | null;
  answered: number | null;
  target: number | null;
  shown: FirstAnswer["shown"];
  made_at: number;
};

export class Requests {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  recall(key: RequestKey, now: number): Recall {
    const row = this.#find(key.hash, now);
    if (row === null) return { kind: "none" };
    if (row.fingerprint !== key.fingerprint) return { kind: "reused" };
    if (row.kind === "bound" || row.kind === "proof") return { kind: "none" };
    const first = {
      kind: row.kind,
      attempt: row.attempt ?? "",
      answered: row.answered === 201 ? (201 as const) : (200 as const),
      target: row.target ?? 0,
      shown: row.shown,
    };
    return { kind: "answered", first };
  }

  record(key: RequestKey, first: FirstAnswer, now: number): void {
    const { kind, attempt, answered, target, shown } = first;
    this.#put(key, [kind, attempt, answered, target, shown], now);
  }

  /**
   * Lets the key mean this request and no other; false when it means another. For keys whose
   * requests may end in different pools, which could not know of each other. A proof's fingerprint
   * is the user's key.
   */
  bind(key: RequestKey, kind: Bond, now: number): boolean {
    const row = this.#find(key.hash, now);
    if (row !== null && row.fingerprint !== key.fingerprint) return false;
    // Renewed, because the answer may come of a later try, and must not outlive the binding.
    const isFresh = row !== null && (row.kind !== "bound" || now - row.made_at < DAY_MS);
    if (!isFresh) this.#put(key, [kind, null, null, null, null], now);
    return true;
  }

  #find(hash: string, now: number): RequestRow | null {
    const row = this.#sql
      .exec<RequestRow>(
        `SELECT kind, fingerprint, attempt, answered, target, shown, made_at
         FROM requests WHERE key_hash = ?`,
        hash,
      )
      .toArray()[0];
    if (row === undefined) return null;
    const keptMs = row.kind === "proof" ? PROOF_KEPT_MS : IDEMPOTENCY_KEPT_MS;
    return row.made_at <= now - keptMs ? null : row;
  }

  #put(
    { hash, fingerprint }: RequestKey,
    answer: [RequestRow["kind"], string | null, number | null, number | null, string | null],
    now: number,
  ): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO requests
         (key_hash, fingerprint, made_at, kind, attempt, answered, target, shown)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      hash,
      fingerprint,
      now,
      ...answer,
    );
  }

  /** When old records are to be looked for next, or null while there is no record. */
  sweepsAt(): number | null {
    const row = this.#sql
      .exec<{ swept_at: number; next_hash: string }>(
        "SELECT swept_at, next_hash FROM sweeps WHERE EXISTS (SELECT 1 FROM requests)",
      )
      .toArray()[0];
    if (row === undefined) return null;
    return row.swept_at + (row.next_hash === "" ? SWEEP_EVERY_MS : SWEEP_REST_MS);
  }

  /** Deletes records that are too old to count, when it is time to: some of them, in one go. */
  sweep(now: number): void {
    const at = this.sweepsAt();
    if (at === null || now < at) return;
    const { from } = this.#sql
      .exec<{ from: string }>('SELECT next_hash AS "from" FROM sweeps')
      .one();
    // In the order of their keys, a random one: an index by time would cost each record a row.
    const next =
      this.#sql
        .exec<{ key_hash: string }>(
          "SELECT key_hash FROM requests WHERE key_hash >= ? ORDER BY key_hash LIMIT 1 OFFSET ?",
          from,
          SWEEP_MAX,
        )
        .toArray()[0]?.key_hash ?? "";
    this.#sql.exec(
      `DELETE FROM requests WHERE key_hash >= ?1 AND (?2 = '' OR key_hash < ?2)
         AND made_at <= CASE kind WHEN 'proof' THEN ?4 ELSE ?3 END`,
      from,
      next,
      now - IDEMPOTENCY_KEPT_MS,
      now - PROOF_KEPT_MS,
    );
    this.#sql.exec("UPDATE sweeps SET swept_at = ?, next_hash = ?", now, next);
  }
}
