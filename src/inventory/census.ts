/** Counts over a campaign's inventory, as D1 has it at one moment. */

import type { CampaignRow } from "../db/campaigns.ts";
import { rowsOf } from "../db/database.ts";
import { shardSql } from "./leases.ts";
import { USER_KEY_LENGTH } from "../domain/claim.ts";
import { statusSql, type CodeStatus } from "../domain/code-status.ts";
import { OPAQUE_LENGTH } from "../domain/id.ts";
import { areCodesOver } from "../domain/redemption.ts";

export interface Census {
  /** Code rows that exist. */
  codes: number;
  /** What the batches say they made, and have given to pools. */
  created: number;
  leased: number;
  /** Code rows that show a claim. */
  shown: number;
  /** Code rows that are in no shard's hands and never will be given: revoked, or had elsewhere. */
  revoked: number;
  /** Blocks in the hands of shards, and free ones (null) that shards gave back. */
  leases: { id: string; shard: number | null; size: number }[];
}

export async function takeCensus(db: D1Database, campaignId: string): Promise<Census> {
  const [batches, codes, leases] = await db.batch([
    db
      .prepare(
        "SELECT coalesce(sum(created), 0) AS created, coalesce(sum(leased), 0) AS leased FROM batches WHERE campaign_id = ?1",
      )
      .bind(campaignId),
    // A running batch may hold rows beyond `created`; they do not count until it does.
    db
      .prepare(
        `SELECT count(*) AS codes, count(claim_id) AS shown,
                count(*) FILTER (WHERE (c.revoked_at IS NOT NULL OR c.outside_shard IS NOT NULL)
                                   AND ${shardSql("c")} IS NULL) AS revoked
         FROM batches AS b JOIN codes AS c ON c.batch_id = b.id AND c.ordinal < b.created
         WHERE b.campaign_id = ?1`,
      )
      .bind(campaignId),
    db
      .prepare("SELECT id, shard, size FROM leases WHERE campaign_id = ?1 ORDER BY shard, id")
      .bind(campaignId),
  ]);
  const [made] = rowsOf<Pick<Census, "created" | "leased">>(batches);
  const [counted] = rowsOf<Pick<Census, "codes" | "shown" | "revoked">>(codes);
  if (made === undefined || counted === undefined) throw new Error("A count without a row");
  return { ...made, ...counted, leases: rowsOf<Census["leases"][number]>(leases) };
}

/** Codes that were made, and those that lie with no shard: a few rows, however many codes. */
export async function countStock(
  db: D1Database,
  campaignId: string,
): Promise<{ made: number; free: number }> {
  const row = await db
    .prepare(
      `SELECT coalesce(sum(created), 0) AS made,
              coalesce(sum(created - leased), 0)
                + (SELECT coalesce(sum(size), 0) FROM leases WHERE campaign_id = ?1 AND shard IS NULL) AS free
       FROM batches WHERE campaign_id = ?1`,
    )
    .bind(campaignId)
    .first<{ made: number; free: number }>();
  return row ?? { made: 0, free: 0 };
}

/** The claim's id without the last part: names the campaign and, by a keyed hash, the user. */
const USER_OF_CLAIM = `substr(c.claim_id, 1, ${4 + OPAQUE_LENGTH + USER_KEY_LENGTH})`;

/**
 * Users whom D1 shows with more codes of the campaign than `claimsPerUser`. Those whose ids were
 * erased are told apart by their claims.
 */
export async function usersAboveLimit(
  db: D1Database,
  campaignId: string,
  claimsPerUser: number,
): Promise<number> {
  const row = await db
    .prepare(
      `SELECT count(*) AS users FROM (
         SELECT 1 FROM batches AS b JOIN codes AS c ON c.batch_id = b.id
         WHERE b.campaign_id = ?1 AND c.claim_id IS NOT NULL
         GROUP BY coalesce(c.user_id, ${USER_OF_CLAIM}) HAVING count(*) > ?2)`,
    )
    .bind(campaignId, claimsPerUser)
    .first<{ users: number }>();
  return row?.users ?? 0;
}

/** A campaign's codes by status, each counted once, as D1 shows them at one moment. */
export async function countCodes(
  db: D1Database,
  campaign: Pick<CampaignRow, "id" | "endsAt" | "codesOutliveCampaign">,
  now: number,
): Promise<Record<CodeStatus | "codes", number>> {
  const { results } = await db
    .prepare(
      `SELECT ${statusSql("?2", areCodesOver(campaign, now))} AS status, count(*) AS count
       FROM batches AS b JOIN codes ON codes.batch_id = b.id AND codes.ordinal < b.created
       WHERE b.campaign_id = ?1 GROUP BY 1`,
    )
    .bind(campaign.id, now)
    .all<{ status: CodeStatus; count: number }>();
  const counts = { codes: 0, available: 0, claimed: 0, redeemed: 0, expired: 0, revoked: 0 };
  for (const { status, count } of results) {
    counts.codes += count;
    counts[status] += count;
  }
  return counts;
}
