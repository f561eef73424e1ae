import { getTableColumns, type Table } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

/** The CRUD view of D1. TypeScript names are camelCase, columns snake_case. */
export function database(db: D1Database) {
  return drizzle(db, { casing: "snake_case" });
}

/** The names of the tables' columns: equal for two rows of the same shape. */
export function columnsOf(...tables: Table[]): string {
  return tables.flatMap((table) => Object.keys(getTableColumns(table))).join();
}

/** A place in a list: the rows after `after`, at most `limit` of them. */
export interface Page<Key> {
  after: Key | null;
  limit: number;
}

/** Whether a write failed because a row with the same unique column (`table.column`) is there. */
export function isUniqueViolation(error: unknown, column: string): boolean {
  // drizzle wraps what D1 threw, db.batch does not; the outer message holds parameters, so it stays
  // unread.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return (
    cause instanceof Error &&
    cause.message.includes("UNIQUE constraint failed") &&
    cause.message.includes(column)
  );
}

/** What SQLite said: drizzle's own message holds the statement and its values. */
export function causeOf(error: unknown): string {
  return String(error instanceof Error && error.cause !== undefined ? error.cause : error);
}

/**
 * The rows of one statement of a D1 batch. `Row` is the caller's word for what the statement
 * selects.
 */
export function rowsOf<Row>(result: D1Result | undefined): Row[] {
  return (result?.results ?? []) as Row[];
}

/**
 * As many bytes in place of a text. SQLite writes a row of the same size over the old one, while a
 * shorter row leaves the old one's bytes lying in the page until something else takes their place.
 */
export const blanked = (column: string) =>
  `CAST(zeroblob(length(CAST(${column} AS BLOB))) AS TEXT)`;

/**
 * How long a pool waits for D1. A batch takes milliseconds; a call that never settles must not hold
 * up a pool for ever. What was asked may still take effect: callers ask again, which is safe.
 */
const ANSWER_TIMEOUT_MS = 10_000;

/** Nobody knows whether what was asked for took effect. */
export class NoAnswerError extends Error {}

/** The answer, or a NoAnswerError when it does not come in time. */
export async function answered<T>(answer: Promise<T>, timeoutMs = ANSWER_TIMEOUT_MS): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NoAnswerError(`No answer in ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Tries of one call, the first included, and the rest after the first, doubled up to the last. */
const TRIES_MAX = 4;
const RETRY_MS = 250;

/**
 * The answer of a call that is safe to repeat, which is repeated a few times when D1 fails or does
 * not answer.
 */
export async function repeated<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await answered(call());
    } catch (error) {
      if (attempt === TRIES_MAX - 1) throw error;
      await scheduler.wait(RETRY_MS * 2 ** attempt);
    }
  }
}
