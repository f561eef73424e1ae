import { and, desc, eq, lt, ne, or, sql, type SQL } from "drizzle-orm";
import type { KeyMode } from "../domain/api-key.ts";
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
export type NewCampaign = Pick<CampaignInsert, "brandId" | "slug" | "name" | "mode"> &
  Partial<
    Pick<
      CampaignInsert,
      | "discount"
      | "startsAt"
      | "endsAt"
      | "claimsPerUser"
      | "codeLifetimeSeconds"
      | "consent"
      | "challenge"
      | "codeFormat"
      | "acceptGuessable"
      | "shopUrl"
      | "metadata"
      | "shards"
    >
  >;

export function campaignToInsert(campaign: NewCampaign): CampaignInsert {
  return {
    ...campaign,
    id: newId("campaign"),
    status: "active",
    userKeySecret: randomBytes(32).toHex(),
    createdAt: Date.now(),
  };
}

/** The campaign, or null when the brand has one with that slug. */
export async function createCampaign(
  db: D1Database,
  campaign: NewCampaign,
): Promise<CampaignRow | null> {
  try {
    const created = await database(db)
      .insert(campaigns)
      .values(campaignToInsert(campaign))
      .returning();
    return created[0] ?? null;
  } catch (error) {
    if (isUniqueViolation(error, "campaigns.slug")) return null;
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
): Promise<CampaignUpdate> {
  try {
    const updated = await database(db)
      .update(campaigns)
      .set({ ...change, version: sql`${campaigns.version} + 1` })
      .where(and(eq(campaigns.id, seen.id), eq(campaigns.version, seen.version)))
      .returning();
    return updated[0] === undefined
      ? { kind: "changed-since" }
      : { kind: "updated", campaign: updated[0] };
  } catch (error) {
    if (isUniqueViolation(error, "campaigns.slug")) return { kind: "slug-taken" };
    throw error;
  }
}

/**
 * Sets the status whatever else was changed meanwhile: stopping a campaign must not lose to an edit
 * of its name. Null when it has been ended, and should be something else.
 */
export async function setCampaignStatus(
  db: D1Database,
  id: string,
  status: CampaignRow["status"],
): Promise<CampaignRow | null> {
  const updated = await database(db)
    .update(campaigns)
    .set({ status, version: sql`${campaigns.version} + 1` })
    .where(
      and(eq(campaigns.id, id), status === "ended" ? undefined : ne(campaigns.status, "ended")),
    )
    .returning();
  return updated[0] ?? null;
}
