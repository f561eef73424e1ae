import { eq } from "drizzle-orm";
import { database } from "./database.ts";
import { toHex } from "./new-id.ts";
import { apiKeys, brands } from "./schema.ts";

export type ApiKeyRow = typeof apiKeys.$inferSelect;

/** SHA-256 of the UTF-8 of `text`. */
export async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** SHA-256, lower-case hex. A fast hash is right here: the key holds 178 random bits. */
export async function hashKey(key: string): Promise<string> {
  return toHex(await sha256(key));
}

/** The key and its brand, whatever their state, or null when there is no such key. */
export async function findKey(
  db: D1Database,
  key: string,
): Promise<{ key: ApiKeyRow; brand: typeof brands.$inferSelect } | null> {
  const found = await database(db)
    .select()
    .from(apiKeys)
    .innerJoin(brands, eq(brands.id, apiKeys.brandId))
    .where(eq(apiKeys.hash, await hashKey(key)))
    .limit(1);
  const row = found[0];
  return row === undefined ? null : { key: row.api_keys, brand: row.brands };
}
