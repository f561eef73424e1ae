/** Answers that were given to requests with an Idempotency-Key. */

import { and, asc, eq, inArray, lt, sql } from "drizzle-orm";
import { database, isUniqueViolation } from "./database.ts";
import { idempotencyRecords } from "./schema.ts";

export type IdempotencyRecord = typeof idempotencyRecords.$inferSelect;

/** 30 days. Older ones count as not there. */
const KEPT_MS = 30 * 86_400_000;
/** Old ones deleted with each new one: more than come in, so none stays for long. */
const DELETED_MAX = 10;

/** The record, unless it is too old: then it is deleted, and makes room for another. */
export async function findRecord(
  db: D1Database,
  scopeHash: string,
): Promise<IdempotencyRecord | null> {
  const [found] = await database(db)
    .select()
    .from(idempotencyRecords)
    .where(eq(idempotencyRecords.scopeHash, scopeHash))
    .limit(1);
  if (found === undefined) return null;
  const oldest = Date.now() - KEPT_MS;
  if (found.madeAt >= oldest) return found;
  await database(db)
    .delete(idempotencyRecords)
    .where(and(eq(idempotencyRecords.scopeHash, scopeHash), lt(idempotencyRecords.madeAt, oldest)));
  return null;
}

/** Adds the record if the statement before it changed anything; takes some old ones out. */
export function insertRecord(db: D1Database, record: IdempotencyRecord) {
  // In the order of the table's columns.
  const insert = database(db).insert(idempotencyRecords).select(sql`SELECT ${record.scopeHash},
    ${record.fingerprint}, ${record.target}, ${record.status}, ${record.answer}, ${record.madeAt}
    WHERE changes() > 0`);
  return [insert, deleteOld(db)] as const;
}

/** Adds the record of a request that did nothing; false when there is one. */
export async function addRecord(db: D1Database, record: IdempotencyRecord): Promise<boolean> {
  try {
    const insert = database(db).insert(idempotencyRecords).values(record);
    await database(db).batch([insert, deleteOld(db)]);
    return true;
  } catch (error) {
    if (isTwin(error)) return false;
    throw error;
  }
}

function deleteOld(db: D1Database) {
  const some = database(db)
    .select({ scopeHash: idempotencyRecords.scopeHash })
    .from(idempotencyRecords)
    .where(lt(idempotencyRecords.madeAt, Date.now() - KEPT_MS))
    .orderBy(asc(idempotencyRecords.madeAt))
    .limit(DELETED_MAX);
  return database(db).delete(idempotencyRecords).where(inArray(idempotencyRecords.scopeHash, some));
}

/** Whether a write failed because the same request was made before. */
export function isTwin(error: unknown): boolean {
  return isUniqueViolation(error, "idempotency_records.scope_hash");
}
