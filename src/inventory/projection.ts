/** What D1 shows of claims that the pools decided. May import db/ and domain/. */

import { rowsOf } from "../db/database.ts";
import { ledgerRunEnd, ledgerRunToInsert, oldestToForget, type LedgerRun } from "./event-log.ts";
import { stockToRead } from "./tell-stock.ts";

export interface ClaimToShow {
  batchId: string;
  ordinal: number;
  code: string;
  claimId: string;
  userId: string | null;
  claimedAt: number;
  expiresAt: number | null;
}

function asJson(claims: ClaimToShow[]): string {
  return JSON.stringify(
    claims.map((c) => [
      c.batchId,
      c.ordinal,
      c.claimId,
      c.userId,
      c.claimedAt,
      c.expiresAt,
      c.code,
    ]),
  );
}

/** The claims of one JSON parameter as rows. */
const CLAIMS_IN = `(
  SELECT value ->> 0 AS batch_id, value ->> 1 AS ordinal, value ->> 2 AS claim_id,
         value ->> 3 AS user_id, value ->> 4 AS claimed_at, value ->> 5 AS expires_at, value ->> 6 AS code
  FROM json_each(?1)
) AS shown`;

/** How far a shard's entries are in the log, and who hears of it. */
export interface Entered {
  to: number;
  brandId: string;
  /** Whether a webhook of the brand may want to know. */
  isHeard: boolean;
}

/** With what `tellStock` is to know of. */
export interface ClaimsEntered extends Entered {
  stock: D1Result;
}

/**
 * Enters the claims into the event log and marks their codes as claimed, in one transaction. Safe
 * to repeat, with claims added at the end too: a run enters once, showing a claim twice changes
 * nothing, and a code that shows another claim is left alone for `compareClaims` to find.
 */
export async function showClaims(
  db: D1Database,
  run: LedgerRun,
  claims: ClaimToShow[],
): Promise<ClaimsEntered> {
  const results = await db.batch([
    ledgerRunToInsert(db, run),
    db
      .prepare(
        `INSERT INTO campaign_stock (campaign_id, claimed) SELECT ?1, ?2 WHERE changes() > 0
         ON CONFLICT (campaign_id) DO UPDATE SET claimed = claimed + excluded.claimed`,
      )
      .bind(run.campaignId, run.count),
    db
      .prepare(
        `UPDATE codes SET claim_id = shown.claim_id, user_id = shown.user_id,
                          claimed_at = shown.claimed_at, expires_at = shown.expires_at
         FROM ${CLAIMS_IN}
         WHERE codes.batch_id = shown.batch_id AND codes.ordinal = shown.ordinal AND codes.claim_id IS NULL`,
      )
      .bind(asJson(claims)),
    oldestToForget(db, run.campaignId),
    stockToRead(db, run.campaignId),
    ledgerRunEnd(db, run),
  ]);
  const [stock, end] = results.slice(-2);
  if (stock === undefined) throw new Error("A batch without all of its results");
  return { ...enteredIn(run, end), stock };
}

/** From the result of `ledgerRunEnd`. */
function enteredIn(run: LedgerRun, end: D1Result | undefined): Entered {
  const [row] = rowsOf<{ to: number; brandId: string; isHeard: number }>(end);
  if (row === undefined) throw new Error(`Campaign ${run.campaignId} has no log`);
  return { ...row, isHeard: row.isHeard === 1 };
}

/** What became of a code. Times are Unix milliseconds. */
export interface EntryToShow {
  kind: "redeemed" | "rolled_back" | "expired";
  batchId: string;
  ordinal: number;
  at: number;
}

/**
 * The same for what became of codes: entries of one kind. A code may be spent, given back and spent
 * again, so what is shown moves with the run that says so, and not when that is sent again.
 */
export async function showLog(
  db: D1Database,
  run: LedgerRun,
  entries: EntryToShow[],
): Promise<Entered> {
  const results = await db.batch([
    ledgerRunToInsert(db, run),
    // An expired code shows by its time.
    ...(run.type === "code.expired" ? [] : [redeemedToShow(db, entries)]),
    oldestToForget(db, run.campaignId),
    ledgerRunEnd(db, run),
  ]);
  return enteredIn(run, results.at(-1));
}

function redeemedToShow(db: D1Database, entries: EntryToShow[]): D1PreparedStatement {
  const shown = entries.map(({ kind, batchId, ordinal, at }) => [
    batchId,
    ordinal,
    kind === "redeemed" ? at : null,
  ]);
  return db
    .prepare(
      `UPDATE codes SET redeemed_at = shown.value ->> 2 FROM json_each(?1) AS shown
       WHERE codes.batch_id = shown.value ->> 0 AND codes.ordinal = shown.value ->> 1
         AND changes() > 0`,
    )
    .bind(JSON.stringify(shown));
}

/**
 * Holds claims of the ledger against D1: how many it does not show yet, and how many it
 * contradicts. Of a user who was erased D1 may say who it was, for as long as the erasure takes.
 */
export async function compareClaims(
  db: D1Database,
  claims: ClaimToShow[],
): Promise<{ missing: number; contradicted: number }> {
  const counts = await db
    .prepare(
      `SELECT count(*) FILTER (WHERE codes.code = shown.code AND codes.claim_id IS NULL) AS missing,
              count(*) FILTER (WHERE codes.code IS NOT shown.code
                                 OR codes.claim_id <> shown.claim_id
                                 OR codes.claim_id IS NOT NULL AND shown.user_id IS NOT NULL
                                    AND codes.user_id IS NOT shown.user_id
                              ) AS contradicted
       FROM ${CLAIMS_IN} LEFT JOIN codes
         ON codes.batch_id = shown.batch_id AND codes.ordinal = shown.ordinal`,
    )
    .bind(asJson(claims))
    .first<{ missing: number; contradicted: number }>();
  return counts ?? { missing: 0, contradicted: 0 };
}
