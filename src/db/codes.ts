import { and, asc, eq, gt, gte, isNotNull, isNull, lt, lte, or, sql, type SQL } from "drizzle-orm";
import { database, type Page } from "./database.ts";
import { batches, codes } from "./schema.ts";

export type CodeRow = typeof codes.$inferSelect;

export const CODE_STATUSES = ["available", "claimed", "redeemed", "expired", "revoked"] as const;
export type CodeStatus = (typeof CODE_STATUSES)[number];

/** A code's one status at `now`: revoked before redeemed before expired before claimed. */
export function codeStatus(
  code: Pick<CodeRow, "revokedAt" | "redeemedAt" | "expiresAt" | "claimId">,
  now: number,
): CodeStatus {
  if (code.revokedAt !== null) return "revoked";
  if (code.redeemedAt !== null) return "redeemed";
  if (code.claimId === null) return "available";
  return code.expiresAt !== null && code.expiresAt <= now ? "expired" : "claimed";
}

/** `codeStatus` as a condition. */
function hasStatus(status: CodeStatus, now: number): SQL | undefined {
  if (status === "revoked") return isNotNull(codes.revokedAt);
  if (status === "redeemed") return and(isNull(codes.revokedAt), isNotNull(codes.redeemedAt));
  const untouched = and(isNull(codes.revokedAt), isNull(codes.redeemedAt));
  if (status === "available") return and(untouched, isNull(codes.claimId));
  if (status === "expired")
    return and(untouched, isNotNull(codes.claimId), lte(codes.expiresAt, now));
  return and(
    untouched,
    isNotNull(codes.claimId),
    or(isNull(codes.expiresAt), gt(codes.expiresAt, now)),
  );
}

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
  const rows = await database(db)
    .select({ code: codes })
    .from(batches)
    .innerJoin(codes, and(eq(codes.batchId, batches.id), lt(codes.ordinal, batches.created)))
    .where(
      and(
        eq(batches.campaignId, filter.campaignId),
        filter.batchId === undefined ? undefined : eq(batches.id, filter.batchId),
        filter.status === undefined ? undefined : hasStatus(filter.status, filter.now),
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
  return rows.map(({ code }) => code);
}
