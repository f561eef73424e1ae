/**
 * Making codes, in steps. May import db/ and domain/.
 *
 * A batch has places 0 … requested - 1. The first `created` of them hold a code; no other does for
 * longer than it takes to fill a step. A step is one transaction that fills places only as long as
 * the batch stands where the caller saw it, so a step whose outcome is unknown is simply done
 * again: it makes not one code more than was asked for.
 */

import { sql } from "drizzle-orm";
import { clashOf, type Alongside, type Clash } from "../db/alongside.ts";
import { rowsOf } from "../db/database.ts";
import { eventToInsert } from "../db/events.ts";
import { randomBytes } from "../db/new-id.ts";
import { listShapes, ruleOf, shapeIn, type CodeShapeRow } from "../db/code-shapes.ts";
import { BATCH_STEP, BATCH_STEP_CHARS } from "../domain/batch.ts";
import {
  drawCodes,
  isAlike,
  lengthOf,
  matchKeyLength,
  type CodeShape,
} from "../domain/code-format.ts";
import { alongsideStatements, statementOf } from "./alongside.ts";
import { CODE_IN, codeTexts, KEY_IN } from "./code-text.ts";
import { lastLease, lastLeaseIn } from "./pace.ts";

export interface BatchToMake {
  /** Chosen by the caller before the first try, so that asking again makes no second batch. */
  id: string;
  campaignId: string;
  /** Of the campaign, as the next. */
  brandId: string;
  shards: number;
  count: number;
  shape: CodeShapeRow;
  /** Live codes of that look at most. */
  codesMax: number;
  along: Alongside | null;
}

/** Shapes that others add to the same inventory at the same moment, one after the other. */
const TRIES = 10;

/**
 * Notes that the batch is to be made, unless there would be more live codes that look like its own
 * than may be. Safe to repeat.
 */
export async function startBatch(
  db: D1Database,
  batch: BatchToMake,
): Promise<
  { kind: "started" } | { kind: "too-many"; live: number } | { kind: "clash"; clash: Clash }
> {
  const { id, campaignId, count, shape, codesMax, along } = batch;
  const live = `(SELECT coalesce(sum(CASE b.status WHEN 'running' THEN b.requested ELSE b.created END), 0)
    FROM json_each(?1) AS s CROSS JOIN batches AS b ON b.shape_id = s.value)`;
  const shapes = "(SELECT count(*) FROM code_shapes WHERE inventory = ?2)";
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const known = await listShapes(db, shape.inventory);
    const alike = known.filter((row) => isAlike(shapeIn(row), shapeIn(shape)));
    const look = [JSON.stringify(alike.map((row) => row.id)), shape.inventory];
    const statements = [
      db
        .prepare(
          `INSERT INTO batches (id, campaign_id, status, requested, created_at, shape_id)
           SELECT ?3, ?4, 'running', ?5, ?6, ?7 WHERE ?5 + ${live} <= ?8 AND ${shapes} = ?9
           ON CONFLICT (id) DO NOTHING`,
        )
        .bind(...look, id, campaignId, count, Date.now(), shape.id, codesMax, known.length),
      db
        .prepare(
          `SELECT (SELECT count(*) FROM batches WHERE id = ?3) AS started, ${live} AS live, ${shapes} AS shapes`,
        )
        .bind(...look, id),
      ...alongsideStatements(db, along),
    ];
    const results = await db.batch(statements).catch((error: unknown) => {
      const clash = clashOf(error);
      if (clash === null) throw error;
      return clash;
    });
    if (typeof results === "string") return { kind: "clash", clash: results };
    const [, found] = results;
    const [row] = rowsOf<{ started: number; live: number; shapes: number }>(found);
    if (row === undefined) throw new Error("A count without a row");
    if (row.started === 1) return { kind: "started" };
    if (row.shapes === known.length) return { kind: "too-many", live: row.live };
  }
  throw new Error(`Shapes of ${shape.inventory} kept being added`);
}

/** A batch as it stood when it was looked at. */
export interface RunningBatch {
  id: string;
  campaignId: string;
  shards: number;
  requested: number;
  created: number;
}

/** What a step found or left. */
export interface BatchStep {
  created: number;
  isRunning: boolean;
  /** Every code that was drawn exists already, or there was nothing to fill any more. */
  isVain: boolean;
  /** When codes were last leased. */
  lastLeaseAt: number | null;
}

/**
 * Fills the next places of the batch; those that stay empty, because a code drawn for them exists,
 * are filled by the next step. Codes count, and can be leased, once all places before them are
 * full. `hard`: a step was in vain before, so as many codes are drawn as a step may have, some of
 * them for the same place.
 */
export async function growBatch(
  db: D1Database,
  batch: RunningBatch,
  shape: CodeShapeRow,
  { hard }: { hard: boolean },
): Promise<BatchStep> {
  const { id, created } = batch;
  const step = stepOf(shape);
  const size = Math.min(step, batch.requested - created);
  const drawn = drawCodes(ruleOf(shape), hard ? step : size, randomBytes);
  const [filled, , , found, leased] = await db.batch([
    // A place that is full, or a code that is there, changes nothing.
    db
      .prepare(
        `INSERT INTO codes (batch_id, ordinal, inventory, code, match_key)
         SELECT ?1, ?2 + d.key % ?5, ?3, ${CODE_IN}, ${KEY_IN} FROM json_each(?4) AS d
         WHERE EXISTS (SELECT 1 FROM batches WHERE id = ?1 AND status = 'running' AND created = ?2)
         ON CONFLICT DO NOTHING`,
      )
      .bind(id, created, shape.inventory, codeTexts(drawn), size),
    db
      .prepare(
        `UPDATE batches SET created = ?2 + ?3,
           status = iif(?2 + ?3 = requested, 'complete', status),
           finished_at = iif(?2 + ?3 = requested, ?4, finished_at)
         WHERE id = ?1 AND status = 'running' AND created = ?2
           AND (SELECT count(*) FROM codes WHERE batch_id = ?1 AND ordinal >= ?2 AND ordinal < ?2 + ?3) = ?3`,
      )
      .bind(id, created, size, Date.now()),
    statementOf(
      db,
      eventToInsert(
        db,
        {
          id,
          campaignId: batch.campaignId,
          type: "batch.completed",
          timestamp: Date.now(),
          data: { batch_id: id, created: batch.requested },
        },
        sql`EXISTS (SELECT 1 FROM batches WHERE id = ${id} AND status = 'complete')`,
      ),
    ),
    db.prepare("SELECT created, status = 'running' AS running FROM batches WHERE id = ?1").bind(id),
    lastLease(db),
  ]);
  const [now] = rowsOf<{ created: number; running: number }>(found);
  if (now === undefined) throw new Error(`Batch ${id} vanished`);
  return {
    created: now.created,
    isRunning: now.running === 1,
    isVain: filled?.meta.changes === 0,
    lastLeaseAt: lastLeaseIn(leased),
  };
}

/** Codes of that shape that one parameter takes, each with its match key. */
function stepOf(shape: CodeShape): number {
  const chars = lengthOf(shape) + matchKeyLength(shape) + PUNCTUATION;
  return Math.min(BATCH_STEP, Math.floor(BATCH_STEP_CHARS / chars));
}

/** Quotes, a comma, and an escaped tab. */
const PUNCTUATION = 5;

/** Running batches of a brand, live and test, oldest first, and the shape of each. */
export async function listRunning(
  db: D1Database,
  brandId: string,
): Promise<{ batch: RunningBatch; shapeId: string }[]> {
  const { results } = await db
    .prepare(
      `SELECT b.id, b.campaign_id AS campaignId, c.shards, b.requested, b.created, b.shape_id AS shapeId
       FROM batches AS b JOIN campaigns AS c ON c.id = b.campaign_id
       WHERE b.status = 'running' AND b.shape_id IS NOT NULL AND c.brand_id = ?1 ORDER BY b.id`,
    )
    .bind(brandId)
    .all<RunningBatch & { shapeId: string }>();
  return results.map(({ shapeId, ...batch }) => ({ batch, shapeId }));
}

/** Ends a running batch early; the codes that it made stay. Safe to repeat. */
export async function endBatch(
  db: D1Database,
  id: string,
  status: "cancelled" | "failed",
  along: Alongside | null,
): Promise<void> {
  await db.batch([
    db
      .prepare(
        "UPDATE batches SET status = ?2, finished_at = ?3 WHERE id = ?1 AND status = 'running'",
      )
      .bind(id, status, Date.now()),
    ...alongsideStatements(db, along),
    db
      .prepare(
        `DELETE FROM codes WHERE batch_id = ?1
           AND ordinal >= (SELECT created FROM batches WHERE id = ?1 AND status = ?2)`,
      )
      .bind(id, status),
  ]);
}
