/**
 * Where codes lie in the inventory, and which slots stand for them here: synchronous SQL. Callers
 * hold the transaction.
 *
 * Codes of blocks have the slots of their block. Below zero are codes that were handed out
 * elsewhere and were brought to the checkout: D1 has marked each, so that no pool gives it, and
 * says which pool decides what becomes of it, whether or not it is in a block here.
 */

import { NOBODY } from "../domain/redemption.ts";
import type { Ledger } from "./ledger.ts";
import type { Place, Stock } from "./stock.ts";

export class Places {
  readonly #sql: SqlStorage;
  readonly #ledger: Ledger;
  readonly #stock: Stock;

  constructor(options: { sql: SqlStorage; ledger: Ledger; stock: Stock }) {
    this.#sql = options.sql;
    this.#ledger = options.ledger;
    this.#stock = options.stock;
  }

  /** The slot of a code, or null when it is not known here. */
  slotOf({ batchId, ordinal }: Place): number | null {
    return (
      this.#first<{ slot: number }>(
        `SELECT slot FROM outside WHERE batch_id = ?1 AND ordinal = ?2
         UNION ALL
         SELECT first_slot + ?2 - from_ordinal FROM (
           SELECT first_slot, from_ordinal, size FROM blocks
           WHERE batch_id = ?1 AND from_ordinal <= ?2 ORDER BY from_ordinal DESC LIMIT 1
         ) WHERE ?2 < from_ordinal + size`,
        batchId,
        ordinal,
      )?.slot ?? null
    );
  }

  /** Where the code of a slot lies. */
  placeOf(slot: number): Place | null {
    return this.#first<{ batchId: string; ordinal: number }>(
      slot < 0
        ? "SELECT batch_id AS batchId, ordinal FROM outside WHERE slot = ?"
        : `SELECT batch_id AS batchId, from_ordinal + ?1 - first_slot AS ordinal FROM blocks
           WHERE first_slot <= ?1 ORDER BY first_slot DESC LIMIT 1`,
      slot,
    );
  }

  #first<Row extends Record<string, SqlStorageValue>>(
    sql: string,
    ...values: SqlStorageValue[]
  ): Row | null {
    return this.#sql.exec<Row>(sql, ...values).toArray()[0] ?? null;
  }

  /**
   * Takes the code out of the stock and notes it as held by nobody; its slot. Throws when it is
   * known here already.
   */
  addOutside(
    place: Place,
    { code, attempt, now }: { code: string; attempt: string; now: number },
  ): number {
    this.#stock.withdraw(place, null);
    const lowest = this.#first<{ slot: number }>("SELECT min(slot) AS slot FROM outside")?.slot;
    const slot = (lowest ?? 0) - 1;
    this.#ledger.insert({
      slot,
      userKey: NOBODY,
      nth: -slot,
      userId: null,
      code,
      claimedAt: now,
      expiresAt: null,
      attempt,
      consent: null,
      contact: null,
      redeemedAt: null,
      revokedAt: null,
    });
    this.#sql.exec(
      "INSERT INTO outside (slot, batch_id, ordinal) VALUES (?, ?, ?)",
      slot,
      place.batchId,
      place.ordinal,
    );
    const revokedAt = this.#stock.revokedAt(place);
    if (revokedAt !== null) this.#ledger.revoke(slot, revokedAt);
    return slot;
  }
}
