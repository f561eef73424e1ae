/** Every code of a campaign, from first to last, in flat memory. */

import type { CampaignRow } from "../db/campaigns.ts";
import { repeated } from "../db/database.ts";
import { statusSql, type CodeStatus } from "../domain/code-status.ts";
import { areCodesOver, codeEnd } from "../domain/redemption.ts";

/** A code as D1 shows it. Times are Unix milliseconds. */
export interface ShownCode {
  code: string;
  status: CodeStatus;
  batchId: string;
  claimId: string | null;
  userId: string | null;
  claimedAt: number | null;
  expiresAt: number | null;
  redeemedAt: number | null;
  revokedAt: number | null;
}

/** Codes read in one statement: 1 MB where they are all claimed. */
const READ_STEP = 5_000;
const BATCHES_STEP = 100;

/**
 * The campaign's codes, or those of one status, in the order in which they were made. A code has
 * its place for good, so each that was there at the start comes once, whatever is claimed or added
 * meanwhile; its status is that of the moment at which it is read.
 */
export async function* readCodes(
  db: D1Database,
  campaign: Pick<CampaignRow, "id" | "endsAt" | "codesOutliveCampaign">,
  status: CodeStatus | null,
): AsyncGenerator<ShownCode[], void> {
  for (let last = ""; ;) {
    const { results: batches } = await repeated(() =>
      db
        .prepare(
          "SELECT id, created FROM batches WHERE campaign_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        )
        .bind(campaign.id, last, BATCHES_STEP)
        .all<{ id: string; created: number }>(),
    );
    for (const { id, created } of batches) {
      for (let from = 0; from < created; from += READ_STEP) {
        const to = Math.min(created, from + READ_STEP);
        yield await repeated(() => readPlaces(db, campaign, { batchId: id, from, to, status }));
      }
      last = id;
    }
    if (batches.length < BATCHES_STEP) return;
  }
}

/** By place rather than by number: a statement reads as much whether few codes match or all. */
async function readPlaces(
  db: D1Database,
  campaign: Pick<CampaignRow, "endsAt" | "codesOutliveCampaign">,
  places: { batchId: string; from: number; to: number; status: CodeStatus | null },
): Promise<ShownCode[]> {
  const { batchId, from, to, status: wanted } = places;
  const now = Date.now();
  const status = statusSql("?4", areCodesOver(campaign, now));
  const { results } = await db
    .prepare(
      `SELECT code, ${status} AS status, batch_id AS batchId, claim_id AS claimId,
              user_id AS userId, claimed_at AS claimedAt, expires_at AS expiresAt,
              redeemed_at AS redeemedAt, revoked_at AS revokedAt
       FROM codes WHERE batch_id = ?1 AND ordinal >= ?2 AND ordinal < ?3 ORDER BY ordinal`,
    )
    .bind(batchId, from, to, now)
    .all<ShownCode>();
  for (const row of results) {
    if (row.claimId !== null) row.expiresAt = codeEnd(row.expiresAt, campaign);
  }
  return wanted === null ? results : results.filter((row) => row.status === wanted);
}
