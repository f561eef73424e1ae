/** A campaign's status as it changes, and what the brand is told of that, in one transaction. */

import { and, eq, isNotNull, ne, or, sql } from "drizzle-orm";
import type { NewEvent } from "../domain/event.ts";
import { alongside, type Alongside } from "./alongside.ts";
import { momentsPast, tellMoments } from "./campaign-clock.ts";
import type { CampaignRow } from "./campaigns.ts";
import { database } from "./database.ts";
import { eventToInsert } from "./events.ts";
import { newId } from "./new-id.ts";
import { campaigns } from "./schema.ts";

/**
 * Ends a campaign for good, whatever else was changed meanwhile, and logs it, once; not where its
 * own time did so before.
 */
export async function endCampaign(
  db: D1Database,
  seen: CampaignRow,
  along: Alongside,
): Promise<CampaignRow | null> {
  const orm = database(db);
  const now = Date.now();
  // Came before, so it is told before.
  await tellMoments(db, momentsPast(seen, now));
  const event: NewEvent = {
    id: newId("event"),
    campaignId: seen.id,
    type: "campaign.ended",
    timestamp: now,
    data: { ended_at: new Date(now).toISOString(), reason: "request" },
  };
  const isNew = sql`${campaigns.status} <> 'ended' AND NOT EXISTS (SELECT 1 FROM campaign_clock AS c
    WHERE c.campaign_id = ${campaigns.id} AND c.type = 'campaign.ended' AND c.at = ${campaigns.endsAt}
      AND c.is_told)`;
  const [, , found] = await orm.batch([
    // Before the update, which ends what it depends on.
    eventToInsert(db, event, isNew),
    orm
      .update(campaigns)
      .set({ status: "ended", version: sql`${campaigns.version} + 1` })
      .where(and(eq(campaigns.id, seen.id), ne(campaigns.status, "ended"))),
    orm.select().from(campaigns).where(eq(campaigns.id, seen.id)),
    ...alongside(db, along),
  ]);
  return found[0] ?? null;
}

/**
 * Sets the status whatever else was changed meanwhile: stopping a campaign must not lose to an edit
 * of its name. Null when it has been ended.
 */
export async function setCampaignStatus(
  db: D1Database,
  id: string,
  status: "active" | "paused",
  along: Alongside,
): Promise<CampaignRow | null> {
  const resumed = {
    breakerTrippedAt: null,
    // Later than the trip, whoever's clock is ahead: the pools go by it.
    breakerCountsFrom: sql`max(${Date.now()}, coalesce(${campaigns.breakerTrippedAt}, 0) + 1)`,
  };
  // A pool's breaker may have tripped, and D1 not know of it yet: a resume counts anew from now.
  const isMoved =
    status === "active"
      ? or(ne(campaigns.status, status), isNotNull(campaigns.claimsPerMinuteMax))
      : ne(campaigns.status, status);
  const [, found] = await database(db).batch([
    database(db)
      .update(campaigns)
      .set({
        status,
        version: sql`${campaigns.version} + 1`,
        ...(status === "active" ? resumed : {}),
      })
      .where(and(eq(campaigns.id, id), isMoved, ne(campaigns.status, "ended"))),
    database(db)
      .select()
      .from(campaigns)
      .where(and(eq(campaigns.id, id), eq(campaigns.status, status))),
    ...alongside(db, along),
  ]);
  return found[0] ?? null;
}

/**
 * Pauses a campaign whose breaker tripped, and logs it, once: neither happens again when it is told
 * twice, or after the campaign was paused otherwise or resumed since. The campaign as it is then.
 */
export async function tripBreaker(
  db: D1Database,
  { id, trippedAt, max, eventId }: { id: string; trippedAt: number; max: number; eventId: string },
): Promise<CampaignRow | null> {
  const orm = database(db);
  const isDue = sql`${campaigns.status} = 'active' AND ${campaigns.claimsPerMinuteMax} IS NOT NULL
    AND ${campaigns.breakerCountsFrom} <= ${trippedAt}`;
  const event: NewEvent = {
    id: eventId,
    campaignId: id,
    type: "campaign.breaker_tripped",
    timestamp: trippedAt,
    data: { max_claims_per_minute: max, tripped_at: new Date(trippedAt).toISOString() },
  };
  const [, , found] = await orm.batch([
    // Before the update, which ends what both depend on.
    eventToInsert(db, event, isDue),
    orm
      .update(campaigns)
      .set({
        status: "paused",
        breakerTrippedAt: trippedAt,
        version: sql`${campaigns.version} + 1`,
      })
      .where(and(eq(campaigns.id, id), isDue)),
    orm.select().from(campaigns).where(eq(campaigns.id, id)),
  ]);
  return found[0] ?? null;
}
