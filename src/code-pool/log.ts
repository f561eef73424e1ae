/**
 * What became of codes after they were given, in order: synchronous SQL. Callers hold the
 * transaction.
 */

import type { Claim, Ledger } from "./ledger.ts";
import type { LedgerEntries, LedgerStretch } from "./messages.ts";
import type { Redemption, Redemptions } from "./redemptions.ts";

export type LogKind = "redeemed" | "rolled_back" | "expired";

/** An entry of the log. `at` in Unix milliseconds. */
export interface LogEntry {
  kind: LogKind;
  at: number;
  claim: Claim;
  /** Null of a code that expired. */
  redemption: Redemption | null;
}

/** What D1 is shown of an entry. */
export interface PlacedEntry {
  number: number;
  kind: LogKind;
  at: number;
  batchId: string;
  ordinal: number;
}

type LogRow = { kind: LogKind; slot: number; redemption: number | null; at: number };

export class Log {
  readonly #sql: SqlStorage;
  readonly #ledger: Ledger;
  readonly #redemptions: Redemptions;

  constructor(options: { sql: SqlStorage; ledger: Ledger; redemptions: Redemptions }) {
    this.#sql = options.sql;
    this.#ledger = options.ledger;
    this.#redemptions = options.redemptions;
  }

  lastNumber(): number {
    return this.#sql
      .exec<{ last: number }>("SELECT coalesce(max(number), 0) AS last FROM log")
      .one().last;
  }

  /** The entry's number. Throws when a code's end is there already. */
  append({ kind, slot, redemption, at }: LogRow): number {
    const number = this.lastNumber() + 1;
    this.#sql.exec("INSERT INTO log VALUES (?, ?, ?, ?, ?)", number, kind, slot, redemption, at);
    return number;
  }

  /** Whether the code's end is in it. */
  hasEnd(slot: number): boolean {
    return (
      this.#sql.exec("SELECT 1 FROM log WHERE kind = 'expired' AND slot = ?", slot).toArray()
        .length > 0
    );
  }

  /** Oldest first, those above `number`. */
  #listAfter(number: number, limit: number): LogEntry[] {
    return this.#sql
      .exec<LogRow>(
        "SELECT kind, slot, redemption, at FROM log WHERE number > ? ORDER BY number LIMIT ?",
        number,
        limit,
      )
      .toArray()
      .map(({ kind, slot, redemption, at }) => {
        const claim = this.#ledger.ofSlot(slot);
        if (claim === null) throw new Error(`What became of slot ${slot} is known, and no claim`);
        const found = redemption === null ? null : this.#redemptions.find(redemption);
        return { kind, at, claim, redemption: found };
      });
  }

  /** What D1's log names of it and of the ledger, in the order asked. */
  read(stretches: readonly LedgerStretch[]): LedgerEntries[] {
    return stretches.map(({ kind, after, skip, take }) =>
      kind === "claims"
        ? { kind, claims: this.#ledger.listAfter(after, skip, take) }
        : { kind, entries: this.#listAfter(after + skip, take) },
    );
  }

  /** Oldest first, those above `number` up to the first of another kind. */
  listPlaced(number: number, limit: number): PlacedEntry[] {
    const rows = this.#sql
      .exec<PlacedEntry & Record<string, SqlStorageValue>>(
        `SELECT number, kind, at, coalesce(o.batch_id, b.batch_id) AS batchId,
                coalesce(o.ordinal, from_ordinal + log.slot - first_slot) AS ordinal
         FROM log LEFT JOIN outside AS o ON o.slot = log.slot LEFT JOIN blocks AS b
           ON first_slot = (SELECT max(first_slot) FROM blocks WHERE first_slot <= log.slot)
         WHERE number > ? ORDER BY number LIMIT ?`,
        number,
        limit,
      )
      .toArray();
    const other = rows.findIndex(({ kind }) => kind !== rows[0]?.kind);
    return other < 0 ? rows : rows.slice(0, other);
  }
}
