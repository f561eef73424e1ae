/** Rows of an import that were not taken: kept by the page, read by the row. */

import { rowsOf } from "../db/database.ts";
import type { RowReason } from "../domain/import.ts";
import type { RowError } from "./imports.ts";

/** Errors on one page: 700 KB where each code is as long and as foreign as it may be. */
const PAGE_MAX = 1_000;

/** Keeps the errors of one step, in the order of their lines. Safe to repeat. */
export async function saveErrors(
  db: D1Database,
  { importId, step, errors }: { importId: string; step: number; errors: RowError[] },
): Promise<void> {
  const statements: D1PreparedStatement[] = [];
  for (let at = 0; at < errors.length; at += PAGE_MAX) {
    const page = errors.slice(at, at + PAGE_MAX);
    statements.push(
      db
        .prepare(
          "INSERT INTO import_errors (import_id, page, errors) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )
        .bind(
          importId,
          // Steps have fewer errors than this many pages hold.
          step * PAGE_MAX + at / PAGE_MAX,
          JSON.stringify(page.map(({ line, code, reason }) => [line, code, reason])),
        ),
    );
  }
  if (statements.length > 0) await db.batch(statements);
}

/** Where an error stands: a page, and its place on it. */
export type ErrorKey = [page: number, index: number];

export interface KeptError extends RowError {
  key: ErrorKey;
}

/** In the order of the file's lines. */
export async function listErrors(
  db: D1Database,
  importId: string,
  { after, limit }: { after: ErrorKey | null; limit: number },
): Promise<KeptError[]> {
  const [page, index] = after ?? [-1, -1];
  const results = await db.batch([
    db
      .prepare(
        `SELECT p.page, e.key AS "index", e.value ->> 0 AS line, e.value ->> 1 AS code, e.value ->> 2 AS reason
         FROM import_errors AS p, json_each(p.errors) AS e
         WHERE p.import_id = ?1 AND p.page >= ?2 AND (p.page > ?2 OR e.key > ?3)
         ORDER BY p.page, e.key LIMIT ?4`,
      )
      .bind(importId, page, index, limit),
  ]);
  return rowsOf<{ page: number; index: number; line: number; code: string; reason: RowReason }>(
    results[0],
  ).map(({ page: at, index: place, line, code, reason }) => ({
    line,
    code,
    reason,
    key: [at, place],
  }));
}
