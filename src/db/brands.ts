import { desc, eq, lt, or } from "drizzle-orm";
import { alongside, type Alongside } from "./alongside.ts";
import { campaignToInsert } from "./campaigns.ts";
import { database, isUniqueViolation, type Page } from "./database.ts";
import { newId } from "./new-id.ts";
import { apiKeys, brands, campaigns } from "./schema.ts";
import { keyToInsert } from "./api-keys.ts";

export type BrandRow = typeof brands.$inferSelect;

type KeyToInsert = Awaited<ReturnType<typeof keyToInsert>>;

/** A brand with its first two keys. */
export interface NewBrand {
  brand: BrandRow;
  secret: KeyToInsert;
  publishable: KeyToInsert;
}

export async function brandToInsert(fields: { name: string; slug: string }): Promise<NewBrand> {
  const { name, slug } = fields;
  const now = Date.now();
  const id = newId("brand");
  const brand: BrandRow = { id, slug, name, status: "active", createdAt: now, identity: null };
  const common = {
    brandId: brand.id,
    mode: "live" as const,
    scopes: null,
    allowedOrigins: [],
    expiresAt: null,
  };
  const secret = await keyToInsert({ ...common, kind: "secret", name: "First secret key" });
  const publishable = await keyToInsert({
    ...common,
    kind: "publishable",
    name: "First publishable key",
  });
  return { brand, secret, publishable };
}

/** Adds the brand and its `default` campaign; false when the slug is taken. */
export async function createBrand(
  db: D1Database,
  { brand, secret, publishable }: NewBrand,
  along: Alongside,
): Promise<boolean> {
  const orm = database(db);
  try {
    await orm.batch([
      orm.insert(brands).values(brand),
      orm.insert(apiKeys).values(secret.row),
      orm.insert(apiKeys).values(publishable.row),
      orm
        .insert(campaigns)
        .values(
          campaignToInsert({ brandId: brand.id, slug: "default", name: "Default", mode: "live" }),
        ),
      ...alongside(db, along),
    ]);
  } catch (error) {
    if (isUniqueViolation(error, "brands.slug")) return false;
    throw error;
  }
  return true;
}

export async function findBrand(db: D1Database, idOrSlug: string): Promise<BrandRow | null> {
  const found = await database(db)
    .select()
    .from(brands)
    .where(or(eq(brands.id, idOrSlug), eq(brands.slug, idOrSlug)))
    .limit(1);
  return found[0] ?? null;
}

/** Newest first. */
export async function listBrands(
  db: D1Database,
  { after, limit }: Page<string>,
): Promise<BrandRow[]> {
  return database(db)
    .select()
    .from(brands)
    .where(after === null ? undefined : lt(brands.id, after))
    .orderBy(desc(brands.id))
    .limit(limit);
}

export async function updateBrand(
  db: D1Database,
  id: string,
  change: Partial<Pick<BrandRow, "name" | "status" | "identity">>,
  along: Alongside,
): Promise<BrandRow | null> {
  if (Object.keys(change).length === 0) return findBrand(db, id);
  const [updated] = await database(db).batch([
    database(db).update(brands).set(change).where(eq(brands.id, id)).returning(),
    ...alongside(db, along),
  ]);
  return updated[0] ?? null;
}
