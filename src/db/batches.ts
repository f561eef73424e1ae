import { and, eq } from "drizzle-orm";
import type { CampaignScope } from "./campaigns.ts";
import { database } from "./database.ts";
import { batches, campaigns } from "./schema.ts";

export type BatchRow = typeof batches.$inferSelect;

/** The batch; with a scope, only if it belongs to that brand and mode. */
export async function findBatch(
  db: D1Database,
  id: string,
  scope?: CampaignScope,
): Promise<BatchRow | null> {
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
