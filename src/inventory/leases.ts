/** Blocks of codes on their way from D1 to a pool shard. May import db/ and domain/. */

import { rowsOf } from "../db/database.ts";

/** Codes fromOrdinal … fromOrdinal + codes.length - 1 of one batch, in the hands of one shard. */
export interface Lease {
  id: string;
  batchId: string;
  fromOrdinal: number;
  codes: string[];
  /** Ordinals of those that must not be given: revoked, or handed out elsewhere. */
  withdrawn: number[];
}

/**
 * How many blocks the rest of the stock is cut into for each shard: the fewer left, the smaller.
 */
const BLOCKS_PER_SHARD = 2;

/** ?1 was neither granted yet nor given up. */
const IS_NEW = `NOT EXISTS (SELECT 1 FROM leases WHERE id = ?1)
           AND NOT EXISTS (SELECT 1 FROM ended_leases WHERE id = ?1)`;

/**
 * Gives the shard a block that was given back, or the next one of the campaign's oldest batch with
 * codes left; null when every code there lies with a shard.
 *
 * One transaction. The shard stores the id before it asks, and when no answer comes it does not ask
 * under that id again before `settleLease` told it what became of it. `batches.leased` only grows
 * and moves with the lease that explains it; UNIQUE (batch_id, from_ordinal) stands behind that.
 */
export async function leaseBlock(
  db: D1Database,
  lease: {
    leaseId: string;
    campaignId: string;
    shard: number;
    shards: number;
    sizeMax: number;
    now: number;
  },
): Promise<Lease | null> {
  const { leaseId, campaignId, shard, shards, sizeMax, now } = lease;
  // With one shard there is nobody to leave codes for.
  const parts = shards === 1 ? 1 : shards * BLOCKS_PER_SHARD;
  const [, , , found, codes] = await db.batch([
    db
      .prepare(
        `UPDATE leases SET id = ?1, shard = ?3, leased_at = ?4
         WHERE id = (SELECT id FROM leases WHERE campaign_id = ?2 AND shard IS NULL ORDER BY id LIMIT 1)
           AND ${IS_NEW}`,
      )
      .bind(leaseId, campaignId, shard, now),
    db
      .prepare(
        `INSERT INTO leases (id, campaign_id, shard, batch_id, from_ordinal, size, leased_at)
         SELECT ?1, campaign_id, ?3, id, leased, min(?4, created - leased, max(1,
                  (SELECT sum(created - leased) FROM batches WHERE campaign_id = ?2 AND leased < created)
                  / CAST(?5 AS INTEGER)
                )), ?6 FROM batches
         WHERE campaign_id = ?2 AND leased < created AND ${IS_NEW}
         ORDER BY id LIMIT 1`,
      )
      .bind(leaseId, campaignId, shard, sizeMax, parts, now),
    db
      .prepare(
        `UPDATE batches SET leased = leased + l.size FROM leases AS l
         WHERE l.id = ?1 AND batches.id = l.batch_id AND batches.leased = l.from_ordinal`,
      )
      .bind(leaseId),
    ...readLease(db, leaseId),
  ]);
  return toLease(leaseId, found, codes);
}

/**
 * What became of a lease whose answer was lost: the lease, or null, and then it never will be
 * granted, however late the call that asked for it reaches D1. Safe to repeat.
 */
export async function settleLease(db: D1Database, leaseId: string): Promise<Lease | null> {
  const [, found, codes] = await db.batch([
    db.prepare(`INSERT INTO ended_leases (id) SELECT ?1 WHERE ${IS_NEW}`).bind(leaseId),
    ...readLease(db, leaseId),
  ]);
  return toLease(leaseId, found, codes);
}

function readLease(db: D1Database, leaseId: string): D1PreparedStatement[] {
  return [
    db.prepare("SELECT batch_id, from_ordinal, size FROM leases WHERE id = ?1").bind(leaseId),
    db
      .prepare(
        `SELECT c.code, c.ordinal, coalesce(c.revoked_at, c.outside_shard) IS NOT NULL AS isGone FROM leases AS l JOIN codes AS c
           ON c.batch_id = l.batch_id AND c.ordinal >= l.from_ordinal AND c.ordinal < l.from_ordinal + l.size
         WHERE l.id = ?1 ORDER BY c.ordinal`,
      )
      .bind(leaseId),
  ];
}

/** From the two results of `readLease`. */
function toLease(
  id: string,
  found: D1Result | undefined,
  codes: D1Result | undefined,
): Lease | null {
  const [row] = rowsOf<{ batch_id: string; from_ordinal: number; size: number }>(found);
  if (row === undefined) return null;
  const block = rowsOf<{ code: string; ordinal: number; isGone: number }>(codes);
  if (block.length !== row.size) throw new Error(`Lease ${id} names codes that are not there`);
  return {
    id,
    batchId: row.batch_id,
    fromOrdinal: row.from_ordinal,
    codes: block.map(({ code }) => code),
    withdrawn: block.filter(({ isGone }) => isGone === 1).map(({ ordinal }) => ordinal),
  };
}

/** The shard that has a row of `codes` in its hands, as SQL: NULL when none does. */
export function shardSql(code: string): string {
  return `(SELECT CASE WHEN ${code}.ordinal < l.from_ordinal + l.size THEN l.shard END FROM leases AS l
    WHERE l.batch_id = ${code}.batch_id AND l.from_ordinal <= ${code}.ordinal
    ORDER BY l.from_ordinal DESC LIMIT 1)`;
}

/** The shard that decides what becomes of a code, as SQL: NULL when none does yet. */
export function ownerSql(code: string): string {
  return `coalesce(${code}.outside_shard, ${shardSql(code)})`;
}

/** The end of a lease that its shard gives back: it keeps the first `kept` of `size` codes. */
export interface GivenBack {
  /** Names the free block that comes of it. Chosen and stored by the shard before it asks. */
  id: string;
  leaseId: string;
  size: number;
  kept: number;
}

/**
 * Frees the end of a lease for other shards. One transaction, and done once however often it is
 * asked: each statement finds the lease only as it was before.
 */
export async function giveBack(db: D1Database, given: GivenBack, now: number): Promise<void> {
  const { id, leaseId, size, kept } = given;
  await db.batch([
    db
      .prepare(
        `INSERT INTO leases (id, campaign_id, shard, batch_id, from_ordinal, size, leased_at)
         SELECT ?1, campaign_id, NULL, batch_id, from_ordinal + ?4, size - ?4, ?5 FROM leases
         WHERE id = ?2 AND size = ?3 AND ?4 > 0`,
      )
      .bind(id, leaseId, size, kept, now),
    db
      .prepare("UPDATE leases SET size = ?3 WHERE id = ?1 AND size = ?2 AND ?3 > 0")
      .bind(leaseId, size, kept),
    db
      .prepare("UPDATE leases SET shard = NULL WHERE id = ?1 AND size = ?2 AND ?3 = 0")
      .bind(leaseId, size, kept),
  ]);
}
