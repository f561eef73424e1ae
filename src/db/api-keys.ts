import { eq } from "drizzle-orm";
import { database } from "./database.ts";
import { apiKeys, brands } from "./schema.ts";

export type ApiKeyRow = typeof apiKeys.$inferSelect;

/** SHA-256 of the UTF-8 of `text`. */
export async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** SHA-256, lower-case hex. A fast hash is right here: the key holds 178 random bits. */
export async function hashKey(key: string): Promise<string> {
  return (await sha256(key)).toHex();
}

export interface OwnedKey {
  key: ApiKeyRow;
  brand: typeof brands.$inferSelect;
}

/** The key and its brand, whatever their state, or null when there is no such key. */
export async function findKey(db: D1Database, key: string): Promise<OwnedKey | null> {
  return findKeyByHash(db, await hashKey(key));
}

export async function findKeyByHash(db: D1Database, hash: string): Promise<OwnedKey | null> {
  const found = await database(db)
    .select()
    .from(apiKeys)
    .innerJoin(brands, eq(brands.id, apiKeys.brandId))
    .where(eq(apiKeys.hash, hash))
    .limit(1);
  const row = found[0];
  return row === undefined ? null : { key: row.api_keys, brand: row.brands };
}

/** The hashes of all keys that a brand ever had. */
export async function listKeyHashes(db: D1Database, brandId: string): Promise<string[]> {
  const found = await database(db)
    .select({ hash: apiKeys.hash })
    .from(apiKeys)
    .where(eq(apiKeys.brandId, brandId));
  return found.map(({ hash }) => hash);
}
