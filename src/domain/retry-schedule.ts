/** When a delivery that failed is tried again, and when it is given up. */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** The platform's queues wait no longer; nor does anything here, so that a queue could do it. */
export const DELAY_MAX_MS = 12 * HOUR_MS;

/**
 * After attempt 1, 2, 3, …: 83.6 hours in all, so that a receiver which is down from Friday evening
 * until Monday morning misses nothing. Even with the lowest jitter it is more than 72.
 */
const DELAYS_MS: readonly number[] = [
  5 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  11 * HOUR_MS,
  11 * HOUR_MS,
  11 * HOUR_MS,
  11 * HOUR_MS,
  11 * HOUR_MS,
  11 * HOUR_MS,
];

/** Attempts of one schedule, the first included. */
export const ATTEMPTS_MAX = DELAYS_MS.length + 1;

/** Each delay is up to so much shorter or longer: what failed together does not come together. */
const JITTER = 0.08;

/** `ms`, up to `share` of it shorter or longer. `random` is at least 0 and below 1. */
export function jittered(ms: number, share: number, random: number): number {
  return ms * (1 - share + 2 * share * random);
}

/**
 * How long to wait after that many attempts in vain, or null when that was the last. What the
 * receiver asked for is waited for, and never shortens the wait.
 */
export function retryDelayMs(
  attempts: number,
  { random, retryAfterMs }: { random: number; retryAfterMs: number | null },
): number | null {
  const delay = DELAYS_MS[attempts - 1];
  if (delay === undefined) return null;
  return Math.max(jittered(delay, JITTER, random), Math.min(retryAfterMs ?? 0, DELAY_MAX_MS));
}

/** What a Retry-After header asks for: seconds, or a date. Null when it says nothing. */
export function parseRetryAfter(header: string | null, now: number): number | null {
  const text = header?.trim() ?? "";
  if (/^\d{1,10}$/.test(text)) return Number(text) * SECOND_MS;
  // Each of the three forms of a date that RFC 9110 knows begins with the day's name.
  const at = /^[A-Z][a-z]{2,8}[ ,]/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
