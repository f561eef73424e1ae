/** Redemptions in the pool's storage: synchronous SQL. Callers hold the transaction. */

import type { Discount } from "../domain/discount.ts";
import type { Order } from "../domain/redemption.ts";

/** What a redemption was worth, as it was agreed at the checkout. */
export interface Terms {
  order: Order | null;
  discount: Discount | null;
  discountAmount: number | null;
}

/** Numbers count a shard's redemptions 1, 2, 3, … Times are Unix milliseconds. */
export interface Redemption {
  number: number;
  slot: number;
  orderId: string;
  terms: Terms;
  redeemedAt: number;
}

/** What D1 is shown of a redemption. */
export interface PlacedRedemption {
  number: number;
  batchId: string;
  ordinal: number;
  redeemedAt: number;
}

type RedemptionRow = {
  number: number;
  slot: number;
  order_id: string;
  terms: string;
  redeemed_at: number;
};

function toRedemption(row: RedemptionRow): Redemption {
  return {
    number: row.number,
    slot: row.slot,
    orderId: row.order_id,
    terms: JSON.parse(row.terms) as Terms,
    redeemedAt: row.redeemed_at,
  };
}

export class Redemptions {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  lastNumber(): number {
    return this.#sql
      .exec<{ last: number }>("SELECT coalesce(max(number), 0) AS last FROM redemptions")
      .one().last;
  }

  ofSlot(slot: number): Redemption | null {
    return this.#first("SELECT * FROM redemptions WHERE slot = ?", slot);
  }

  find(number: number): Redemption | null {
    return this.#first("SELECT * FROM redemptions WHERE number = ?", number);
  }

  #first(sql: string, value: number): Redemption | null {
    const row = this.#sql.exec<RedemptionRow>(sql, value).toArray()[0];
    return row === undefined ? null : toRedemption(row);
  }

  /** Throws when the slot's code has been redeemed: the caller's checks were wrong. */
  insert(redemption: Redemption): void {
    const { number, slot, orderId, terms, redeemedAt } = redemption;
    this.#sql.exec(
      "INSERT INTO redemptions (number, slot, order_id, terms, redeemed_at) VALUES (?, ?, ?, ?, ?)",
      number,
      slot,
      orderId,
      JSON.stringify(terms),
      redeemedAt,
    );
    this.#sql.exec("UPDATE claims SET redeemed_at = ? WHERE slot = ?", redeemedAt, slot);
  }

  /** Oldest first, those above `number`. */
  listAfter(number: number, limit: number): Redemption[] {
    return this.#sql
      .exec<RedemptionRow>(
        "SELECT * FROM redemptions WHERE number > ? ORDER BY number LIMIT ?",
        number,
        limit,
      )
      .toArray()
      .map(toRedemption);
  }

  /** Oldest first, those above `number`. */
  listPlaced(number: number, limit: number): PlacedRedemption[] {
    return this.#sql
      .exec<PlacedRedemption & Record<string, SqlStorageValue>>(
        `SELECT number, batch_id AS batchId, from_ordinal + slot - first_slot AS ordinal,
                redeemed_at AS redeemedAt
         FROM redemptions JOIN blocks
           ON first_slot = (SELECT max(first_slot) FROM blocks WHERE first_slot <= slot)
         WHERE number > ? ORDER BY number LIMIT ?`,
        number,
        limit,
      )
      .toArray();
  }
}
