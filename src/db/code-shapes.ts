import { and, asc, eq, isNull, sql, type SQL } from "drizzle-orm";
import { matchKeyLength, type CodeShape, type ShapeRule } from "../domain/code-format.ts";
import { SHAPE_WAIT_MS } from "../domain/code-shape-copies.ts";
import { alongside, type Alongside } from "./alongside.ts";
import type { InventoryId } from "../domain/inventory.ts";
import { database, isUniqueViolation } from "./database.ts";
import { codeShapes } from "./schema.ts";

export type CodeShapeRow = typeof codeShapes.$inferSelect;

/** All shapes of an inventory, in the order in which they were added. */
export async function listShapes(db: D1Database, inventory: InventoryId): Promise<CodeShapeRow[]> {
  return database(db)
    .select()
    .from(codeShapes)
    .where(eq(codeShapes.inventory, inventory))
    .orderBy(asc(codeShapes.number));
}

/** Those of the ids, of whichever inventory. */
export async function findShapes(db: D1Database, ids: string[]): Promise<CodeShapeRow[]> {
  return database(db).select().from(codeShapes).where(isOneOf(ids));
}

/** One parameter: a statement may have 100, and a brand twice as many shapes. */
function isOneOf(ids: string[]): SQL {
  return sql`${codeShapes.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`;
}

/** A shape to add; when it was, and whether its check characters tell anything, D1 decides. */
export type NewShape = Omit<CodeShapeRow, "createdAt" | "usableFrom" | "uncheckedFrom">;

/**
 * When the statement runs: a caller's time would be from before it lay on its way to D1, and copies
 * that were read meanwhile would be younger than they seem.
 */
const NOW = sql<number>`CAST(unixepoch('subsec') * 1000 AS INTEGER)`;

/**
 * Adds shapes, to be used at once or when everybody knows them; those that imported codes may
 * look like are unchecked from the start. Answers from when on they may be used, or null when
 * another shape took a number meanwhile: look again at what there is.
 */
export async function addShapes(
  db: D1Database,
  rows: NewShape[],
  use: "at-once" | "when-known",
  along: Alongside | null,
): Promise<number | null> {
  const [first, ...others] = rows;
  if (first === undefined) return Date.now();
  const insert = (row: NewShape) =>
    database(db)
      .insert(codeShapes)
      .values({
        ...row,
        createdAt: NOW,
        usableFrom: use === "at-once" ? 0 : sql`${NOW} + ${SHAPE_WAIT_MS}`,
        uncheckedFrom: sql`CASE WHEN EXISTS (SELECT 1 FROM imported_lengths
          WHERE inventory = ${row.inventory} AND length = ${matchKeyLength(shapeIn(row))})
          THEN ${NOW} END`,
      })
      .returning({ usableFrom: codeShapes.usableFrom });
  try {
    const added = await database(db).batch([
      insert(first),
      ...others.map(insert),
      ...alongside(db, along),
    ]);
    const times = added.map((one) => (Array.isArray(one) ? (one[0]?.usableFrom ?? 0) : 0));
    return Math.max(...times);
  } catch (error) {
    if (isUniqueViolation(error, "code_shapes.number")) return null;
    throw error;
  }
}

/** Notes that codes without their check characters may look like these shapes from now on. */
export async function setUnchecked(db: D1Database, ids: string[]): Promise<void> {
  await database(db)
    .update(codeShapes)
    .set({ uncheckedFrom: NOW })
    .where(and(isOneOf(ids), isNull(codeShapes.uncheckedFrom)));
}

export function shapeIn({ template, alphabet }: NewShape): CodeShape {
  return { template, alphabet };
}

/** What tells codes of the row from guesses. */
export function ruleOf(row: CodeShapeRow): ShapeRule {
  return {
    shape: shapeIn(row),
    key: Uint8Array.fromHex(row.checkKey),
    unchecked: row.uncheckedFrom !== null,
  };
}
