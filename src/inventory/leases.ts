/** Blocks of codes on their way from D1 to a pool shard. May import db/ and domain/. */

import { rowsOf } from "../db/database.ts";

/** Codes fromOrdinal … fromOrdinal + codes.length - 1 of one batch, in the hands of one shard. */
export interface Lease {
  id: string;
  batchId: string;
  fromOrdinal: number;
  codes: string[];
}

/**
 * Gives the shard the next block of the campaign's oldest batch with codes left, or null when every
 * code there is has been leased.
 *
 * One transaction, idempotent by `leaseId`: the shard stores the id first, so after a lost answer
 * it asks again with the same id and gets the same block. `batches.leased` only grows and moves
 * with the lease that explains it, and UNIQUE (batch_id, from_ordinal) stands behind that.
 */
export async function leaseBlock(
  db: D1Database,
  lease: { leaseId: string; campaignId: string; shard: number; size: number; now: number },
): Promise<Lease | null> {
  const [, , found, codes] = await db.batch([
    db
      .prepare(
        `INSERT INTO leases (id, campaign_id, shard, batch_id, from_ordinal, size, leased_at)
         SELECT ?1, campaign_id, ?3, id, leased, min(?4, created - leased), ?5 FROM batches
         WHERE campaign_id = ?2 AND leased < created ORDER BY id LIMIT 1
         ON CONFLICT (id) DO NOTHING`,
      )
      .bind(lease.leaseId, lease.campaignId, lease.shard, lease.size, lease.now),
    db
      .prepare(
        `UPDATE batches SET leased = leased + l.size FROM leases AS l
         WHERE l.id = ?1 AND batches.id = l.batch_id AND batches.leased = l.from_ordinal`,
      )
      .bind(lease.leaseId),
    db.prepare("SELECT batch_id, from_ordinal, size FROM leases WHERE id = ?1").bind(lease.leaseId),
    db
      .prepare(
        `SELECT c.code FROM leases AS l JOIN codes AS c
           ON c.batch_id = l.batch_id AND c.ordinal >= l.from_ordinal AND c.ordinal < l.from_ordinal + l.size
         WHERE l.id = ?1 ORDER BY c.ordinal`,
      )
      .bind(lease.leaseId),
  ]);
  const [row] = rowsOf<{ batch_id: string; from_ordinal: number; size: number }>(found);
  if (row === undefined) return null;
  const block = rowsOf<{ code: string }>(codes).map(({ code }) => code);
  if (block.length !== row.size)
    throw new Error(`Lease ${lease.leaseId} names codes that are not there`);
  return { id: lease.leaseId, batchId: row.batch_id, fromOrdinal: row.from_ordinal, codes: block };
}
