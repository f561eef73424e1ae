/** An import from its first row to its last: step by step, whatever the file holds. */

import { repeated } from "../db/database.ts";
import { IMPORT_ROWS_MAX, type RowReason } from "../domain/import.ts";
import { matchKey } from "../domain/match-key.ts";
import { saveErrors } from "./import-errors.ts";
import type { ImportCounts, OwnCode, RowError } from "./imports.ts";
import { cutForParameter } from "./parameter.ts";
import type { ImportRow } from "./rows/row.ts";

/** Who judges the codes of a step, and takes them or not. */
export interface Taker {
  readonly counts: ImportCounts;
  /** Answers which of the codes were known. */
  take: (
    codes: OwnCode[],
    refused: { duplicates: number; rejected: number },
  ) => Promise<Map<string, RowReason>>;
}

/**
 * Takes all rows; `tooMany` when there are more than one import may have, and then those beyond are
 * left. Rejects when the body or D1 breaks off, with what was taken until then standing.
 */
export async function runImport(options: {
  db: D1Database;
  importId: string;
  rows: AsyncIterable<ImportRow[]>;
  taker: Taker;
  /** Called when the first codes are there. */
  onStock: () => Promise<void>;
}): Promise<{ tooMany: boolean }> {
  const { db, importId, taker } = options;
  let stepNumber = 0;
  for await (const group of options.rows) {
    const room = IMPORT_ROWS_MAX - taker.counts.rows;
    for (const step of cutForParameter(group.slice(0, room).map(withKey), charsOf)) {
      const before = taker.counts.accepted;
      const errors = await takeStep(taker, step);
      const page = { importId, step: stepNumber++, errors };
      await repeated(() => saveErrors(db, page));
      if (before === 0 && taker.counts.accepted > 0) await options.onStock();
    }
    if (group.length > room) return { tooMany: true };
  }
  return { tooMany: false };
}

type KeyedRow = ImportRow & { matchKey: string };

function withKey(row: ImportRow): KeyedRow {
  return { ...row, matchKey: row.fault === null ? matchKey(row.code) : "" };
}

/** What a row takes of a parameter: a match key may be many times as long as its code. */
function charsOf({ code, matchKey: key }: KeyedRow): number {
  return code.length + key.length;
}

async function takeStep(taker: Taker, rows: KeyedRow[]): Promise<RowError[]> {
  const fresh = new Map<string, OwnCode>();
  const errors: RowError[] = [];
  let rejected = 0;
  for (const { line, code, fault, matchKey: key } of rows) {
    if (fault !== null) {
      rejected += 1;
      errors.push({ line, code, reason: fault });
    } else if (fresh.has(code)) errors.push({ line, code, reason: "duplicate-in-file" });
    else fresh.set(code, { line, code, matchKey: key });
  }
  const refused = { rejected, duplicates: errors.length - rejected };
  const known = await taker.take([...fresh.values()], refused);
  for (const [code, reason] of known) {
    const row = fresh.get(code);
    if (row !== undefined) errors.push({ line: row.line, code, reason });
  }
  return errors.toSorted((one, other) => one.line - other.line);
}
