/** An import from its first row to its last: step by step, whatever the file holds. */

import { answered } from "../db/database.ts";
import { IMPORT_ROWS_MAX, IMPORT_STEP_CHARS, type RowReason } from "../domain/import.ts";
import { matchKey } from "../domain/match-key.ts";
import { saveErrors } from "./import-errors.ts";
import type { ImportCounts, OwnCode, RowError } from "./imports.ts";
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

/** Repeats of keeping a step's errors. */
const SAVE_TRIES = 3;
const SAVE_REST_MS = 500;

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
    for (const step of stepsOf(group.slice(0, room))) {
      const before = taker.counts.accepted;
      const errors = await takeStep(taker, step);
      await save(db, { importId, step: stepNumber++, errors });
      if (before === 0 && taker.counts.accepted > 0) await options.onStock();
    }
    if (group.length > room) return { tooMany: true };
  }
  return { tooMany: false };
}

/** Cuts a group where its codes would be too long for one parameter. */
function* stepsOf(group: ImportRow[]): Generator<ImportRow[]> {
  let step: ImportRow[] = [];
  let chars = 0;
  for (const row of group) {
    if (chars + row.code.length > IMPORT_STEP_CHARS) {
      yield step;
      step = [];
      chars = 0;
    }
    step.push(row);
    chars += row.code.length;
  }
  if (step.length > 0) yield step;
}

async function takeStep(taker: Taker, rows: ImportRow[]): Promise<RowError[]> {
  const fresh = new Map<string, OwnCode>();
  const errors: RowError[] = [];
  let rejected = 0;
  for (const { line, code, fault } of rows) {
    if (fault !== null) {
      rejected += 1;
      errors.push({ line, code, reason: fault });
    } else if (fresh.has(code)) errors.push({ line, code, reason: "duplicate-in-file" });
    else fresh.set(code, { line, code, matchKey: matchKey(code) });
  }
  const refused = { rejected, duplicates: errors.length - rejected };
  const known = await taker.take([...fresh.values()], refused);
  for (const [code, reason] of known) {
    const row = fresh.get(code);
    if (row !== undefined) errors.push({ line: row.line, code, reason });
  }
  return errors.toSorted((one, other) => one.line - other.line);
}

async function save(db: D1Database, page: Parameters<typeof saveErrors>[1]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await answered(saveErrors(db, page));
    } catch (error) {
      if (attempt === SAVE_TRIES) throw error;
      await scheduler.wait(SAVE_REST_MS * attempt);
    }
  }
}
