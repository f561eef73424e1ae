import { and, desc, eq, lt, sql } from "drizzle-orm";
import { alongside, type Alongside } from "./alongside.ts";
import type { CampaignScope } from "./campaigns.ts";
import { database, type Page } from "./database.ts";
import { eventToInsert } from "./events.ts";
import { settleStatements, type Settlement } from "./idempotency-records.ts";
import { campaigns, imports } from "./schema.ts";

export type ImportRow = typeof imports.$inferSelect;

export async function createImport(
  db: D1Database,
  { id, campaignId, dryRun }: { id: string; campaignId: string; dryRun: boolean },
  along: Alongside,
): Promise<void> {
  const now = Date.now();
  const insert = database(db)
    .insert(imports)
    .values({ id, campaignId, dryRun, status: "running", createdAt: now, touchedAt: now });
  await database(db).batch([insert, ...alongside(db, along)]);
}

/** The import, if it belongs to that brand and mode. */
export async function findImport(
  db: D1Database,
  id: string,
  { brandId, mode }: CampaignScope,
): Promise<ImportRow | null> {
  const found = await database(db)
    .select({ import: imports })
    .from(imports)
    .innerJoin(campaigns, eq(campaigns.id, imports.campaignId))
    .where(
      and(
        eq(imports.id, id),
        eq(campaigns.brandId, brandId),
        mode === null ? undefined : eq(campaigns.mode, mode),
      ),
    )
    .limit(1);
  return found[0]?.import ?? null;
}

/** Of a campaign, newest first. */
export async function listImports(
  db: D1Database,
  campaignId: string,
  { after, limit }: Page<string>,
): Promise<ImportRow[]> {
  return database(db)
    .select()
    .from(imports)
    .where(
      and(eq(imports.campaignId, campaignId), after === null ? undefined : lt(imports.id, after)),
    )
    .orderBy(desc(imports.id))
    .limit(limit);
}

/** What was counted of a dry run, which takes nothing that could be counted with it. */
export async function countDryRun(
  db: D1Database,
  id: string,
  counts: Pick<ImportRow, "rows" | "accepted" | "duplicates" | "rejected">,
): Promise<void> {
  await database(db)
    .update(imports)
    .set({ ...counts, touchedAt: Date.now() })
    .where(eq(imports.id, id));
}

/** Safe to repeat. */
export async function failImport(db: D1Database, id: string): Promise<void> {
  await database(db)
    .update(imports)
    .set({ status: "failed", finishedAt: Date.now() })
    .where(eq(imports.id, id));
}

/**
 * Notes that an import is complete, together with what it is answered; false when the same request
 * has been answered otherwise. Safe to repeat.
 */
export async function completeImport(
  db: D1Database,
  { id, campaignId, dryRun, accepted, duplicates, rejected }: ImportRow,
  { finishedAt, settlement }: { finishedAt: number; settlement: Settlement | null },
): Promise<boolean> {
  const update = database(db)
    .update(imports)
    .set({ status: "complete", finishedAt })
    .where(eq(imports.id, id));
  const event = eventToInsert(
    db,
    {
      id,
      campaignId,
      type: "import.completed",
      timestamp: finishedAt,
      data: { import_id: id, accepted, duplicates, rejected },
    },
    dryRun ? sql`false` : sql`true`,
  );
  if (settlement === null) {
    await database(db).batch([update, event]);
    return true;
  }
  const [, found] = await database(db).batch([...settleStatements(db, settlement), update, event]);
  return found[0]?.answer === settlement.answer;
}
