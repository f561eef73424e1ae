/**
 * How old a copy of an inventory's shapes may be when a code is refused by it, and how long whoever
 * adds codes that such a copy would refuse must wait.
 */

export const SHAPE_COPY_AGE_MAX_MS = 10_000;

/** Two seconds more, because machines' clocks differ. */
export const SHAPE_WAIT_MS = SHAPE_COPY_AGE_MAX_MS + 2_000;

/** Whether every copy has what was noted at `at`; null was never noted. */
export function everybodyKnows(at: number | null, now: number): boolean {
  return at !== null && at + SHAPE_WAIT_MS <= now;
}
