import { and, asc, eq, getTableColumns, gte, lt, sql, type SQL } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import { statusSql, type CodeStatus } from "../domain/code-status.ts";
import { blanked, database, type Page } from "./database.ts";
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
    /** Whether the campaign's end has come, which is that of its codes. */
    isOver: boolean;
  },
  { after, limit }: Page<[batchId: string, ordinal: number]>,
): Promise<CodeRow[]> {
  const status = sql<CodeStatus>`${sql.raw(statusSql(String(filter.now), filter.isOver))}`;
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

/**
 * The statements that take from claimed codes who has them, for the batch that says so. First by
 * as many other bytes: SQLite writes those over the old ones.
 */
export function forgetUsers(
  db: D1Database,
  places: readonly { batchId: string; ordinal: number }[],
): [BatchItem<"sqlite">, BatchItem<"sqlite">] {
  const asked = JSON.stringify(places.map(({ batchId, ordinal }) => [batchId, ordinal]));
  const isOne = sql`(${codes.batchId}, ${codes.ordinal}) IN
    (SELECT value ->> 0, value ->> 1 FROM json_each(${asked})) AND ${codes.userId} IS NOT NULL`;
  const set = (userId: SQL | null) => database(db).update(codes).set({ userId }).where(isOne);
  return [set(sql.raw(blanked("user_id"))), set(null)];
}
