import { alongside, type Alongside } from "../db/alongside.ts";

/** A statement of drizzle's for a batch that is written by hand. */
export function statementOf(
  db: D1Database,
  query: { toSQL: () => { sql: string; params: unknown[] } },
): D1PreparedStatement {
  const { sql, params } = query.toSQL();
  return db.prepare(sql).bind(...params);
}

/** What is written in one transaction with a change, for such a batch. */
export function alongsideStatements(
  db: D1Database,
  along: Alongside | null,
): D1PreparedStatement[] {
  return alongside(db, along).map((query) => statementOf(db, query));
}
