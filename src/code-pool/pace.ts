/** How often a user asks. In memory: an object that is thrown out forgets, which a brake may. */

import type { PaceLeft, UserPace } from "./messages.ts";

/** Users counted at a time, in about 1 MB; the one who began longest ago is forgotten. */
const USERS_MAX = 10_000;

export class Pace {
  readonly #calls = new Map<string, { since: number; count: number }>();

  /** Counts the request, if anybody asks for that; with a wait, it was one too many. */
  meet(
    { pace, userKey }: { pace: UserPace | null; userKey: string },
    now: number,
  ): { paceLeft: PaceLeft | null; retryAfterMs: number | null } {
    if (pace === null) return { paceLeft: null, retryAfterMs: null };
    const { isTooMany, ...paceLeft } = this.count(userKey, pace, now);
    return { paceLeft, retryAfterMs: isTooMany ? paceLeft.resetMs : null };
  }

  /** Counts a call: what the user has left in this window, and whether this one was too many. */
  count(userKey: string, pace: UserPace, now: number): PaceLeft & { isTooMany: boolean } {
    let calls = this.#calls.get(userKey);
    if (calls === undefined || now >= calls.since + pace.windowMs) {
      calls = { since: now, count: 0 };
      // At the end of the map's order, which is that of the windows' beginnings.
      this.#calls.delete(userKey);
      this.#calls.set(userKey, calls);
      const oldest = this.#calls.size > USERS_MAX ? this.#calls.keys().next().value : undefined;
      if (oldest !== undefined) this.#calls.delete(oldest);
    }
    const isTooMany = calls.count >= pace.callsMax;
    if (!isTooMany) calls.count += 1;
    return {
      remaining: Math.max(0, pace.callsMax - calls.count),
      resetMs: calls.since + pace.windowMs - now,
      isTooMany,
    };
  }
}
