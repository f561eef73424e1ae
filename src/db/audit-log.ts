/** A brand's audit log: a chain of entries that is only added to. */

import { and, asc, desc, eq, gt, lt, sql } from "drizzle-orm";
import { hashedText, type AuditEntry } from "../domain/audit-entry.ts";
import { sha256 } from "./api-keys.ts";
import { answered, database, type Page } from "./database.ts";
import { auditLog } from "./schema.ts";

export type AuditEntryRow = typeof auditLog.$inferSelect;

/** The last entry of a chain, or one that was the last. */
export interface ChainHead {
  number: number;
  hash: string;
}

/** Null: nothing was ever changed. */
export async function findHead(db: D1Database, brandId: string): Promise<ChainHead | null> {
  const found = await database(db)
    .select({ number: auditLog.number, hash: auditLog.hash })
    .from(auditLog)
    .where(eq(auditLog.brandId, brandId))
    .orderBy(desc(auditLog.number))
    .limit(1);
  return found[0] ?? null;
}

async function hashOf(entry: AuditEntry): Promise<string> {
  return (await sha256(hashedText(entry))).toHex();
}

/** The entry that comes after `head`. */
export async function entryAfter(
  head: ChainHead | null,
  fields: Omit<AuditEntry, "number" | "previousHash">,
): Promise<AuditEntryRow> {
  const previousHash = head?.hash ?? null;
  const entry = { ...fields, number: (head?.number ?? 0) + 1, previousHash };
  return { ...entry, hash: await hashOf(entry) };
}

/** Adds the entry if the statement before it changed anything. */
export function insertEntry(db: D1Database, entry: AuditEntryRow) {
  // In the order of the table's columns.
  return database(db).insert(auditLog).select(sql`SELECT ${entry.brandId}, ${entry.number},
    ${entry.id}, ${entry.at}, ${entry.actor}, ${entry.action}, ${entry.target}, ${entry.fields},
    ${entry.requestId}, ${entry.addressPrefix}, ${entry.previousHash}, ${entry.hash}
    WHERE changes() > 0`);
}

/** Whether this entry, and not another of its number, is in the log. */
export async function hasEntry(
  db: D1Database,
  { brandId, number, id }: Pick<AuditEntry, "brandId" | "number" | "id">,
): Promise<boolean> {
  const found = await database(db)
    .select({ id: auditLog.id })
    .from(auditLog)
    .where(and(eq(auditLog.brandId, brandId), eq(auditLog.number, number)))
    .limit(1);
  return found[0]?.id === id;
}

/** Newest first. */
export async function listEntries(
  db: D1Database,
  brandId: string,
  { after, limit }: Page<number>,
): Promise<AuditEntryRow[]> {
  const older = after === null ? undefined : lt(auditLog.number, after);
  return database(db)
    .select()
    .from(auditLog)
    .where(and(eq(auditLog.brandId, brandId), older))
    .orderBy(desc(auditLog.number))
    .limit(limit);
}

/** Entries that are read and hashed at once: some 2 MB. */
const VERIFY_PAGE = 4_000;

/** What a walk through a chain found. */
export interface ChainVerdict {
  entries: number;
  head: ChainHead | null;
  /** The first number at which the chain is not what was once written. */
  brokenAt: number | null;
}

/**
 * Walks through the whole chain. Only who knows an earlier head can see that its end was cut off:
 * `known` is such a head.
 */
export async function verifyChain(
  db: D1Database,
  brandId: string,
  known: ChainHead | null,
  pageSize = VERIFY_PAGE,
): Promise<ChainVerdict> {
  const found: ChainVerdict = { entries: 0, head: null, brokenAt: null };
  for (let isLast = false; !isLast;) {
    const page = await answered(entriesAfter(db, brandId, found.head?.number ?? 0, pageSize));
    const hashes = await Promise.all(page.map(hashOf));
    for (const [i, { number, previousHash, hash }] of page.entries()) {
      const next = (found.head?.number ?? 0) + 1;
      const follows = number === next && previousHash === (found.head?.hash ?? null);
      const isKnown = known === null || number !== known.number || hash === known.hash;
      if (!follows || hash !== hashes[i] || !isKnown) found.brokenAt ??= next;
      found.head = { number, hash };
    }
    found.entries += page.length;
    isLast = page.length < pageSize;
  }
  const last = found.head?.number ?? 0;
  if (known !== null && last < known.number) found.brokenAt ??= last + 1;
  return found;
}

function entriesAfter(db: D1Database, brandId: string, number: number, limit: number) {
  return database(db)
    .select()
    .from(auditLog)
    .where(and(eq(auditLog.brandId, brandId), gt(auditLog.number, number)))
    .orderBy(asc(auditLog.number))
    .limit(limit);
}
