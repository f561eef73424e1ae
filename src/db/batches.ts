import { and, desc, eq, gte, lt } from "drizzle-orm";
import { isId } from "../domain/id.ts";
import type { CampaignScope } from "./campaigns.ts";
import { database, type Page } from "./database.ts";
import { batches, campaigns } from "./schema.ts";

export type BatchRow = typeof batches.$inferSelect;

/** The batch; with a scope, only if it belongs to that brand and mode. */
export async function findBatch(
  db: D1Database,
  id: string,
  scope?: CampaignScope,
): Promise<BatchRow | null> {
  // The codes of an import are a row of the same table, under the import's id.
  if (!isId("batch", id)) return null;
  const found = await database(db)
    .select({ batch: batches })
    .from(batches)
    .innerJoin(campaigns, eq(campaigns.id, batches.campaignId))
    .where(
      and(
        eq(batches.id, id),
        scope === undefined ? undefined : eq(campaigns.brandId, scope.brandId),
        scope?.mode == null ? undefined : eq(campaigns.mode, scope.mode),
      ),
    )
    .limit(1);
  return found[0]?.batch ?? null;
}

/** Of a campaign, newest first. */
export async function listBatches(
  db: D1Database,
  campaignId: string,
  { after, limit }: Page<string>,
): Promise<BatchRow[]> {
  return database(db)
    .select()
    .from(batches)
    .where(
      and(
        eq(batches.campaignId, campaignId),
        // Every batch's id, and no import's.
        gte(batches.id, "bat_"),
        lt(batches.id, after ?? "bat`"),
      ),
    )
    .orderBy(desc(batches.id))
    .limit(limit);
}
