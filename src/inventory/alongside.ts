import { alongside, type Alongside } from "../db/alongside.ts";

/** The same statements for a batch that is written by hand. */
export function alongsideStatements(
  db: D1Database,
  along: Alongside | null,
): D1PreparedStatement[] {
  return alongside(db, along).map((query) => {
    const { sql, params } = query.toSQL();
    return db.prepare(sql).bind(...params);
  });
}
