import { and, asc, eq, getTableColumns, gte, lt, sql } from "drizzle-orm";
import { statusSql, type CodeStatus } from "../domain/code-status.ts";
import { database, type Page } from "./database.ts";
import { batches, codes } from "./schema.ts";

export type CodeRow = typeof codes.$inferSelect & { status: CodeStatus };

/** In the order in which they were made: by batch, then by place in it. */
export async function listCodes(
  db: D1Database,
  filter: {
    campaignId: string;
    batchId?: string | undefined;
    status?: CodeStatus | undefined;
    now: number;
  },
  { after, limit }: Page<[batchId: string, ordinal: number]>,
): Promise<CodeRow[]> {
  const status = sql<CodeStatus>`${sql.raw(statusSql(String(filter.now)))}`;
  return database(db)
    .select({ ...getTableColumns(codes), status: status.as("status") })
    .from(batches)
    .innerJoin(codes, and(eq(codes.batchId, batches.id), lt(codes.ordinal, batches.created)))
    .where(
      and(
        eq(batches.campaignId, filter.campaignId),
        filter.batchId === undefined ? undefined : eq(batches.id, filter.batchId),
        filter.status === undefined ? undefined : eq(status, filter.status),
        // So written that SQLite walks on from the cursor, batch by batch, without sorting.
        after === null
          ? undefined
          : and(
              gte(batches.id, after[0]),
              sql`${codes.ordinal} > CASE WHEN ${batches.id} = ${after[0]} THEN ${after[1]} ELSE -1 END`,
            ),
      ),
    )
    .orderBy(asc(batches.id), asc(codes.ordinal))
    .limit(limit);
}
