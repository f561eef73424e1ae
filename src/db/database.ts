import { drizzle } from "drizzle-orm/d1";

/** The CRUD view of D1. TypeScript names are camelCase, columns snake_case. */
export function database(db: D1Database) {
  return drizzle(db, { casing: "snake_case" });
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

/**
 * The rows of one statement of a D1 batch. `Row` is the caller's word for what the statement
 * selects.
 */
export function rowsOf<Row>(result: D1Result | undefined): Row[] {
  return (result?.results ?? []) as Row[];
}
