/**
 * Taking a brand's own codes, in steps. May import db/ and domain/.
 *
 * An import's codes are a batch under the import's id, without gaps, as leases want them: a step
 * gives the next places to those rows of the file whose codes are new. It takes effect only if the
 * import stands where the caller saw it, together with the counts, and tells afterwards which rows
 * it took; so a step whose outcome is unknown is done again and gives the same verdicts.
 */

import { listShapes, ruleOf, setUnchecked, type CodeShapeRow } from "../db/code-shapes.ts";
import { answered, rowsOf } from "../db/database.ts";
import { rulesForged } from "../domain/code-format.ts";
import { everybodyKnows, SHAPE_WAIT_MS } from "../domain/code-shape-copies.ts";
import type { RowReason } from "../domain/import.ts";
import type { InventoryId } from "../domain/inventory.ts";
import { CODE_IN, codeTexts, KEY_IN } from "./code-text.ts";
import { giveWay, lastLease, lastLeaseIn } from "./pace.ts";

/** A code of the file, and the line on which it stands. */
export interface OwnCode {
  line: number;
  code: string;
  matchKey: string;
}

/** A row of the file that was not taken. */
export interface RowError {
  line: number;
  code: string;
  reason: RowReason;
}

/** How far an import is. */
export interface ImportCounts {
  rows: number;
  accepted: number;
  duplicates: number;
  rejected: number;
}

/** Tries of one step, each after D1 failed or a shape was added: about a minute of a silent D1. */
const STEP_TRIES = 8;
const RETRY_MS = 500;
const RETRY_MAX_MS = 5_000;

/** Nothing could be learnt of a step in all its tries. */
export class ImportStuckError extends Error {}

export class OwnCodes {
  readonly #db: D1Database;
  readonly #importId: string;
  readonly #campaignId: string;
  readonly #inventory: InventoryId;
  #shapes: CodeShapeRow[] | null = null;
  #counts: ImportCounts = { rows: 0, accepted: 0, duplicates: 0, rejected: 0 };

  constructor(options: {
    db: D1Database;
    importId: string;
    campaignId: string;
    inventory: InventoryId;
  }) {
    this.#db = options.db;
    this.#importId = options.importId;
    this.#campaignId = options.campaignId;
    this.#inventory = options.inventory;
  }

  get counts(): ImportCounts {
    return this.#counts;
  }

  /**
   * Takes those of `codes`, all different, that the inventory does not have yet; `refused` are the
   * rows of the same step that cannot be taken. Answers which of the codes were known.
   */
  async take(codes: OwnCode[], refused: { duplicates: number; rejected: number }) {
    for (let attempt = 1; ; attempt++) {
      const began = Date.now();
      try {
        this.#shapes ??= await answered(listShapes(this.#db, this.#inventory));
        await this.#openShapes(codes, this.#shapes);
        const { counts, known, lastLeaseAt } = await answered(
          this.#step(codes, refused, this.#shapes),
        );
        if (counts.rows > this.#counts.rows) {
          this.#counts = counts;
          await giveWay(Date.now() - began, lastLeaseAt);
          return known;
        }
      } catch (error) {
        if (attempt === STEP_TRIES)
          throw new ImportStuckError("A step of an import", { cause: error });
        await scheduler.wait(Math.min(RETRY_MS * 2 ** (attempt - 1), RETRY_MAX_MS));
      }
      if (attempt === STEP_TRIES) throw new ImportStuckError("An import that others changed");
      // A shape was added meanwhile, by which these codes have not been judged.
      this.#shapes = null;
    }
  }

  /**
   * Codes that somebody would refuse as forged by a shape of the inventory's generated codes: from
   * now on nobody is refused by it, and they are taken once everybody knows.
   */
  async #openShapes(codes: OwnCode[], shapes: CodeShapeRow[]): Promise<void> {
    const open = forgedToSomebody(codes, shapes, Date.now());
    if (open.size === 0) return;
    await answered(setUnchecked(this.#db, [...open]));
    await scheduler.wait(SHAPE_WAIT_MS);
    for (const shape of shapes) if (open.has(shape.id)) shape.uncheckedFrom = 0;
  }

  async #step(
    codes: OwnCode[],
    refused: { duplicates: number; rejected: number },
    shapes: CodeShapeRow[],
  ): Promise<StepFound> {
    const results = await this.#db.batch([
      ...this.#changes(codes, refused, shapes),
      this.#twins(codes),
      this.#db
        .prepare("SELECT rows, accepted, duplicates, rejected FROM imports WHERE id = ?1")
        .bind(this.#importId),
      lastLease(this.#db),
    ]);
    const [twins, now, leased] = results.slice(-3);
    const [counts] = rowsOf<ImportCounts>(now);
    if (counts === undefined) throw new Error(`Import ${this.#importId} vanished`);
    const known = new Map<string, RowReason>();
    for (const { i, here } of rowsOf<{ i: number; here: number }>(twins)) {
      known.set(codes[i]?.code ?? "", here === 1 ? "duplicate-in-file" : "duplicate");
    }
    return { counts, known, lastLeaseAt: lastLeaseIn(leased) };
  }

  /** What a step writes, if the import and the shapes stand as this object knows them. */
  #changes(
    codes: OwnCode[],
    refused: { duplicates: number; rejected: number },
    shapes: CodeShapeRow[],
  ): D1PreparedStatement[] {
    const { rows, accepted } = this.#counts;
    const lengths = JSON.stringify([...new Set(codes.map(({ matchKey }) => matchKey.length))]);
    const guard = `EXISTS (SELECT 1 FROM imports WHERE id = ?1 AND status = 'running' AND rows = ?2)
      AND (SELECT count(*) FROM code_shapes WHERE inventory = ?3) = ?4`;
    const guarded = (sql: string, ...values: unknown[]) =>
      this.#db.prepare(sql).bind(this.#importId, rows, this.#inventory, shapes.length, ...values);
    const taken = "(SELECT count(*) FROM codes WHERE batch_id = ?1 AND ordinal >= ?5)";
    const now = Date.now();
    return [
      guarded(
        `INSERT INTO imported_lengths (inventory, length) SELECT ?3, value FROM json_each(?5) WHERE ${guard}
         ON CONFLICT DO NOTHING`,
        lengths,
      ),
      guarded(
        `INSERT INTO batches (id, campaign_id, status, requested, created_at, finished_at)
         SELECT ?1, ?5, 'complete', 1, ?6, ?6 WHERE ${guard} ON CONFLICT DO NOTHING`,
        this.#campaignId,
        now,
      ),
      guarded(
        `INSERT INTO codes (batch_id, ordinal, inventory, code, match_key)
         SELECT ?1, ?5 + row_number() OVER (ORDER BY d.key) - 1, ?3, ${CODE_IN}, ${KEY_IN}
         FROM json_each(?6) AS d
         WHERE ${guard} AND NOT EXISTS (SELECT 1 FROM codes AS c
           WHERE c.inventory = ?3 AND c.match_key = ${KEY_IN} AND c.code = ${CODE_IN})`,
        accepted,
        codeTexts(codes),
      ),
      guarded(
        `UPDATE batches SET created = ?5 + ${taken}, requested = max(1, ?5 + ${taken})
         WHERE id = ?1 AND ${guard}`,
        accepted,
      ),
      guarded(
        `UPDATE imports SET accepted = ?5 + ${taken},
           duplicates = duplicates + ?6 + ?8 - ${taken}, rejected = rejected + ?7,
           rows = rows + ?6 + ?7 + ?8, touched_at = ?9
         WHERE id = ?1 AND ${guard}`,
        accepted,
        refused.duplicates,
        refused.rejected,
        codes.length,
        now,
      ),
    ];
  }

  /**
   * Which of the codes were there before the step, in this import or elsewhere. CROSS JOIN: SQLite
   * would rather walk through the whole inventory than look one up.
   */
  #twins(codes: OwnCode[]): D1PreparedStatement {
    return this.#db
      .prepare(
        `SELECT d.key AS i, c.batch_id = ?1 AS here FROM json_each(?4) AS d
         CROSS JOIN codes AS c ON c.inventory = ?2 AND c.match_key = ${KEY_IN} AND c.code = ${CODE_IN}
         WHERE c.batch_id <> ?1 OR c.ordinal < ?3`,
      )
      .bind(this.#importId, this.#inventory, this.#counts.accepted, codeTexts(codes));
  }
}

/** What a step found when it was done, whether now or by an earlier try. */
interface StepFound {
  counts: ImportCounts;
  /** Codes that were there before it. */
  known: Map<string, RowReason>;
  lastLeaseAt: number | null;
}

/**
 * Ids of the shapes by which some copy of them, however old, refuses one of the codes. Copies may
 * lack what was added lately, from the last shape backwards, and take shapes for checked that are
 * so no more.
 */
function forgedToSomebody(codes: OwnCode[], shapes: CodeShapeRow[], now: number): Set<string> {
  const rules = shapes.map((row) => ({
    ...ruleOf(row),
    id: row.id,
    unchecked: everybodyKnows(row.uncheckedFrom, now),
  }));
  const firstNew = shapes.findIndex(({ createdAt }) => !everybodyKnows(createdAt, now));
  const found = new Set<string>();
  for (let known = firstNew < 0 ? rules.length : firstNew; known <= rules.length; known++) {
    const copy = rules.slice(0, known);
    for (const { matchKey } of codes) {
      for (const { id } of rulesForged(copy, matchKey)) found.add(id);
    }
  }
  return found;
}

/** Those of the codes that the inventory has. */
export async function findKnown(
  db: D1Database,
  inventory: InventoryId,
  codes: OwnCode[],
): Promise<{ known: Set<string>; lastLeaseAt: number | null }> {
  const [found, leased] = await db.batch([
    db
      .prepare(
        `SELECT d.key AS i FROM json_each(?2) AS d
         WHERE EXISTS (SELECT 1 FROM codes AS c
           WHERE c.inventory = ?1 AND c.match_key = ${KEY_IN} AND c.code = ${CODE_IN})`,
      )
      .bind(inventory, codeTexts(codes)),
    lastLease(db),
  ]);
  const known = rowsOf<{ i: number }>(found).map(({ i }) => codes[i]?.code ?? "");
  return { known: new Set(known), lastLeaseAt: lastLeaseIn(leased) };
}
