/**
 * Herald: sees to it that a brand is told of what happens without anyone calling, and that its
 * webhooks hear of what D1 logs by itself. (What a pool decides, the pool announces.)
 *
 * One object per brand. Its alarm is set before a change that sets a time, or that will be told,
 * and for the next time that was not told. All facts are D1's (the event log and
 * db/campaign-clock.ts); this object only makes sure that somebody looks: it logs the times that
 * have come, and wakes the brand's senders.
 *
 * WHAT IS TOLD. That a campaign has started, when its starts_at comes: also one that is paused, for
 * its window is open. That it has ended, when its ends_at comes; a request to end it is told by
 * whoever makes it (db/campaign-status.ts). Never before the time, as this object's clock has it,
 * and each time once, whether it is looked at twice or told twice.
 *
 * WHAT A CRASH LEAVES BEHIND
 *  - before the change was made: an alarm that finds nothing to do. The change may be made later,
 *    by a call that still lies on its way: the alarm looks once more.
 *  - after it, or while it is told: times of which D1 knows whether they were told.
 */

import { DurableObject } from "cloudflare:workers";
import { listUntold, tellMoments } from "../db/campaign-clock.ts";
import { answered, causeOf } from "../db/database.ts";
import { wakeBy } from "../objects/wake.ts";
import { listDueStock, tellStock } from "../inventory/tell-stock.ts";
import { wakeSenders } from "../webhooks/stub.ts";

/** After so long the alarm looks whether the change was made: whoever makes it says so sooner. */
const WATCH_MS = 2_000;
/** After so long no call to D1 that was not answered takes effect any more. */
const LATE_MS = 120_000;
/** Told in one D1 transaction. */
const STEP = 20;
/** After so many an alarm sets the next: each is two statements, of 1,000 in one invocation. */
const TURN_STEPS = 20;
/** Between two steps, for calls that came meanwhile. */
const PAUSE_MS = 1;
/** After D1 failed, doubled up to the second. */
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 60_000;
/** Looks at least so often: the platform's clocks do not reach as far as a campaign's times may. */
const SLEEP_MAX_MS = 30 * 86_400_000;

export class Herald extends DurableObject<Env> {
  #failures = 0;

  /** Something is about to be changed, or logged: looks soon, also if nobody says that it was. */
  async expect(brandId: string): Promise<void> {
    const { kv } = this.ctx.storage;
    if (kv.get("brand") === undefined) kv.put("brand", brandId);
    const late = Date.now() + LATE_MS;
    // Written once for all that is expected within that time.
    if ((kv.get<number>("lookAgainAt") ?? 0) < late) kv.put("lookAgainAt", late + LATE_MS);
    await this.#wakeAt(Date.now() + WATCH_MS);
  }

  /** It was changed, or logged. */
  async look(): Promise<void> {
    await this.#wakeAt(Date.now());
  }

  #wakeAt(time: number): Promise<void> {
    return wakeBy(this.ctx.storage, Math.min(time, Date.now() + SLEEP_MAX_MS));
  }

  override async alarm(): Promise<void> {
    const brandId = this.ctx.storage.kv.get<string>("brand");
    if (brandId === undefined) return;
    // The platform gives up on an alarm after 6 failures, so a failing D1 is met by setting the
    // next one instead of throwing.
    let next: number | null;
    try {
      next = await this.#tellTimes(brandId);
      for (const id of await answered(listDueStock(this.env.DB, brandId))) {
        await answered(tellStock(this.env.DB, id));
      }
      await wakeSenders(this.env, brandId);
      this.#failures = 0;
    } catch (error) {
      console.warn({ message: "A brand could not be told", error: causeOf(error) });
      next = Date.now() + Math.min(RETRY_MS * 2 ** this.#failures++, RETRY_MAX_MS);
    }
    if (next !== null) await this.#wakeAt(next);
  }

  /** Tells the times that have come; when the next is due, or null for none. */
  async #tellTimes(brandId: string): Promise<number | null> {
    for (let step = 0; step < TURN_STEPS; step++) {
      const next = await answered(listUntold(this.env.DB, brandId, STEP));
      const now = Date.now();
      const due = next.filter(({ at }) => at <= now);
      await answered(tellMoments(this.env.DB, due));
      if (due.length < STEP) return this.#nextLook(next[due.length]?.at ?? Infinity);
      await scheduler.wait(PAUSE_MS);
    }
    return Date.now();
  }

  #nextLook(at: number): number | null {
    const now = Date.now();
    const again = this.ctx.storage.kv.get<number>("lookAgainAt") ?? 0;
    const next = again > now ? Math.min(at, again) : at;
    return next === Infinity ? null : Math.max(now, next);
  }
}
