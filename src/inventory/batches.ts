/** Making codes. May import db/ and domain/. */

import { drawCodes } from "../domain/code-format.ts";
import { newId, randomBytes } from "../db/new-id.ts";
import { findBatch, type BatchRow } from "../db/batches.ts";

/**
 * Makes `count` codes for the campaign: exactly that many, or none. All of a batch is one
 * transaction; its codes can be leased only from the moment that every one of them is there.
 */
export async function makeBatch(
  db: D1Database,
  { campaignId, brandId, count }: { campaignId: string; brandId: string; count: number },
): Promise<BatchRow> {
  const batchId = newId("batch");
  const now = Date.now();
  await db.batch([
    db
      .prepare(
        "INSERT INTO batches (id, campaign_id, status, requested, created_at) VALUES (?1, ?2, 'running', ?3, ?4)",
      )
      .bind(batchId, campaignId, count, now),
    ...fillPlaces(db, { batchId, brandId, places: Array.from({ length: count }, (_, i) => i) }),
  ]);
  // A code that the brand has already was left out. Draw again for its place until none is empty.
  for (;;) {
    const batch = await findBatch(db, batchId);
    if (batch === null) throw new Error(`Batch ${batchId} vanished`);
    if (batch.status === "complete") return batch;
    const places = await emptyPlaces(db, batchId, count);
    await db.batch(fillPlaces(db, { batchId, brandId, places }));
  }
}

/**
 * Statements that put a fresh code into each place, and complete the batch if that was the last.
 */
function fillPlaces(
  db: D1Database,
  { batchId, brandId, places }: { batchId: string; brandId: string; places: number[] },
): D1PreparedStatement[] {
  const codes = drawCodes(places.length, randomBytes);
  const rows = places.map((ordinal, i) => [ordinal, codes[i]]);
  return [
    // WHERE true: without it SQLite reads ON CONFLICT as part of the SELECT's join.
    db
      .prepare(
        `INSERT INTO codes (batch_id, ordinal, brand_id, code)
         SELECT ?1, value ->> 0, ?2, value ->> 1 FROM json_each(?3) WHERE true
         ON CONFLICT DO NOTHING`,
      )
      .bind(batchId, brandId, JSON.stringify(rows)),
    db
      .prepare(
        `UPDATE batches SET created = requested, status = 'complete', finished_at = ?2
         WHERE id = ?1 AND status = 'running' AND requested = (SELECT count(*) FROM codes WHERE batch_id = ?1)`,
      )
      .bind(batchId, Date.now()),
  ];
}

async function emptyPlaces(db: D1Database, batchId: string, count: number): Promise<number[]> {
  const { results } = await db
    .prepare("SELECT ordinal FROM codes WHERE batch_id = ?1")
    .bind(batchId)
    .all<{ ordinal: number }>();
  const taken = new Set(results.map(({ ordinal }) => ordinal));
  return Array.from({ length: count }, (_, i) => i).filter((ordinal) => !taken.has(ordinal));
}
