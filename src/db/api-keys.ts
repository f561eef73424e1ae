import { and, desc, eq, gt, isNull, lt, or, sql } from "drizzle-orm";
import { formatApiKey, type KeyKind, type KeyMode } from "../domain/api-key.ts";
import type { Scope } from "../domain/scope.ts";
import { alongside, type Alongside } from "./alongside.ts";
import { database, type Page } from "./database.ts";
import { newId, randomBytes } from "./new-id.ts";
import { apiKeys, brands, keyOrigins } from "./schema.ts";

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

/** Whose keys, and of which mode: null means both. */
export interface KeyScope {
  brandId: string;
  mode: KeyMode | null;
}

function within({ brandId, mode }: KeyScope) {
  return and(eq(apiKeys.brandId, brandId), mode === null ? undefined : eq(apiKeys.mode, mode));
}

export interface NewKey {
  brandId: string;
  kind: KeyKind;
  mode: KeyMode;
  name: string;
  /** Null: all. */
  scopes: Scope[] | null;
  allowedOrigins: string[];
  expiresAt: number | null;
}

/** A key and the row that will stand for it: the row does not tell the key. */
export async function keyToInsert(key: NewKey): Promise<{ text: string; row: ApiKeyRow }> {
  const text = formatApiKey(key.kind, key.mode, randomBytes);
  const row = {
    ...key,
    id: newId("apiKey"),
    hash: await hashKey(text),
    hint: text.slice(-4),
    createdAt: Date.now(),
    revokedAt: null,
    lastUsedAt: null,
  };
  return { text, row };
}

export async function createKey(db: D1Database, row: ApiKeyRow, along: Alongside): Promise<void> {
  const insert = database(db).insert(apiKeys).values(row);
  await database(db).batch([insert, ...alongside(db, along)]);
}

/** Newest first, revoked and expired ones among them. */
export async function listKeys(
  db: D1Database,
  scope: KeyScope,
  { after, limit }: Page<string>,
): Promise<ApiKeyRow[]> {
  return database(db)
    .select()
    .from(apiKeys)
    .where(and(within(scope), after === null ? undefined : lt(apiKeys.id, after)))
    .orderBy(desc(apiKeys.id))
    .limit(limit);
}

export async function findKeyById(
  db: D1Database,
  scope: KeyScope,
  id: string,
): Promise<ApiKeyRow | null> {
  const found = await database(db)
    .select()
    .from(apiKeys)
    .where(and(within(scope), eq(apiKeys.id, id)))
    .limit(1);
  return found[0] ?? null;
}

export async function updateKey(
  db: D1Database,
  id: string,
  change: Partial<Pick<ApiKeyRow, "name" | "allowedOrigins">>,
  along: Alongside,
): Promise<ApiKeyRow | null> {
  const [updated] = await database(db).batch([
    database(db).update(apiKeys).set(change).where(eq(apiKeys.id, id)).returning(),
    ...alongside(db, along),
  ]);
  return updated[0] ?? null;
}

/** For good. One that was revoked before keeps its time. */
export async function revokeKey(db: D1Database, id: string, along: Alongside): Promise<void> {
  const revoke = database(db)
    .update(apiKeys)
    .set({ revokedAt: Date.now() })
    .where(and(eq(apiKeys.id, id), isNull(apiKeys.revokedAt)));
  await database(db).batch([revoke, ...alongside(db, along)]);
}

/**
 * Puts `successor` in, and lets the key before it go at `expiresAt`, or sooner if it was to. False,
 * and without effect, when that key counts no more: whoever revokes it leaves no successor.
 */
export async function succeedKey(
  db: D1Database,
  { before, successor, expiresAt }: { before: ApiKeyRow; successor: ApiKeyRow; expiresAt: number },
  along: Alongside,
): Promise<boolean> {
  const orm = database(db);
  const { id, hash, hint, createdAt } = successor;
  // In the order of the table's columns.
  const row = sql`SELECT ${id}, brand_id, kind, mode, name, ${hash}, ${hint}, ${createdAt}, NULL, NULL,
    scopes, allowed_origins, NULL FROM api_keys
    WHERE id = ${before.id} AND revoked_at IS NULL AND coalesce(expires_at > ${createdAt}, 1)`;
  const [added] = await orm.batch([
    orm.insert(apiKeys).select(row).returning({ id: apiKeys.id }),
    orm
      .update(apiKeys)
      .set({ expiresAt: sql`min(coalesce(${apiKeys.expiresAt}, ${expiresAt}), ${expiresAt})` })
      .where(and(eq(apiKeys.id, before.id), sql`changes() > 0`)),
    ...alongside(db, along),
  ]);
  return added.length > 0;
}

/** Whether a key that is neither revoked nor expired may be used from pages of the origin. */
export async function isOriginOfAKey(db: D1Database, origin: string): Promise<boolean> {
  const found = await database(db)
    .select({ id: apiKeys.id })
    .from(keyOrigins)
    .innerJoin(apiKeys, eq(apiKeys.id, keyOrigins.keyId))
    .where(
      and(
        eq(keyOrigins.origin, origin),
        isNull(apiKeys.revokedAt),
        or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, Date.now())),
      ),
    )
    .limit(1);
  return found.length > 0;
}

/** Notes that the key was used; an older note than the one there changes nothing. */
export async function markUsed(db: D1Database, id: string, now: number): Promise<void> {
  await database(db)
    .update(apiKeys)
    .set({ lastUsedAt: now })
    .where(and(eq(apiKeys.id, id), or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, now))));
}
