/** How fast codes go, and when none will be left. */

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Further ahead nobody plans, and a year of five digits is no RFC 3339 time. */
const FORESIGHT_MS = 10 * 365 * 24 * HOUR_MS;

/** The last claims of an hour, or the last of them where they are many. Unix milliseconds. */
export interface LastClaims {
  count: number;
  /** Null where there is none. */
  oldestAt: number | null;
  newestAt: number | null;
}

/**
 * Claims in an hour at the present rate. Counted over a minute at least, so that the first claim of
 * a campaign is no flood; 0 when the last came an hour ago.
 */
export function claimsPerHour({ count, oldestAt, newestAt }: LastClaims, now: number): number {
  if (oldestAt === null || newestAt === null || now - newestAt >= HOUR_MS) return 0;
  return (count * HOUR_MS) / Math.max(MINUTE_MS, now - oldestAt);
}

/** When the last code goes at that rate; null when none goes, none is left, or not for years. */
export function emptyAt(available: number, perHour: number, now: number): number | null {
  if (available <= 0 || perHour <= 0) return null;
  const restMs = (available / perHour) * HOUR_MS;
  return restMs > FORESIGHT_MS ? null : Math.round(now + restMs);
}
