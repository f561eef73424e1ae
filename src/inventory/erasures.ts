/**
 * Requests to erase a user, as D1 keeps them while they are on their way. Plain SQL, because an
 * error of drizzle's holds the statement's values, and would take the user's id into the logs.
 */

import { clashOf, type Alongside, type Clash } from "../db/alongside.ts";
import type { CampaignScope } from "../db/campaigns.ts";
import { blanked, rowsOf } from "../db/database.ts";
import type { KeyMode } from "../domain/api-key.ts";
import { alongsideStatements } from "./alongside.ts";

/** Times are Unix milliseconds. */
export interface Erasure {
  id: string;
  brandId: string;
  mode: KeyMode | null;
  /** Null once it is done. */
  userId: string | null;
  afterCampaign: string;
  claims: number;
  createdAt: number;
  finishedAt: number | null;
}

export type NewErasure = Pick<Erasure, "id" | "brandId" | "mode" | "createdAt"> & {
  userId: string;
};

/** With what is written in the transaction in which it is noted. */
export type ErasureToMake = NewErasure & { along: Alongside | null };

export type RunningErasure = Erasure & { userId: string };

const COLUMNS = `id, brand_id AS brandId, mode, user_id AS userId, after_campaign AS afterCampaign,
  claims, created_at AS createdAt, finished_at AS finishedAt`;

/** Notes it before anything is erased; what is known of it now. Safe to repeat. */
export async function noteErasure(
  db: D1Database,
  erasure: ErasureToMake,
): Promise<Erasure | { clash: Clash }> {
  const { id, brandId, mode, userId, createdAt, along } = erasure;
  const statements = [
    db
      .prepare(
        `INSERT INTO erasures (id, brand_id, mode, user_id, created_at) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING`,
      )
      .bind(id, brandId, mode, userId, createdAt),
    ...alongsideStatements(db, along),
    db.prepare(`SELECT ${COLUMNS} FROM erasures WHERE id = ?`).bind(id),
  ];
  const results = await db.batch(statements).catch((error: unknown) => {
    const clash = clashOf(error);
    if (clash === null) throw error;
    return clash;
  });
  if (typeof results === "string") return { clash: results };
  const [row] = rowsOf<Erasure>(results.at(-1));
  if (row === undefined) throw new Error(`Erasure ${id} vanished`);
  return row;
}

/** The erasure, if the scope may see it. */
export async function findErasure(
  db: D1Database,
  { brandId, mode }: CampaignScope,
  id: string,
): Promise<Erasure | null> {
  return db
    .prepare(
      `SELECT ${COLUMNS} FROM erasures WHERE id = ?1 AND brand_id = ?2 AND (?3 IS NULL OR mode = ?3)`,
    )
    .bind(id, brandId, mode)
    .first<Erasure>();
}

/** Of a brand, oldest first, those behind `after`. */
export async function listRunningErasures(
  db: D1Database,
  { brandId, after, limit }: { brandId: string; after: string; limit: number },
): Promise<RunningErasure[]> {
  const { results } = await db
    .prepare(
      `SELECT ${COLUMNS} FROM erasures
       WHERE brand_id = ? AND finished_at IS NULL AND id > ? ORDER BY id LIMIT ?`,
    )
    .bind(brandId, after, limit)
    .all<RunningErasure>();
  return results;
}

/**
 * The campaigns up to `upTo` are done; when none is left the erasure has an end, and whom it was
 * about is forgotten. False, and without effect, when it is no longer where it was `seen`.
 */
export async function moveErasure(
  db: D1Database,
  seen: Erasure,
  step: { upTo: string; claims: number; finishedAt: number | null },
): Promise<boolean> {
  const isSeen = "WHERE id = ?1 AND after_campaign = ?2 AND finished_at IS NULL";
  const { upTo, claims, finishedAt } = step;
  const results = await db.batch([
    // First as many other bytes: SQLite writes those over the old ones.
    db
      .prepare(`UPDATE erasures SET user_id = ${blanked("user_id")} ${isSeen} AND ?3 IS NOT NULL`)
      .bind(seen.id, seen.afterCampaign, finishedAt),
    db
      .prepare(
        `UPDATE erasures SET after_campaign = ?3, claims = claims + ?4, finished_at = ?5,
                             user_id = iif(?5 IS NULL, user_id, NULL) ${isSeen}`,
      )
      .bind(seen.id, seen.afterCampaign, upTo, claims, finishedAt),
  ]);
  return results.at(-1)?.meta.changes === 1;
}
