import { and, asc, desc, eq, gt, isNotNull, lt, ne, or, sql, type SQL } from "drizzle-orm";
import type { KeyMode } from "../domain/api-key.ts";
import type { NewEvent } from "../domain/event.ts";
import { alongside, type Alongside } from "./alongside.ts";
import { momentsPast, tellMoments } from "./campaign-clock.ts";
import { database, isUniqueViolation, type Page } from "./database.ts";
import { eventToInsert } from "./events.ts";
import { newId, randomBytes } from "./new-id.ts";
import { campaigns } from "./schema.ts";

export type CampaignRow = typeof campaigns.$inferSelect;
type CampaignInsert = typeof campaigns.$inferInsert;

/** Whose campaigns, and of which mode: null means both. */
export interface CampaignScope {
  brandId: string;
  mode: KeyMode | null;
}

/** What a brand may set when it creates a campaign. */
export type NewCampaign = Pick<CampaignRow, "brandId" | "slug" | "name" | "mode"> &
  Partial<
    Pick<
      CampaignRow,
      | "discount"
      | "startsAt"
      | "endsAt"
      | "claimsPerUser"
      | "codeLifetimeSeconds"
      | "contactRetentionDays"
      | "consent"
      | "challenge"
      | "codeFormat"
      | "acceptGuessable"
      | "claimsPerMinuteMax"
      | "lowStockThresholds"
      | "shopUrl"
      | "metadata"
      | "shards"
    >
  >;

/** The row as it will be, so that it can be answered before it is there. */
export function campaignToInsert(campaign: NewCampaign): CampaignRow {
  return {
    discount: null,
    startsAt: null,
    endsAt: null,
    claimsPerUser: 1,
    claimsPerMinuteMax: null,
    breakerTrippedAt: null,
    breakerCountsFrom: 0,
    lowStockThresholds: null,
    codeLifetimeSeconds: null,
    contactRetentionDays: null,
    consent: null,
    challenge: null,
    codeFormat: null,
    acceptGuessable: false,
    shopUrl: null,
    metadata: {},
    shards: 1,
    ...campaign,
    id: newId("campaign"),
    status: "active",
    version: 1,
    userKeySecret: randomBytes(32).toHex(),
    createdAt: Date.now(),
  };
}

/** False when the brand has one with that slug. */
export async function createCampaign(
  db: D1Database,
  campaign: CampaignRow,
  along: Alongside,
): Promise<boolean> {
  try {
    const insert = database(db).insert(campaigns).values(campaign);
    await database(db).batch([insert, ...alongside(db, along)]);
    return true;
  } catch (error) {
    if (isUniqueViolation(error, "campaigns.slug")) return false;
    throw error;
  }
}

function within({ brandId, mode }: CampaignScope): SQL | undefined {
  return and(eq(campaigns.brandId, brandId), mode === null ? undefined : eq(campaigns.mode, mode));
}

export async function findCampaign(
  db: D1Database,
  scope: CampaignScope,
  idOrSlug: string,
): Promise<CampaignRow | null> {
  const found = await database(db)
    .select()
    .from(campaigns)
    .where(and(within(scope), or(eq(campaigns.id, idOrSlug), eq(campaigns.slug, idOrSlug))))
    .limit(1);
  return found[0] ?? null;
}

/** Whose campaign it is; it must be there. */
export async function brandOfCampaign(db: D1Database, id: string): Promise<string> {
  const where = eq(campaigns.id, id);
  const [row] = await database(db)
    .select({ brandId: campaigns.brandId })
    .from(campaigns)
    .where(where);
  if (row === undefined) throw new Error(`Campaign ${id} vanished`);
  return row.brandId;
}

/** By id or slug: the ids of those that there are, by the name that was asked for. */
export async function findCampaignIds(
  db: D1Database,
  scope: CampaignScope,
  names: readonly string[],
): Promise<Map<string, string>> {
  // From the names to the campaigns: the other way round all of the brand's would be read.
  const found = await database(db).all<{ name: string; id: string }>(
    sql`SELECT n.value AS name, ${campaigns.id} AS id FROM json_each(${JSON.stringify(names)}) AS n
      CROSS JOIN ${campaigns}
      WHERE ${within(scope)} AND (${campaigns.id} = n.value OR ${campaigns.slug} = n.value)`,
  );
  return new Map(found.map(({ name, id }) => [name, id]));
}

/** Newest first. */
export async function listCampaigns(
  db: D1Database,
  scope: CampaignScope,
  { after, limit }: Page<string>,
): Promise<CampaignRow[]> {
  return database(db)
    .select()
    .from(campaigns)
    .where(and(within(scope), after === null ? undefined : lt(campaigns.id, after)))
    .orderBy(desc(campaigns.id))
    .limit(limit);
}

/**
 * Campaigns whose codes somebody may have, in the order of their ids: a shard gives only codes that
 * were leased to it, and a lease of which one was given stays with it.
 */
export async function listLeasedCampaigns(
  db: D1Database,
  scope: CampaignScope,
  { after, limit }: Page<string>,
): Promise<CampaignRow[]> {
  const isLeased = sql`EXISTS (SELECT 1 FROM leases
    WHERE leases.campaign_id = ${campaigns.id} AND leases.shard IS NOT NULL)`;
  return database(db)
    .select()
    .from(campaigns)
    .where(and(within(scope), after === null ? undefined : gt(campaigns.id, after), isLeased))
    .orderBy(asc(campaigns.id))
    .limit(limit);
}

export type CampaignChange = Partial<
  Omit<CampaignInsert, "id" | "brandId" | "mode" | "shards" | "version">
>;

export type CampaignUpdate =
  | { kind: "updated"; campaign: CampaignRow }
  | { kind: "slug-taken" }
  /** Somebody changed it since `seen` was read. */
  | { kind: "changed-since" };

/** Applies `change` to the campaign as it was `seen`, so that no check made on it can be stale. */
export async function updateCampaign(
  db: D1Database,
  seen: CampaignRow,
  change: CampaignChange,
  along: Alongside,
): Promise<CampaignUpdate> {
  if (Object.keys(change).length === 0) return { kind: "updated", campaign: seen };
  try {
    const [updated] = await database(db).batch([
      database(db)
        .update(campaigns)
        .set({ ...change, version: sql`${campaigns.version} + 1` })
        .where(and(eq(campaigns.id, seen.id), eq(campaigns.version, seen.version)))
        .returning(),
      ...alongside(db, along),
    ]);
    return updated[0] === undefined
      ? { kind: "changed-since" }
      : { kind: "updated", campaign: updated[0] };
  } catch (error) {
    if (isUniqueViolation(error, "campaigns.slug")) return { kind: "slug-taken" };
    throw error;
  }
}

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
