/** Which shape a campaign's codes are drawn by. May import db/ and domain/. */

import type { Alongside } from "../db/alongside.ts";
import {
  addShapes,
  listShapes,
  shapeIn,
  type CodeShapeRow,
  type NewShape,
} from "../db/code-shapes.ts";
import { newId, randomBytes } from "../db/new-id.ts";
import {
  isSameShape,
  overlap,
  shapeOf,
  tellsForged,
  type CodeFormat,
  type CodeShape,
} from "../domain/code-format.ts";
import { everybodyKnows } from "../domain/code-shape-copies.ts";
import type { InventoryId } from "../domain/inventory.ts";
import { SIPHASH_KEY_BYTES } from "../domain/siphash.ts";

/** Shapes that others add to the same inventory at the same moment, one after the other. */
const TRIES = 10;

function newShape(inventory: InventoryId, shape: CodeShape, number: number): NewShape {
  return {
    id: newId("codeShape"),
    inventory,
    number,
    template: shape.template,
    alphabet: shape.alphabet,
    checkKey: randomBytes(SIPHASH_KEY_BYTES).toHex(),
  };
}

/**
 * The newest shape of that format by which codes may be made, added if the inventory has none.
 * Where its codes would look like forged ones of another shape to somebody who does not know of it
 * yet, none may be made before everybody does: `usableFrom` says when.
 */
export async function shapeForCodes(
  db: D1Database,
  inventory: InventoryId,
  format: CodeFormat | null,
): Promise<CodeShapeRow> {
  const shape = shapeOf(format);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const known = await listShapes(db, inventory);
    const now = Date.now();
    const same = known.filter((row) => isSameShape(shapeIn(row), shape));
    const found = same.findLast(({ usableFrom }) => usableFrom <= now) ?? same[0];
    if (found !== undefined) return found;
    const looksForged = known.some(
      (row) =>
        tellsForged({ shape: shapeIn(row), unchecked: everybodyKnows(row.uncheckedFrom, now) }) &&
        overlap(shapeIn(row), shape),
    );
    const added = newShape(inventory, shape, known.length + 1);
    await addShapes(db, [added], looksForged ? "when-known" : "at-once", null);
  }
  throw new Error(`Shapes of ${inventory} kept being added`);
}

/**
 * Gives every shape of the inventory a new key for its check characters. Codes keep those they
 * have; new ones get them by the new keys from the returned time on, when everybody knows them.
 */
export async function rotateCheckKeys(
  db: D1Database,
  inventory: InventoryId,
  along: Alongside | null,
): Promise<{ shapes: number; usableFrom: number }> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const known = await listShapes(db, inventory);
    const newest = newestOf(known);
    const rows = newest.map((row, i) => newShape(inventory, shapeIn(row), known.length + 1 + i));
    const usableFrom = await addShapes(db, rows, "when-known", along);
    if (usableFrom !== null) return { shapes: rows.length, usableFrom };
  }
  throw new Error(`Shapes of ${inventory} kept being added`);
}

/** What the last rotation of an inventory's keys came to. */
export async function findRotation(
  db: D1Database,
  inventory: InventoryId,
): Promise<{ shapes: number; usableFrom: number }> {
  const newest = newestOf(await listShapes(db, inventory));
  return {
    shapes: newest.length,
    usableFrom: Math.max(...newest.map(({ usableFrom }) => usableFrom)),
  };
}

/** The last of the shapes that look the same, for each look. */
function newestOf(known: CodeShapeRow[]): CodeShapeRow[] {
  return known.filter(
    (row, i) => known.findLastIndex((other) => isSameShape(shapeIn(other), shapeIn(row))) === i,
  );
}
