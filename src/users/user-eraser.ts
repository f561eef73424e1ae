/**
 * UserEraser: sees a brand's erasures through, whoever hangs up or crashes meanwhile.
 *
 * One object per brand. Its alarm is set before an erasure is noted in D1 and again until none is
 * left running there. How far each is, D1 knows (inventory/erasures.ts); what has to be done in one
 * campaign can be done again without harm (erase-from.ts).
 *
 * WHAT IS ERASED. Whatever was answered of the user before the erasure was asked for. A claim that
 * is made while it runs may be erased with the rest or stay, as new data; one that is made after it
 * stays.
 *
 * WHAT A CRASH LEAVES BEHIND
 *  - before the erasure was noted: an alarm that finds nothing to do. When D1 did not answer, it
 *    may be noted later, by a call that still lies on its way: the alarm looks once more.
 *  - after it, or in a step: an erasure of which D1 knows how far it is. The step is done again.
 */

import { DurableObject } from "cloudflare:workers";
import type { Clash } from "../db/alongside.ts";
import { listLeasedCampaigns } from "../db/campaigns.ts";
import { answered, causeOf, repeated } from "../db/database.ts";
import { wakeBy } from "../objects/wake.ts";
import {
  listRunningErasures,
  moveErasure,
  noteErasure,
  type Erasure,
  type ErasureToMake,
  type RunningErasure,
} from "../inventory/erasures.ts";
import { expectChange, tellOfChange } from "../herald/stub.ts";
import { eraseFrom } from "./erase-from.ts";
import { onEach } from "./on-each.ts";

/** After so long the alarm looks whether the call that began an erasure still works on it. */
const WATCH_MS = 2_000;
/** A call, or an alarm, works for so long and on so many campaigns; then another alarm goes on. */
const TURN_MS = 10_000;
/** Each is up to four calls, of the 1,000 that the platform grants one call or alarm. */
const TURN_CAMPAIGNS = 200;
/** Campaigns between two notes of how far an erasure is. */
const STEP = 25;
const LISTED_AT_ONCE = 20;
/** After something failed, doubled up to the second. */
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 60_000;
/** After so long no call to D1 that was not answered takes effect any more. */
const LATE_MS = 120_000;

/** What is left of a turn. */
interface Turn {
  until: number;
  campaigns: number;
}

const newTurn = (): Turn => ({ until: Date.now() + TURN_MS, campaigns: TURN_CAMPAIGNS });
const isOver = (turn: Turn) => Date.now() >= turn.until || turn.campaigns <= 0;

export class UserEraser extends DurableObject<Env> {
  /** Erasures that a call is working on: the alarm leaves them alone while it lasts. */
  readonly #inHand = new Set<string>();
  #failures = 0;
  /** The last erasure that an alarm took up: one that fails again and again holds up no other. */
  #after = "";

  /** Erases a user, or begins to. For the object of the erasure's brand. */
  async erase(erasure: ErasureToMake): Promise<Erasure | { clash: Clash }> {
    this.ctx.storage.kv.put("brand", erasure.brandId);
    await this.#wakeIn(WATCH_MS);
    this.#inHand.add(erasure.id);
    let state: Erasure;
    try {
      const noted = await this.#note(erasure);
      if ("clash" in noted) return noted;
      state = await this.#workOn({ ...noted, userId: erasure.userId }, newTurn());
    } finally {
      this.#inHand.delete(erasure.id);
    }
    if (state.finishedAt === null) await this.#wakeIn(0);
    return { ...state, userId: null };
  }

  async #note(erasure: ErasureToMake): Promise<Erasure | { clash: Clash }> {
    try {
      return await repeated(() => noteErasure(this.env.DB, erasure));
    } catch (error) {
      this.ctx.storage.kv.put("lookAgainAt", Date.now() + LATE_MS);
      throw error;
    }
  }

  #wakeIn(ms: number): Promise<void> {
    return wakeBy(this.ctx.storage, Date.now() + ms);
  }

  override async alarm(): Promise<void> {
    // The platform gives up on an alarm after 6 failures, so a failing D1 is met by setting the
    // next one instead of throwing.
    let nextMs: number | null;
    try {
      nextMs = await this.#takeTurn(newTurn());
    } catch (error) {
      this.#failures += 1;
      console.warn({ message: "Erasures were interrupted", error: causeOf(error) });
      nextMs = this.#retryMs();
    }
    if (nextMs !== null) await this.#wakeIn(nextMs);
  }

  #retryMs(): number {
    return Math.min(RETRY_MS * 2 ** Math.max(0, this.#failures - 1), RETRY_MAX_MS);
  }

  /** Works on each erasure in turn; milliseconds until the next turn is due, or null for none. */
  async #takeTurn(turn: Turn): Promise<number | null> {
    const brandId = this.ctx.storage.kv.get<string>("brand");
    if (brandId === undefined) return null;
    let isInHand = false;
    let hasFailed = false;
    while (!isOver(turn)) {
      const asked = { brandId, after: this.#after, limit: LISTED_AT_ONCE };
      const running = await answered(listRunningErasures(this.env.DB, asked));
      if (running.length === 0 && this.#after === "") break;
      this.#after = running.at(-1)?.id ?? "";
      for (const erasure of running) {
        if (this.#inHand.has(erasure.id)) isInHand = true;
        else if ((await this.#workOn(erasure, turn)).finishedAt === null) hasFailed = !isOver(turn);
        if (!isOver(turn)) continue;
        this.#after = erasure.id;
        break;
      }
      if (this.#after === "" && (hasFailed || isInHand)) break;
    }
    if (!hasFailed) this.#failures = 0;
    if (hasFailed) return this.#retryMs();
    if (isOver(turn)) return 0;
    return isInHand ? WATCH_MS : this.#lastLookMs();
  }

  #lastLookMs(): number | null {
    const left = (this.ctx.storage.kv.get<number>("lookAgainAt") ?? 0) - Date.now();
    return left > 0 ? left : null;
  }

  /** Step by step, for as long as the turn lasts and nothing fails; how far it came. */
  async #workOn(erasure: RunningErasure, turn: Turn): Promise<Erasure> {
    let state = erasure;
    try {
      while (state.finishedAt === null && !isOver(turn)) {
        const next = await this.#step(state);
        if (next === null) break;
        turn.campaigns -= STEP;
        state = next;
      }
    } catch (error) {
      this.#failures += 1;
      const cause = causeOf(error);
      console.warn({ message: "An erasure was interrupted", erasure_id: state.id, error: cause });
    }
    return state;
  }

  /** The next campaigns; null when somebody else has moved on meanwhile. */
  async #step(seen: RunningErasure): Promise<RunningErasure | null> {
    const { brandId, mode, afterCampaign: after } = seen;
    const campaigns = await answered(
      listLeasedCampaigns(this.env.DB, { brandId, mode }, { after, limit: STEP }),
    );
    // What is erased is told.
    if (campaigns.length > 0) await expectChange(this.env, brandId);
    const counts = await onEach(campaigns, (campaign) => eraseFrom(this.env, campaign, seen));
    const claims = counts.reduce((sum, count) => sum + count, 0);
    const upTo = campaigns.at(-1)?.id ?? after;
    const finishedAt = campaigns.length < STEP ? Date.now() : null;
    if (claims > 0) await tellOfChange(this.env, brandId).catch(() => undefined);
    const hasMoved = await answered(moveErasure(this.env.DB, seen, { upTo, claims, finishedAt }));
    if (!hasMoved) return null;
    return { ...seen, afterCampaign: upTo, claims: seen.claims + claims, finishedAt };
  }
}
