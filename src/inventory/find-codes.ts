/** Where an inventory's codes are: which campaign they are of, and in whose hands. */

import type { Alongside } from "../db/alongside.ts";
import { rowsOf } from "../db/database.ts";
import { newId } from "../db/new-id.ts";
import type { InventoryId } from "../domain/inventory.ts";
import { matchKey, meantCode } from "../domain/match-key.ts";
import { alongsideStatements } from "./alongside.ts";
import { revocationsToInsert } from "./event-log.ts";
import { ownerSql, shardSql } from "./leases.ts";
import { cutForParameter } from "./parameter.ts";

/** A code, as D1 has it. Times are Unix milliseconds. */
export interface FoundCode {
  code: string;
  campaignId: string;
  /** Of the campaign's row: a copy of it may be older. */
  campaignVersion: number;
  batchId: string;
  ordinal: number;
  /** The shard that decides what becomes of it; null when it lies in D1. */
  shard: number | null;
  /** Whether it is known to be handed out elsewhere: no pool gives it. */
  isOutside: boolean;
  madeAt: number;
  revokedAt: number | null;
  revokedReason: string | null;
}

type FoundRow = Omit<FoundCode, "isOutside"> & { isOutside: number; matchKey: string };

/**
 * Codes looked at for one typed code whose spelling is none of them. Where there are more that look
 * alike, only the exact spelling counts.
 */
const ALIKE_MAX = 50;

const FOUND = `c.match_key AS matchKey, c.code, b.campaign_id AS campaignId,
  k.version AS campaignVersion, c.batch_id AS batchId, c.ordinal, ${ownerSql("c")} AS shard,
  c.outside_shard IS NOT NULL AS isOutside,  b.created_at AS madeAt, c.revoked_at AS revokedAt,
  c.revoked_reason AS revokedReason`;

const OF_CAMPAIGN = `JOIN batches AS b ON b.id = c.batch_id AND c.ordinal < b.created
         JOIN campaigns AS k ON k.id = b.campaign_id`;

// CROSS JOIN: SQLite would rather walk through the whole inventory than look each one up.

/**
 * The code that each of `typed` means (match-key.ts), or null when the inventory has none, or
 * several that look alike. One round trip, unless they are too long for one parameter.
 */
export async function findCodes(
  db: D1Database,
  inventory: InventoryId,
  typed: string[],
): Promise<(FoundCode | null)[]> {
  const found: (FoundCode | null)[] = [];
  for (const part of cutForParameter(typed, (code) => code.length + matchKey(code).length)) {
    found.push(...(await findPart(db, inventory, part)));
  }
  return found;
}

async function findPart(
  db: D1Database,
  inventory: InventoryId,
  typed: string[],
): Promise<(FoundCode | null)[]> {
  const asked = JSON.stringify(typed.map((code) => [matchKey(code), code]));
  const keys = JSON.stringify([...new Set(typed.map(matchKey))]);
  const results = await db.batch([
    db
      .prepare(
        `SELECT ${FOUND} FROM json_each(?2) AS d
         CROSS JOIN codes AS c ON c.inventory = ?1 AND c.match_key = d.value ->> 0 AND c.code = d.value ->> 1
         ${OF_CAMPAIGN}`,
      )
      .bind(inventory, asked),
    db
      .prepare(
        `SELECT ${FOUND} FROM json_each(?2) AS d
         CROSS JOIN codes AS c ON c.inventory = ?1 AND c.match_key = d.value
         ${OF_CAMPAIGN} LIMIT ?3`,
      )
      .bind(inventory, keys, ALIKE_MAX * typed.length),
  ]);
  const [exact, near] = results.map((result) => rowsOf<FoundRow>(result));
  const isWhole = (near ?? []).length < ALIKE_MAX * typed.length;
  const rows = [...(exact ?? []), ...(isWhole ? (near ?? []) : [])];
  const alike = Map.groupBy(rows, (row) => row.matchKey);
  return typed.map((code) => {
    const candidates = distinct(alike.get(matchKey(code)) ?? []);
    const found = isWhole
      ? meantCode(code, candidates)
      : (candidates.find((row) => row.code === code) ?? null);
    if (found === null) return null;
    const { matchKey: _, isOutside, ...rest } = found;
    return { ...rest, isOutside: isOutside === 1 };
  });
}

/** Both statements find the code that is spelt as typed. */
function distinct<Row extends { code: string }>(rows: Row[]): Row[] {
  return [...new Map(rows.map((row) => [row.code, row])).values()];
}

/**
 * Marks codes as revoked: no lease from now on takes them for codes to give. Answers in whose hands
 * each is by then, because a lease that was granted before knows nothing of it.
 */
export async function markRevoked(
  db: D1Database,
  places: readonly { campaignId: string; batchId: string; ordinal: number }[],
  { reason, now }: { reason: string | null; now: number },
  along: Alongside | null,
): Promise<(number | null)[]> {
  const asked = JSON.stringify(places.map(({ batchId, ordinal }) => [batchId, ordinal]));
  const events = [...Map.groupBy(places, ({ campaignId }) => campaignId)].map(([id, mine]) =>
    revocationsToInsert(db, id, { id: newId("event"), places: mine, now }),
  );
  const results = await db.batch([
    // Before the codes are marked: those that are already, they tell nothing of.
    ...events,
    db
      .prepare(
        `UPDATE codes SET revoked_at = ?2, revoked_reason = ?3 FROM json_each(?1) AS d
         WHERE codes.batch_id = d.value ->> 0 AND codes.ordinal = d.value ->> 1
           AND codes.revoked_at IS NULL`,
      )
      .bind(asked, now, reason),
    shardsNow(db, places),
    ...alongsideStatements(db, along),
  ]);
  const shards = results[events.length + 1];
  return rowsOf<{ shard: number | null }>(shards).map(({ shard }) => shard);
}

/** In whose hands each of the codes is. */
export async function findShards(
  db: D1Database,
  places: readonly { batchId: string; ordinal: number }[],
): Promise<(number | null)[]> {
  const [shards] = await db.batch([shardsNow(db, places)]);
  return rowsOf<{ shard: number | null }>(shards).map(({ shard }) => shard);
}

/**
 * Marks codes as handed out elsewhere, so that no lease from now on takes them for codes to give;
 * the shard that has leased one decides what becomes of it, or else `shard`. Answers whose each is,
 * and whether it is marked: not when it is revoked, or shows a claim. Safe to repeat.
 */
export async function markOutside(
  db: D1Database,
  codes: readonly { batchId: string; ordinal: number; shard: number }[],
): Promise<Pick<FoundCode, "shard" | "isOutside" | "revokedAt">[]> {
  if (codes.length === 0) return [];
  const results = await db.batch(
    codes.flatMap(({ batchId, ordinal, shard }) => [
      db
        .prepare(
          `UPDATE codes SET outside_shard = coalesce(${shardSql("codes")}, ?3)
           WHERE batch_id = ?1 AND ordinal = ?2
             AND outside_shard IS NULL AND claim_id IS NULL AND revoked_at IS NULL`,
        )
        .bind(batchId, ordinal, shard),
      db
        .prepare(
          `SELECT ${ownerSql("c")} AS shard, c.outside_shard IS NOT NULL AS isOutside,
                  c.revoked_at AS revokedAt FROM codes AS c WHERE c.batch_id = ?1 AND c.ordinal = ?2`,
        )
        .bind(batchId, ordinal),
    ]),
  );
  return codes.map((_, i) => {
    const [row] = rowsOf<{ shard: number | null; isOutside: number; revokedAt: number | null }>(
      results[2 * i + 1],
    );
    if (row === undefined) throw new Error("A code vanished");
    return { ...row, isOutside: row.isOutside === 1 };
  });
}

function shardsNow(db: D1Database, places: readonly { batchId: string; ordinal: number }[]) {
  return db
    .prepare(
      `SELECT ${ownerSql("c")} AS shard FROM json_each(?1) AS d CROSS JOIN codes AS c
         ON c.batch_id = d.value ->> 0 AND c.ordinal = d.value ->> 1 ORDER BY d.key`,
    )
    .bind(JSON.stringify(places.map(({ batchId, ordinal }) => [batchId, ordinal])));
}
