/** What D1 shows of claims that the pools decided. */

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

/**
 * Marks the codes as claimed. Showing a claim twice changes nothing, and a code that shows another
 * claim is left alone for `compareClaims` to find.
 */
export async function showClaims(db: D1Database, claims: ClaimToShow[]): Promise<void> {
  await db
    .prepare(
      `UPDATE codes SET claim_id = shown.claim_id, user_id = shown.user_id,
                        claimed_at = shown.claimed_at, expires_at = shown.expires_at
       FROM ${CLAIMS_IN}
       WHERE codes.batch_id = shown.batch_id AND codes.ordinal = shown.ordinal AND codes.claim_id IS NULL`,
    )
    .bind(asJson(claims))
    .run();
}

export interface RedemptionToShow {
  batchId: string;
  ordinal: number;
  redeemedAt: number;
}

/** Marks the codes as redeemed. Showing a redemption twice changes nothing. */
export async function showRedemptions(
  db: D1Database,
  redemptions: RedemptionToShow[],
): Promise<void> {
  await db
    .prepare(
      `UPDATE codes SET redeemed_at = shown.value ->> 2 FROM json_each(?1) AS shown
       WHERE codes.batch_id = shown.value ->> 0 AND codes.ordinal = shown.value ->> 1
         AND codes.redeemed_at IS NULL`,
    )
    .bind(JSON.stringify(redemptions.map((r) => [r.batchId, r.ordinal, r.redeemedAt])))
    .run();
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
