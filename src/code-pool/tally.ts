/** What a pool counts of its ledger: synchronous SQL, a few rows however many claims there are. */

import type { LastClaims } from "../domain/rate.ts";
import type { Ledger } from "./ledger.ts";
import type { Redemptions } from "./redemptions.ts";
import type { Settings } from "./settings.ts";
import type { Stock } from "./stock.ts";

const HOUR_MS = 3_600_000;
/** Enough for a rate, and half a millisecond's work. */
const LAST_CLAIMS_MAX = 1_000;

/** All of one moment. */
export interface PoolTally extends LastClaims {
  claims: number;
  /** Those that stand. */
  redemptions: number;
  /** When the campaign ends, as this pool knows it; null before its first call. */
  campaign: { version: number; endsAt: number | null } | null;
}

export interface IntervalCounts {
  claimed: number;
  /** Those that were undone since, too. */
  redeemed: number;
}

/**
 * Ledgers that grow by one after the other, each at the time of the one before or later. Where a
 * clock was set back, some fall into an interval beside their own; none is lost or counted twice.
 */
const BY_TIME = {
  claims: { table: "claims", number: "slot", at: "claimed_at" },
  redemptions: { table: "redemptions", number: "number", at: "redeemed_at" },
};

export class Tally {
  readonly #sql: SqlStorage;
  readonly #ledger: Ledger;
  readonly #redemptions: Redemptions;
  readonly #stock: Stock;
  readonly #settings: Settings;
  // Slots passed over up to that one: no code comes back there, so they are counted once.
  #passed = { upTo: 0, count: 0 };

  constructor(options: {
    sql: SqlStorage;
    ledger: Ledger;
    redemptions: Redemptions;
    stock: Stock;
    settings: Settings;
  }) {
    this.#sql = options.sql;
    this.#ledger = options.ledger;
    this.#redemptions = options.redemptions;
    this.#stock = options.stock;
    this.#settings = options.settings;
  }

  now(): PoolTally {
    const upTo = this.#ledger.lastSlot();
    const since = this.#passed;
    this.#passed = { upTo, count: since.count + this.#stock.passedOver(since.upTo, upTo) };
    const known = this.#settings.find()?.campaign;
    return {
      claims: upTo - this.#passed.count,
      redemptions: this.#redemptions.count(),
      ...this.#ledger.lastClaims(Date.now() - HOUR_MS, LAST_CLAIMS_MAX),
      campaign: known
        ? { version: known.version, endsAt: known.status === "ended" ? 0 : known.endsAt }
        : null,
    };
  }

  /** With the counts of what came between each of the times and the next. */
  withCounts(times: readonly number[]): PoolTally & { between: IntervalCounts[] } {
    return { ...this.now(), between: this.#between(times) };
  }

  /**
   * What came between each of the times and the next. Slots and numbers follow time, so each edge
   * is found by halving, and between two of them only slots passed over need to be counted.
   */
  #between(times: readonly number[]): IntervalCounts[] {
    if (times.length < 2) return [];
    const slots = this.#before(BY_TIME.claims, this.#ledger.lastSlot(), times);
    const numbers = this.#before(BY_TIME.redemptions, this.#redemptions.lastNumber(), times);
    return times.slice(1).map((_, i) => {
      const [from = 0, to = 0] = slots.slice(i, i + 2);
      const [first = 0, last = 0] = numbers.slice(i, i + 2);
      return { claimed: to - from - this.#stock.passedOver(from, to), redeemed: last - first };
    });
  }

  /** For each time the highest number, `last` at most, up to which every row is older. */
  #before(
    { table, number, at }: (typeof BY_TIME)["claims"],
    last: number,
    times: readonly number[],
  ): number[] {
    // A number is bound as a REAL, whose half may be no whole one.
    return this.#sql
      .exec<{ low: number }>(
        `WITH RECURSIVE search (i, time, low, high) AS (
           SELECT key, value, 0, CAST(?2 AS INTEGER) + 1 FROM json_each(?1)
           UNION ALL
           SELECT i, time, iif(coalesce(${at} < time, 1), (low + high) / 2, low),
                  iif(coalesce(${at} < time, 1), high, (low + high) / 2)
           FROM search LEFT JOIN ${table}
             ON ${number} = (SELECT max(${number}) FROM ${table} WHERE ${number} BETWEEN 1 AND (low + high) / 2)
           WHERE high - low > 1
         )
         SELECT low FROM search WHERE high - low = 1 ORDER BY i`,
        JSON.stringify(times),
        last,
      )
      .toArray()
      .map(({ low }) => low);
  }
}
