/** People who signed in to the console. */

import { and, eq, gt, sql } from "drizzle-orm";
import { hashKey, type OwnedKey } from "./api-keys.ts";
import { alongside, type Alongside } from "./alongside.ts";
import { database } from "./database.ts";
import { randomBytes } from "./new-id.ts";
import { apiKeys, brands, consoleSessions } from "./schema.ts";

/** As many as a key has; nobody guesses one. */
const TOKEN_BYTES = 32;
/** Sessions that ended are forgotten so many at a time, when somebody signs in. */
const FORGOTTEN_MAX = 100;

export interface Session extends OwnedKey {
  expiresAt: number;
}

/** What a browser's cookie holds for a new session: 43 characters. */
export function newSessionToken(): string {
  return randomBytes(TOKEN_BYTES).toBase64({ alphabet: "base64url", omitPadding: true });
}

export async function createSession(
  db: D1Database,
  { token, keyId, expiresAt }: { token: string; keyId: string; expiresAt: number },
  along: Alongside,
): Promise<void> {
  const orm = database(db);
  const ended = sql`(SELECT hash FROM console_sessions
    WHERE expires_at < ${Date.now()} LIMIT ${FORGOTTEN_MAX})`;
  await orm.batch([
    orm.insert(consoleSessions).values({ hash: await hashKey(token), keyId, expiresAt }),
    ...alongside(db, along),
    orm.delete(consoleSessions).where(sql`hash IN ${ended}`),
  ]);
}

/** The session with its key and brand, whatever their state; null when it is none or has ended. */
export async function findSession(db: D1Database, token: string): Promise<Session | null> {
  const found = await database(db)
    .select()
    .from(consoleSessions)
    .innerJoin(apiKeys, eq(apiKeys.id, consoleSessions.keyId))
    .innerJoin(brands, eq(brands.id, apiKeys.brandId))
    .where(
      and(
        eq(consoleSessions.hash, await hashKey(token)),
        gt(consoleSessions.expiresAt, Date.now()),
      ),
    )
    .limit(1);
  const row = found[0];
  if (row === undefined) return null;
  const { expiresAt } = row.console_sessions;
  return { key: row.api_keys, brand: row.brands, expiresAt };
}

export async function endSession(db: D1Database, token: string): Promise<void> {
  await database(db)
    .delete(consoleSessions)
    .where(eq(consoleSessions.hash, await hashKey(token)));
}
