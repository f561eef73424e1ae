/** Long work that gives way to claims. */

import { rowsOf } from "../db/database.ts";

/** A pool takes 500 codes at a time: one that took none for so long is in no hurry. */
const HANDING_OUT_MS = 2_000;
/** Of its own time: how long a step of long work rests while codes are handed out. */
const REST_PART = 3;
const REST_MAX_MS = 3_000;

/** To be sent with every step: when codes were leased last. */
export function lastLease(db: D1Database): D1PreparedStatement {
  return db.prepare("SELECT max(leased_at) AS at FROM leases");
}

export function lastLeaseIn(result: D1Result | undefined): number | null {
  return rowsOf<{ at: number | null }>(result)[0]?.at ?? null;
}

/** Long enough for calls that came during a step to go before the next. */
const PAUSE_MS = 1;

/**
 * Rests after a step that took `tookMs`, if codes are being handed out: leases, and whoever waits
 * for one, come first. Alone, long work takes all there is, but for a moment between two steps.
 */
export async function giveWay(tookMs: number, lastLeaseAt: number | null): Promise<void> {
  const isBusy = lastLeaseAt !== null && Date.now() - lastLeaseAt < HANDING_OUT_MS;
  await scheduler.wait(isBusy ? Math.min(tookMs * REST_PART, REST_MAX_MS) : PAUSE_MS);
}
