/** What has become of a code. */

export const CODE_STATUSES = ["available", "claimed", "redeemed", "expired", "revoked"] as const;
export type CodeStatus = (typeof CODE_STATUSES)[number];

/**
 * The one status of a row of `codes` as an SQL expression: redeemed before revoked before expired.
 * One that was handed out elsewhere counts as claimed, though nobody here is known to have it.
 * `now` is the SQL of the moment, in Unix milliseconds; `isOver`: whether the campaign's end has
 * come, which is that of its codes (areCodesOver).
 */
export function statusSql(now: string, isOver: boolean): string {
  return `CASE WHEN codes.redeemed_at IS NOT NULL THEN 'redeemed'
    WHEN codes.revoked_at IS NOT NULL THEN 'revoked'
    WHEN codes.claim_id IS NULL AND codes.outside_shard IS NULL THEN 'available'
    WHEN codes.expires_at <= ${now} OR ${isOver ? 1 : 0} THEN 'expired'
    ELSE 'claimed' END`;
}
