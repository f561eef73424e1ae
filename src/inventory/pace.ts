/** Long work that gives way to others. */

/** A D1 call that took so much longer than its SQL has met others: their turn is next. */
const ALONE_FACTOR = 1.25;
const REST_MAX_MS = 1_000;

/**
 * Waits for as long as a D1 call was held up by others: `wallMs` in all, `sqlMs` of it at work for
 * us. So long work takes at most half of a crowded database, and all of an idle one.
 */
export async function giveWay(wallMs: number, sqlMs: number): Promise<void> {
  const heldUp = wallMs - ALONE_FACTOR * sqlMs;
  if (heldUp > 0) await scheduler.wait(Math.min(heldUp, REST_MAX_MS));
}

/** Milliseconds that D1 itself was at work for the statements of a batch. */
export function sqlMsOf(results: D1Result[]): number {
  return results.reduce((sum, { meta }) => sum + meta.duration, 0);
}
