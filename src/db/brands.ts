import { desc, eq, lt, or } from "drizzle-orm";
import { campaignToInsert } from "./campaigns.ts";
import { database, isUniqueViolation, type Page } from "./database.ts";
import { newId } from "./new-id.ts";
import { apiKeys, brands, campaigns } from "./schema.ts";
import { keyToInsert } from "./api-keys.ts";

export type BrandRow = typeof brands.$inferSelect;

/** A brand with its first two keys and its `default` campaign, or null when the slug is taken. */
export async function createBrand(
  db: D1Database,
  { name, slug }: { name: string; slug: string },
): Promise<{ brand: BrandRow; secret: string; publishable: string } | null> {
  const now = Date.now();
  const id = newId("brand");
  const brand: BrandRow = { id, slug, name, status: "active", createdAt: now, identity: null };
  const fields = {
    brandId: brand.id,
    mode: "live" as const,
    scopes: null,
    allowedOrigins: [],
    expiresAt: null,
  };
  const secret = await keyToInsert({ ...fields, kind: "secret", name: "First secret key" });
  const publishable = await keyToInsert({
    ...fields,
    kind: "publishable",
    name: "First publishable key",
  });
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
    ]);
  } catch (error) {
    if (isUniqueViolation(error, "brands.slug")) return null;
    throw error;
  }
  return { brand, secret: secret.text, publishable: publishable.text };
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
): Promise<BrandRow | null> {
  if (Object.keys(change).length === 0) return findBrand(db, id);
  const updated = await database(db)
    .update(brands)
    .set(change)
    .where(eq(brands.id, id))
    .returning();
  return updated[0] ?? null;
}
