import { and, asc, desc, eq, gt, lt, or, sql, type SQL } from "drizzle-orm";
import type { KeyMode } from "../domain/api-key.ts";
import { alongside, type Alongside } from "./alongside.ts";
import { database, isUniqueViolation, type Page } from "./database.ts";
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
      | "reveal"
      | "revealWithinSeconds"
      | "holderOnly"
      | "redeemUnclaimed"
      | "codesOutliveCampaign"
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
    reveal: "at_claim",
    revealWithinSeconds: 900,
    holderOnly: false,
    redeemUnclaimed: false,
    codesOutliveCampaign: false,
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
