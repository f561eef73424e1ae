/** The pool's one row: the campaign's settings as last seen, and how far D1 has been told. */

import type { PoolCampaign } from "../domain/claim.ts";

/**
 * What settings lack that a pool stored before there was such a thing, as D1's migrations set it. A
 * campaign that was not changed since is of the same version, so nothing else would fill them in.
 */
const ADDED_LATER = {
  contactRetentionDays: null,
  claimsPerMinuteMax: null,
  breakerCountsFrom: 0,
  breakerTrippedAt: null,
  reveal: "at_claim",
  revealWithinSeconds: 900,
  holderOnly: false,
  redeemUnclaimed: false,
  codesOutliveCampaign: true,
} satisfies Partial<PoolCampaign>;

/** What the row says of the pool, besides how far D1 has been told. */
interface Stored {
  campaign: PoolCampaign;
  shard: number;
  /** Reservations that are not noted as lapsed. */
  reserved: number;
}

// Read from storage every time, never from memory: a copy in memory could outlive a transaction
// that was rolled back, or be that of an object which was replaced elsewhere.
export class Settings {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Keeps `offered` if it is newer than what is stored, and returns the newer of the two. */
  newest(offered: PoolCampaign, shard: number): Stored {
    const stored = this.find();
    if (stored !== null && stored.campaign.version >= offered.version) return stored;
    this.#sql.exec(
      `INSERT INTO pool (only_row, shard, campaign, projected_slot) VALUES (1, ?1, ?2, 0)
       ON CONFLICT (only_row) DO UPDATE SET campaign = ?2`,
      shard,
      JSON.stringify(offered),
    );
    this.#noteLife(offered.codeLifetimeSeconds);
    return { campaign: offered, shard, reserved: stored?.reserved ?? 0 };
  }

  /** Codes that are given from now on live so long (expiry.ts). */
  #noteLife(seconds: number | null): void {
    this.#sql.exec(
      `INSERT INTO lives (first_slot, seconds, next_slot)
       SELECT next, ?1, next FROM (SELECT coalesce(max(slot), 0) + 1 AS next FROM claims WHERE slot > 0)
       WHERE NOT EXISTS (SELECT 1 FROM lives)
         OR (SELECT seconds FROM lives ORDER BY first_slot DESC LIMIT 1) IS NOT ?1
       ON CONFLICT (first_slot) DO UPDATE SET seconds = excluded.seconds`,
      seconds,
    );
  }

  /** Throws on a pool that was never claimed from or configured: no caller gets that far. */
  current(): Stored {
    const stored = this.find();
    if (stored === null) throw new Error("This pool belongs to no campaign yet");
    return stored;
  }

  /** Null in a pool that was never claimed from or configured. */
  find(): Stored | null {
    const row = this.#sql
      .exec<{ campaign: string; shard: number; reserved: number }>(
        "SELECT campaign, shard, reserved FROM pool",
      )
      .toArray()[0];
    if (row === undefined) return null;
    const stored = JSON.parse(row.campaign) as Omit<PoolCampaign, keyof typeof ADDED_LATER>;
    return { ...row, campaign: { ...ADDED_LATER, ...stored } };
  }

  /** When the breaker tripped here last, or null when it never did. */
  trip(): { at: number; max: number; isTold: boolean } | null {
    const row = this.#sql
      .exec<{ at: number; max: number; told: number }>(
        `SELECT tripped_at AS at, tripped_max AS max, trip_is_told AS told FROM pool
         WHERE tripped_at IS NOT NULL`,
      )
      .toArray()[0];
    return row === undefined ? null : { at: row.at, max: row.max, isTold: row.told === 1 };
  }

  storeTrip({ at, max }: { at: number; max: number }): void {
    this.#sql.exec("UPDATE pool SET tripped_at = ?, tripped_max = ?, trip_is_told = 0", at, max);
  }

  /** D1 was told, which logged it. */
  tripIsTold(at: number): void {
    this.#sql.exec("UPDATE pool SET trip_is_told = 1, news = news + 1 WHERE tripped_at = ?", at);
  }

  /** The last slot that D1 is known to show. */
  projectedSlot(): number {
    const row = this.#sql
      .exec<{ slot: number }>("SELECT projected_slot AS slot FROM pool")
      .toArray()[0];
    return row?.slot ?? 0;
  }

  /** The last entry of the pool's log that D1 is known to have. */
  projectedLog(): number {
    const row = this.#sql
      .exec<{ number: number }>("SELECT projected_log AS number FROM pool")
      .toArray()[0];
    return row?.number ?? 0;
  }

  /** D1 has entered these entries into its log and shows them. */
  logProjectedUpTo(number: number, { isNews }: { isNews: boolean }): void {
    this.#sql.exec(
      "UPDATE pool SET projected_log = ?1, news = news + ?2 WHERE projected_log < ?1",
      number,
      isNews ? 1 : 0,
    );
  }

  /** D1 has entered these claims into the log and shows them. */
  projectedUpTo(slot: number, { isNews }: { isNews: boolean }): void {
    this.#sql.exec(
      "UPDATE pool SET projected_slot = ?1, news = news + ?2 WHERE projected_slot < ?1",
      slot,
      isNews ? 1 : 0,
    );
  }

  /** What entered the log that webhooks are to hear of, counted, and how much they have heard. */
  news(): { number: number; confirmed: number } {
    const row = this.#sql
      .exec<{ number: number; confirmed: number }>(
        "SELECT news AS number, news_confirmed AS confirmed FROM pool",
      )
      .toArray()[0];
    return row ?? { number: 0, confirmed: 0 };
  }

  newsConfirmed(number: number): void {
    this.#sql.exec("UPDATE pool SET news_confirmed = ?1 WHERE news_confirmed < ?1", number);
  }
}
