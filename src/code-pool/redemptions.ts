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
  rolledBack: { at: number; reason: string } | null;
}

type RedemptionRow = {
  number: number;
  slot: number;
  order_id: string;
  terms: string;
  redeemed_at: number;
  rolled_back_at: number | null;
  rollback_reason: string | null;
};

function toRedemption(row: RedemptionRow): Redemption {
  return {
    number: row.number,
    slot: row.slot,
    orderId: row.order_id,
    terms: JSON.parse(row.terms) as Terms,
    redeemedAt: row.redeemed_at,
    rolledBack:
      row.rolled_back_at === null
        ? null
        : { at: row.rolled_back_at, reason: row.rollback_reason ?? "" },
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

  /** How many stand. */
  count(): number {
    const { undone } = this.#sql
      .exec<{ undone: number }>("SELECT count(*) AS undone FROM redemptions WHERE rollback > 0")
      .one();
    return this.lastNumber() - undone;
  }

  /** The one that stands. */
  ofSlot(slot: number): Redemption | null {
    return this.#list("slot = ? AND rollback = 0", slot)[0] ?? null;
  }

  find(number: number): Redemption | null {
    return this.#list("number = ?", number)[0] ?? null;
  }

  /** All of the slot's, first to last, those that were undone too. */
  allOfSlot(slot: number): Redemption[] {
    return this.#list("slot = ? ORDER BY number", slot);
  }

  #list(where: string, ...values: number[]): Redemption[] {
    return this.#sql
      .exec<RedemptionRow>(`SELECT * FROM redemptions WHERE ${where}`, ...values)
      .toArray()
      .map(toRedemption);
  }

  /** Throws when one of the slot stands: the caller's checks were wrong. */
  insert({ number, slot, orderId, terms, redeemedAt }: Redemption): void {
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

  /** Undoes one that stands. `rollback`: the number of that in the log. */
  rollBack({ number, slot }: Redemption, rollback: number, undone: { at: number; reason: string }) {
    this.#sql.exec(
      `UPDATE redemptions SET rollback = ?, rolled_back_at = ?, rollback_reason = ?
       WHERE number = ?`,
      rollback,
      undone.at,
      undone.reason,
      number,
    );
    this.#sql.exec("UPDATE claims SET redeemed_at = NULL WHERE slot = ?", slot);
  }

  /** Oldest first, those above `number`. */
  listAfter(number: number, limit: number): Redemption[] {
    return this.#list("number > ? ORDER BY number LIMIT ?", number, limit);
  }
}
