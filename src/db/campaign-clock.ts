/** The times at which campaigns start and end, and which of them were told. Triggers keep them. */

import { and, asc, eq, sql } from "drizzle-orm";
import type { NewEvent } from "../domain/event.ts";
import type { CampaignRow } from "./campaigns.ts";
import { database } from "./database.ts";
import { eventToInsert } from "./events.ts";
import { derivedId } from "./new-id.ts";
import { campaignClock, campaigns } from "./schema.ts";

/** A time at which a campaign starts, or ends. */
export type Moment = Pick<typeof campaignClock.$inferSelect, "campaignId" | "type" | "at"> &
  Pick<CampaignRow, "createdAt">;

/** The campaign's own, if they have come at `now`. */
export function momentsPast(campaign: CampaignRow, now: number): Moment[] {
  const { id: campaignId, startsAt, endsAt, createdAt } = campaign;
  const moments = [
    { type: "campaign.started" as const, at: startsAt },
    { type: "campaign.ended" as const, at: endsAt },
  ];
  return moments.flatMap(({ type, at }) =>
    at === null || at > now ? [] : [{ campaignId, type, at, createdAt }],
  );
}

/** Of a brand, those that were not told, the next first. */
export async function listUntold(
  db: D1Database,
  brandId: string,
  limit: number,
): Promise<Moment[]> {
  return (
    database(db)
      .select({
        campaignId: campaignClock.campaignId,
        type: campaignClock.type,
        at: campaignClock.at,
        createdAt: campaigns.createdAt,
      })
      .from(campaignClock)
      .innerJoin(campaigns, eq(campaigns.id, campaignClock.campaignId))
      // Not bound, so that the index is seen to have all of these.
      .where(and(eq(campaignClock.brandId, brandId), sql`${campaignClock.isTold} = 0`))
      .orderBy(asc(campaignClock.at))
      .limit(limit)
  );
}

/**
 * Tells them in this order, each unless it was told, or moved away, before. Safe to repeat: what
 * is told and that it is told are one transaction.
 */
export async function tellMoments(db: D1Database, moments: readonly Moment[]): Promise<void> {
  const events = await Promise.all(moments.map(eventOf));
  const [first, ...rest] = moments.flatMap((moment, i) => {
    const { campaignId, type, at } = moment;
    const isUntold = sql`campaign_id = ${campaignId} AND type = ${type} AND at = ${at} AND is_told = 0`;
    const event = events[i];
    if (event === undefined) return [];
    return [
      eventToInsert(db, event, sql`EXISTS (SELECT 1 FROM campaign_clock WHERE ${isUntold})`),
      database(db).update(campaignClock).set({ isTold: true }).where(isUntold),
    ];
  });
  if (first !== undefined) await database(db).batch([first, ...rest]);
}

/** The same for the same moment, whoever tells it. */
async function eventOf({ campaignId, type, at, createdAt }: Moment): Promise<NewEvent> {
  // A campaign may be made with a time that was long before it.
  const timestamp = Math.max(at, createdAt);
  const id = await derivedId("event", timestamp, `${campaignId}/${type}/${at}`);
  const time = new Date(at).toISOString();
  return type === "campaign.started"
    ? { id, campaignId, timestamp, type, data: { starts_at: time } }
    : { id, campaignId, timestamp, type, data: { ended_at: time, reason: "time" } };
}
