/** What is written in one transaction with a change, or not at all. */

import { insertEntry, type AuditEntryRow } from "./audit-log.ts";
import { isUniqueViolation } from "./database.ts";
import { insertRecord, isTwin, type NewRecord } from "./idempotency-records.ts";

/** Plain data, so that an object that makes the change can be given it. */
export interface Alongside {
  /** In the audit log. */
  entry: AuditEntryRow;
  /** Of the answer, where the request carried an Idempotency-Key. */
  record: NewRecord | null;
}

/**
 * The statements that follow the change in its batch, with no other write in between. They add
 * nothing if it changed nothing. Null: a change that nobody asked for, which leaves no trace.
 */
export function alongside(db: D1Database, along: Alongside | null) {
  if (along === null) return [];
  const { entry, record } = along;
  return [insertEntry(db, entry), ...(record === null ? [] : insertRecord(db, record))];
}

/** Why nothing was written: another change of the brand was faster, or the same request. */
export type Clash = "overtaken" | "twin";

/** A clash that somebody else met. */
export class ClashError extends Error {
  readonly clash: Clash;

  constructor(clash: Clash) {
    super(clash);
    this.clash = clash;
  }
}

/** What a change clashed with; null when it failed otherwise. */
export function clashOf(error: unknown): Clash | null {
  if (error instanceof ClashError) return error.clash;
  if (isTwin(error)) return "twin";
  return isUniqueViolation(error, "audit_log.number") ? "overtaken" : null;
}
