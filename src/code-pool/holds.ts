/** Orders' claims to codes in the pool's storage: synchronous SQL. Callers hold the transaction. */

import type { OpenHold } from "../domain/redemption.ts";

export type HoldStatus = "open" | "redeemed" | "released" | "lapsed";

/** Numbers count a shard's holds 1, 2, 3, … Times are Unix milliseconds. */
export interface Hold extends OpenHold {
  slot: number;
  madeAt: number;
  /** Exclusive: from then on it has lapsed, whether or not that was noted. */
  expiresAt: number;
  endedBy: Exclude<HoldStatus, "open"> | null;
}

/** Longer than any key of a request that made one means that request. */
const HOLDS_KEPT_MS = 31 * 86_400_000;

const COLUMNS = `number, slot, order_id AS orderId, made_at AS madeAt, expires_at AS expiresAt,
                 ended_by AS endedBy`;

export function holdStatus({ endedBy, expiresAt }: Hold, now: number): HoldStatus {
  return endedBy ?? (expiresAt <= now ? "lapsed" : "open");
}

export class Holds {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  find(number: number): Hold | null {
    return this.#first("number = ?", number);
  }

  /** The one that nobody else passes by at `now`. */
  openOf(slot: number, now: number): Hold | null {
    return this.#first("slot = ? AND ended_at IS NULL AND expires_at > ?", slot, now);
  }

  #first(where: string, ...values: number[]): Hold | null {
    return (
      this.#sql
        .exec<Hold & Record<string, SqlStorageValue>>(
          `SELECT ${COLUMNS} FROM holds WHERE ${where}`,
          ...values,
        )
        .toArray()[0] ?? null
    );
  }

  /** Throws when one of the code is open: the caller's checks were wrong. */
  insert(hold: Omit<Hold, "number" | "endedBy">): Hold {
    const { slot, orderId, madeAt, expiresAt } = hold;
    this.#sql.exec(
      `UPDATE holds SET ended_at = expires_at, ended_by = 'lapsed'
       WHERE slot = ? AND ended_at IS NULL AND expires_at <= ?`,
      slot,
      madeAt,
    );
    const { number } = this.#sql
      .exec<{ number: number }>(
        `INSERT INTO holds (number, slot, order_id, made_at, expires_at)
         SELECT coalesce(max(number), 0) + 1, ?, ?, ?, ? FROM holds RETURNING number`,
        slot,
        orderId,
        madeAt,
        expiresAt,
      )
      .one();
    // Two for one that is made: so there get no more of them, and nobody has to come for that.
    this.#sql.exec(
      `DELETE FROM holds WHERE number IN (SELECT number FROM holds ORDER BY number LIMIT 2)
         AND expires_at < ?`,
      madeAt - HOLDS_KEPT_MS,
    );
    return { ...hold, number, endedBy: null };
  }

  lengthen(number: number, expiresAt: number): void {
    this.#sql.exec("UPDATE holds SET expires_at = ? WHERE number = ?", expiresAt, number);
  }

  /** Does nothing to one that ended before. */
  end(number: number, by: "redeemed" | "released", now: number): void {
    this.#sql.exec(
      "UPDATE holds SET ended_at = ?, ended_by = ? WHERE number = ? AND ended_at IS NULL",
      now,
      by,
      number,
    );
  }
}
