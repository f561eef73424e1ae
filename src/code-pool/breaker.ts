/** Stops a campaign whose claims come too fast. Synchronous where a claim is decided. */

import { tripBreaker } from "../db/campaign-status.ts";
import type { CampaignRow } from "../db/campaigns.ts";
import { answered } from "../db/database.ts";
import { newId } from "../db/new-id.ts";
import { BREAKER_WINDOW_MS, shardLimit } from "../domain/breaker.ts";
import type { PoolCampaign } from "../domain/claim.ts";
import type { Ledger } from "./ledger.ts";
import type { Settings } from "./settings.ts";

export class Breaker {
  readonly #ledger: Ledger;
  readonly #settings: Settings;
  // While the ledger's last slot is below it, the last exact count leaves room. A hint: counting
  // again is always right.
  #roomUpTo = { limit: 0, from: 0, slot: 0 };

  constructor(options: { ledger: Ledger; settings: Settings }) {
    this.#ledger = options.ledger;
    this.#settings = options.settings;
  }

  /**
   * The campaign as this shard must treat it: paused from the moment that it tripped here until D1
   * has been told, whose word is then in the settings, or settings arrive that count from a later
   * time.
   */
  seen(campaign: PoolCampaign): PoolCampaign {
    if (campaign.claimsPerMinuteMax === null || campaign.status !== "active") return campaign;
    const trip = this.#settings.trip();
    if (trip === null || trip.isTold || trip.at < campaign.breakerCountsFrom) return campaign;
    return { ...campaign, status: "paused", breakerTrippedAt: trip.at };
  }

  /** Whether one more claim now would be too many; then the campaign is paused here. */
  trips(campaign: PoolCampaign, now: number): boolean {
    const { claimsPerMinuteMax: max, breakerCountsFrom: from } = campaign;
    if (max === null) return false;
    const limit = shardLimit(max, campaign.shards);
    if (!this.#isFull(limit, from, now)) return false;
    this.#settings.storeTrip({ at: now, max });
    return true;
  }

  /** Whether the last `limit` claims were all made within the window, and from `from` on. */
  #isFull(limit: number, from: number, now: number): boolean {
    const last = this.#ledger.lastSlot();
    const room = this.#roomUpTo;
    if (room.limit === limit && room.from === from && last < room.slot) return false;
    const since = Math.max(now - BREAKER_WINDOW_MS + 1, from);
    // Slots are given in order, so the claim so many places before is the first that counts, or a
    // later one where withdrawn codes were passed over: then only counting tells.
    if ((this.#ledger.claimedAtOrBefore(last - limit + 1) ?? -1) < since) return false;
    const count = this.#ledger.countSince(since, limit);
    // Each claim that follows adds one at most.
    this.#roomUpTo = { limit, from, slot: last + limit - count };
    return count >= limit;
  }

  /** Whether D1 has yet to be told that the breaker tripped. */
  isUntold(): boolean {
    return this.#settings.trip()?.isTold === false;
  }

  /**
   * Tells D1, which pauses the campaign and logs the event, and then every shard. Rejects when
   * somebody does not answer; safe to repeat. D1 takes no word of a trip that lies before the last
   * resume.
   */
  async tell(
    db: D1Database,
    configureAll: (campaign: CampaignRow) => Promise<void>,
  ): Promise<void> {
    const trip = this.#settings.trip();
    if (trip === null || trip.isTold) return;
    const { campaign } = this.#settings.current();
    const told = { id: campaign.id, trippedAt: trip.at, max: trip.max, eventId: newId("event") };
    const paused = await answered(tripBreaker(db, told));
    if (paused !== null) await configureAll(paused);
    this.#settings.tripIsTold(trip.at);
  }
}
