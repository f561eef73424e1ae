/** What has become of a code. */

export const CODE_STATUSES = ["available", "claimed", "redeemed", "expired", "revoked"] as const;
export type CodeStatus = (typeof CODE_STATUSES)[number];

/**
 * The one status of a row of `codes` as an SQL expression: redeemed before revoked before expired.
 * `now` is the SQL of the moment, in Unix milliseconds.
 */
export function statusSql(now: string): string {
  return `CASE WHEN codes.redeemed_at IS NOT NULL THEN 'redeemed'
    WHEN codes.revoked_at IS NOT NULL THEN 'revoked'
    WHEN codes.claim_id IS NULL THEN 'available'
    WHEN codes.expires_at <= ${now} THEN 'expired'
    ELSE 'claimed' END`;
}
