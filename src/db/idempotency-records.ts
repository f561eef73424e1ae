/** Answers that were given to requests with an Idempotency-Key. */

import { and, asc, eq, inArray, isNull, lt, sql } from "drizzle-orm";
import { database, isUniqueViolation } from "./database.ts";
import { idempotencyRecords } from "./schema.ts";

export type IdempotencyRecord = typeof idempotencyRecords.$inferSelect;

/** A record that is written with what it stands for. */
export interface NewRecord {
  row: IdempotencyRecord;
  /** What an earlier try of the same request made, which broke off before it was answered. */
  replaces: string | null;
}

/** The answer of what a record stands for, once it is known. */
export interface Settlement {
  scopeHash: string;
  target: string;
  status: number;
  answer: string;
}

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
export function insertRecord(db: D1Database, { row: record, replaces }: NewRecord) {
  if (replaces !== null) {
    // Of two that would take the same place, the second finds the first's record in it.
    const gone = database(db).delete(idempotencyRecords).where(pending(record.scopeHash, replaces));
    return [gone, database(db).insert(idempotencyRecords).values(record)] as const;
  }
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

function pending(scopeHash: string, target: string) {
  const { scopeHash: scope, target: what, answer } = idempotencyRecords;
  return and(eq(scope, scopeHash), eq(what, target), isNull(answer));
}

/**
 * Writes the answer down, unless there is one; the second statement finds the one there is then.
 * It is the same, sealed, only if it was this call that wrote it, now or in an earlier try.
 */
export function settleStatements(db: D1Database, settlement: Settlement) {
  const { scopeHash, target, status, answer } = settlement;
  const update = database(db)
    .update(idempotencyRecords)
    .set({ status, answer, target: null })
    .where(pending(scopeHash, target));
  const found = database(db)
    .select({ answer: idempotencyRecords.answer })
    .from(idempotencyRecords)
    .where(eq(idempotencyRecords.scopeHash, scopeHash));
  return [update, found] as const;
}

/** Writes the answer down; false when the same request was answered otherwise. Safe to repeat. */
export async function settleRecord(db: D1Database, settlement: Settlement): Promise<boolean> {
  const [, found] = await database(db).batch(settleStatements(db, settlement));
  return found[0]?.answer === settlement.answer;
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
