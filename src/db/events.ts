import { and, asc, eq, gt, sql, type SQL } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { EventType, NewEvent } from "../domain/event.ts";
import type { CampaignScope } from "./campaigns.ts";
import { database, type Page } from "./database.ts";
import { campaigns, events } from "./schema.ts";

export type EventRow = typeof events.$inferSelect;

/**
 * The statement that lets an event enter the log, for the batch that writes the fact. Its numbers
 * are the next ones of that transaction. Safe to repeat: an id enters once. `where` may look at the
 * campaign's row.
 */
export function eventToInsert(
  db: D1Database,
  event: NewEvent,
  where: SQL = sql`true`,
): BatchItem<"sqlite"> {
  const { id, campaignId, type, timestamp, data } = event;
  // The columns in the order of the table.
  const row = sql`
    SELECT campaigns.id,
           (SELECT coalesce(max(e.sequence), 0) + 1 FROM events AS e WHERE e.campaign_id = campaigns.id),
           ${id}, campaigns.brand_id,
           (SELECT coalesce(max(e.position), 0) + 1 FROM events AS e WHERE e.brand_id = campaigns.brand_id),
           ${type}, ${timestamp}, ${JSON.stringify(data)}
    FROM campaigns WHERE campaigns.id = ${campaignId} AND ${where}`;
  return database(db).insert(events).select(row).onConflictDoNothing({ target: events.id });
}

/** Of one campaign, by sequence. */
export async function listCampaignEvents(
  db: D1Database,
  { campaignId, type }: { campaignId: string; type: EventType | null },
  { after, limit }: Page<number>,
): Promise<EventRow[]> {
  return database(db)
    .select()
    .from(events)
    .where(
      and(
        eq(events.campaignId, campaignId),
        gt(events.sequence, after ?? 0),
        type === null ? undefined : eq(events.type, type),
      ),
    )
    .orderBy(asc(events.sequence))
    .limit(limit);
}

/** Of all campaigns that the scope may see, in the order in which they entered the log. */
export async function listBrandEvents(
  db: D1Database,
  { scope, type }: { scope: CampaignScope; type: EventType | null },
  { after, limit }: Page<number>,
): Promise<EventRow[]> {
  const found = await database(db)
    .select({ event: events })
    .from(events)
    .innerJoin(campaigns, eq(campaigns.id, events.campaignId))
    .where(
      and(
        eq(events.brandId, scope.brandId),
        gt(events.position, after ?? 0),
        type === null ? undefined : eq(events.type, type),
        scope.mode === null ? undefined : eq(campaigns.mode, scope.mode),
      ),
    )
    .orderBy(asc(events.position))
    .limit(limit);
  return found.map(({ event }) => event);
}
