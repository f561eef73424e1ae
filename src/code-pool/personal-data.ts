/**
 * Forgetting who holds a code: on request, and contact data when its time is over. Synchronous SQL,
 * nothing awaits. Callers hold the transaction.
 */

import { blanked } from "../db/database.ts";
import type { ErasedClaim } from "./messages.ts";
import type { Reservations } from "./reservations.ts";
import type { Settings } from "./settings.ts";

const DAY_MS = 86_400_000;
/** From the end of a contact's time until it is deleted, with those that follow meanwhile. */
const SWEEP_DELAY_MS = 3_600_000;
/** Claims looked at in one go, some milliseconds, and the rest before the next go. */
export const SWEEP_MAX = 1_000;
export const SWEEP_REST_MS = 1_000;

export class PersonalData {
  readonly #sql: SqlStorage;
  readonly #settings: Settings;
  readonly #reservations: Reservations;

  constructor(options: { sql: SqlStorage; settings: Settings; reservations: Reservations }) {
    this.#sql = options.sql;
    this.#settings = options.settings;
    this.#reservations = options.reservations;
  }

  /**
   * Takes from the user's claims all that says who it is. What stays is the keyed hash, by which
   * the user gets the same code again and no more than are due, and the consent, without who gave
   * it. Answers the user's erased claims. When it is repeated, those of this erasure stay the
   * same, because they may have been told already, and what was claimed since is new data.
   */
  erase(userKey: string, erasureId: string): ErasedClaim[] {
    const before = this.#erased(userKey, erasureId);
    if (before.some(({ isOfThis }) => isOfThis)) return before;
    const PERSONAL = ["user_id", "contact"];
    this.#sql.exec(
      `UPDATE claims SET ${PERSONAL.map((column) => `${column} = ${blanked(column)}`).join()}
       WHERE user_key = ? AND erased_by IS NULL`,
      userKey,
    );
    this.#reservations.removeOf(userKey);
    this.#sql.exec(
      `UPDATE claims SET user_id = '', contact = NULL, erased_by = ?
       WHERE user_key = ? AND erased_by IS NULL`,
      erasureId,
      userKey,
    );
    return this.#erased(userKey, erasureId);
  }

  #erased(userKey: string, erasureId: string): ErasedClaim[] {
    return this.#sql
      .exec<{ nth: number; batchId: string; ordinal: number; isOfThis: number }>(
        `SELECT nth, batch_id AS batchId, from_ordinal + slot - first_slot AS ordinal,
                erased_by = ? AS isOfThis
         FROM claims JOIN blocks
           ON first_slot = (SELECT max(first_slot) FROM blocks WHERE first_slot <= slot)
         WHERE user_key = ? AND erased_by IS NOT NULL ORDER BY nth`,
        erasureId,
        userKey,
      )
      .toArray()
      .map(({ nth, batchId, ordinal, isOfThis }) => ({
        nth,
        batchId,
        ordinal,
        isOfThis: isOfThis === 1,
      }));
  }

  /** Claims that were made later show their contact data; for all others its time is over. */
  contactsFrom(now: number): number {
    const keptMs = this.#keptMs();
    return keptMs === null ? Number.NEGATIVE_INFINITY : now - keptMs;
  }

  #keptMs(): number | null {
    const days = this.#settings.find()?.campaign.contactRetentionDays ?? null;
    return days === null ? null : days * DAY_MS;
  }

  /** When contact data is to be deleted next; null while there is none, or no end to its time. */
  sweepsAt(): number | null {
    const keptMs = this.#keptMs();
    const next = keptMs === null ? undefined : this.#claimsToSweep(1)[0];
    return keptMs === null || next === undefined ? null : next.claimed_at + keptMs + SWEEP_DELAY_MS;
  }

  /** Slots are given in the order of time, so where the last sweep ended the next begins. */
  #claimsToSweep(limit: number): { slot: number; claimed_at: number }[] {
    return this.#sql
      .exec<{ slot: number; claimed_at: number }>(
        `SELECT slot, claimed_at FROM claims
         WHERE slot > (SELECT contacts_deleted_slot FROM pool) ORDER BY slot LIMIT ?`,
        limit,
      )
      .toArray();
  }

  /**
   * Deletes contact data whose time is over, when it is time to: some of it, in one go. Whether
   * more is left.
   */
  sweep(now: number): boolean {
    const at = this.sweepsAt();
    if (at === null || now < at) return false;
    const from = this.contactsFrom(now);
    const claims = this.#claimsToSweep(SWEEP_MAX);
    const due = claims.findIndex(({ claimed_at }) => claimed_at > from);
    const last = due < 0 ? claims.at(-1) : claims[due - 1];
    if (last === undefined) return false;
    const inSweep = `slot > (SELECT contacts_deleted_slot FROM pool) AND slot <= ?
                     AND contact IS NOT NULL`;
    this.#sql.exec(`UPDATE claims SET contact = ${blanked("contact")} WHERE ${inSweep}`, last.slot);
    this.#sql.exec(`UPDATE claims SET contact = NULL WHERE ${inSweep}`, last.slot);
    this.#sql.exec("UPDATE pool SET contacts_deleted_slot = ?", last.slot);
    return due < 0 && claims.length === SWEEP_MAX;
  }
}
