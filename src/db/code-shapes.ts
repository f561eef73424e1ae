import { and, asc, eq, inArray, isNull, sql } from "drizzle-orm";
import { matchKeyLength, type CodeShape, type ShapeRule } from "../domain/code-format.ts";
import { database, isUniqueViolation } from "./database.ts";
import { codeShapes } from "./schema.ts";

export type CodeShapeRow = typeof codeShapes.$inferSelect;

/** All shapes of a brand, in the order in which they were added. */
export async function listShapes(db: D1Database, brandId: string): Promise<CodeShapeRow[]> {
  return database(db)
    .select()
    .from(codeShapes)
    .where(eq(codeShapes.brandId, brandId))
    .orderBy(asc(codeShapes.number));
}

/** A shape to add; whether its check characters tell anything, D1 decides. */
export type NewShape = Omit<CodeShapeRow, "uncheckedFrom">;

/**
 * Adds shapes; those that the brand's own codes may look like are unchecked from the start. False
 * when another shape took a number meanwhile: look again at what there is.
 */
export async function addShapes(db: D1Database, rows: NewShape[]): Promise<boolean> {
  const [first, ...others] = rows;
  if (first === undefined) return true;
  const insert = (row: NewShape) =>
    database(db)
      .insert(codeShapes)
      .values({
        ...row,
        uncheckedFrom: sql`CASE WHEN EXISTS (SELECT 1 FROM imported_lengths
          WHERE brand_id = ${row.brandId} AND length = ${matchKeyLength(shapeIn(row))})
          THEN ${row.createdAt} END`,
      });
  try {
    await database(db).batch([insert(first), ...others.map(insert)]);
    return true;
  } catch (error) {
    if (isUniqueViolation(error, "code_shapes.number")) return false;
    throw error;
  }
}

/** Notes that codes without their check characters may look like these shapes from now on. */
export async function setUnchecked(db: D1Database, ids: string[], now: number): Promise<void> {
  await database(db)
    .update(codeShapes)
    .set({ uncheckedFrom: now })
    .where(and(inArray(codeShapes.id, ids), isNull(codeShapes.uncheckedFrom)));
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
