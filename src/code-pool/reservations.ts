/**
 * Claims that have no code yet: synchronous SQL. Callers hold the transaction.
 *
 * A reservation keeps one code of the stock, no matter which: the code is picked when it is
 * revealed, so what lapses was never anybody's, and nothing has to come back.
 */

import { blanked } from "../db/database.ts";
import type { Consent } from "../domain/claim.ts";
import type { Claim, Contact } from "./ledger.ts";

/** A claim without a code. Times are Unix milliseconds. */
export interface Reserved extends Omit<Claim, "slot" | "code"> {
  code: null;
  /** Exclusive: from then on it has lapsed, whether or not that was noted. */
  revealBy: number;
}

/** A claim as a user may have one. */
export type AnyClaim = Claim | Reserved;

export type ClaimStatus = "reserved" | "lapsed";

/** What was noted as lapsed stays so, also where a clock is set back: its code may be another's. */
export function reservedStatus({ userId, revealBy }: Reserved, now: number): ClaimStatus {
  return userId !== null && revealBy > now ? "reserved" : "lapsed";
}

/** How long a reservation that lapsed is told from one that never was. */
const LAPSED_KEPT_MS = 86_400_000;
/** From the end of a reservation until it is noted, with those that follow meanwhile. */
const SWEEP_DELAY_MS = 5_000;

type ReservationRow = {
  user_key: string;
  nth: number;
  user_id: string;
  made_at: number;
  reveal_by: number;
  attempt: string;
  consent: string | null;
  contact: string | null;
};

function toReserved(row: ReservationRow): Reserved {
  return {
    userKey: row.user_key,
    nth: row.nth,
    userId: row.user_id === "" ? null : row.user_id,
    code: null,
    claimedAt: row.made_at,
    expiresAt: null,
    revealBy: row.reveal_by,
    attempt: row.attempt,
    consent: row.consent === null ? null : (JSON.parse(row.consent) as Consent),
    contact: row.contact === null ? null : (JSON.parse(row.contact) as Contact),
    redeemedAt: null,
    revokedAt: null,
  };
}

export class Reservations {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Those that are open, or lapsed and not noted as such. */
  count(): number {
    const row = this.#sql.exec<{ reserved: number }>("SELECT reserved FROM pool").toArray()[0];
    return row?.reserved ?? 0;
  }

  /** Those that are open at `now`. */
  countOpen(now: number): number {
    if (this.count() > 0) this.noteLapsed(now);
    return this.count();
  }

  /** The user's that are open at `now`, first to last. */
  openOf(userKey: string, now: number): Reserved[] {
    return this.#sql
      .exec<ReservationRow>(
        `SELECT * FROM reservations WHERE user_key = ? AND lapsed = 0 AND reveal_by > ?
         ORDER BY nth`,
        userKey,
        now,
      )
      .toArray()
      .map(toReserved);
  }

  find(userKey: string, nth: number): Reserved | null {
    const row = this.#sql
      .exec<ReservationRow>(
        "SELECT * FROM reservations WHERE user_key = ? AND nth = ?",
        userKey,
        nth,
      )
      .toArray()[0];
    return row === undefined ? null : toReserved(row);
  }

  /** In place of one that lapsed. */
  insert(reserved: Reserved): void {
    const { userKey, nth, userId, claimedAt, revealBy, attempt, consent, contact } = reserved;
    this.#sql.exec(
      `INSERT INTO reservations (user_key, nth, user_id, made_at, reveal_by, attempt, consent, contact)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET user_id = excluded.user_id, made_at = excluded.made_at,
         reveal_by = excluded.reveal_by, attempt = excluded.attempt, consent = excluded.consent,
         contact = excluded.contact, lapsed = 0`,
      userKey,
      nth,
      userId ?? "",
      claimedAt,
      revealBy,
      attempt,
      consent === null ? null : JSON.stringify(consent),
      contact === null ? null : JSON.stringify(contact),
    );
  }

  /** It was revealed. */
  remove({ userKey, nth }: Reserved): void {
    this.#delete("user_key = ? AND nth = ?", userKey, nth);
  }

  /** The user was erased: what they had reserved is anybody's. */
  removeOf(userKey: string): void {
    this.#delete("user_key = ?", userKey);
  }

  #delete(where: string, ...values: SqlStorageValue[]): void {
    this.#blank(where, ...values);
    this.#sql.exec(`DELETE FROM reservations WHERE ${where}`, ...values);
  }

  /** What SQLite deletes may stay in the file; so other bytes are written over it first. */
  #blank(where: string, ...values: SqlStorageValue[]): void {
    const personal = ["user_id", "contact"].map((column) => `${column} = ${blanked(column)}`);
    this.#sql.exec(`UPDATE reservations SET ${personal.join()} WHERE ${where}`, ...values);
  }

  /** Notes which have lapsed, and forgets whose they were. */
  noteLapsed(now: number): void {
    this.#blank("lapsed = 0 AND reveal_by <= ?", now);
    this.#sql.exec(
      `UPDATE reservations SET lapsed = 1, user_id = '', consent = NULL, contact = NULL
       WHERE lapsed = 0 AND reveal_by <= ?`,
      now,
    );
  }

  /** When to note or forget the next; null while there is none. */
  sweepsAt(): number | null {
    const { noted, forgotten } = this.#sql
      .exec<{ noted: number | null; forgotten: number | null }>(
        `SELECT (SELECT min(reveal_by) FROM reservations WHERE lapsed = 0) AS noted,
                (SELECT min(reveal_by) FROM reservations WHERE lapsed = 1) AS forgotten`,
      )
      .one();
    const times = [
      noted === null ? null : noted + SWEEP_DELAY_MS,
      forgotten === null ? null : forgotten + LAPSED_KEPT_MS + SWEEP_DELAY_MS,
    ].filter((time) => time !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  sweep(now: number): void {
    const at = this.sweepsAt();
    if (at === null || now < at) return;
    this.noteLapsed(now);
    this.#sql.exec(
      "DELETE FROM reservations WHERE lapsed = 1 AND reveal_by <= ?",
      now - LAPSED_KEPT_MS,
    );
  }
}
