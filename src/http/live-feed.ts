/** A campaign's stock as server-sent events, from the pools' own counts. */

import { Listening } from "../code-pool/listening.ts";
import type { CampaignRow } from "../db/campaigns.ts";
import { answered } from "../db/database.ts";
import { claimsPerHour } from "../domain/rate.ts";
import { readStock } from "../inventory/tell-stock.ts";
import { toWireTime } from "./schemas.ts";

export const TIMING = {
  /** A key that was revoked since, or a page that nobody looks at, watches no longer than that. */
  lifeMs: 600_000,
  /** Between two events: as often as an eye can follow numbers. */
  restMs: 500,
  /** Between signs of life where nothing happens: proxies cut what is silent for a minute. */
  keepAliveMs: 15_000,
  /** 8 s in all. A pool that was reset is back at once. */
  reconnectMs: [250, 500, 1_000, 2_000, 4_000],
};

/** After which a browser opens a feed that ended or broke off again. */
const RETRY_MS = 3_000;

/** Why a feed ended: it may be opened again, the campaign has ended, or a pool is not reached. */
export const END_REASONS = ["time", "campaign-ended", "pool-unavailable"] as const;
type EndReason = (typeof END_REASONS)[number];

/** Wakes who waits, at once where it rang before. */
class Bell {
  #hasRung = false;
  #wake = () => undefined as void;

  ring(): void {
    this.#hasRung = true;
    this.#wake();
  }

  /** Until it rings, or the time is over; whether it rang. The next one waits for the next ring. */
  async wait(ms: number): Promise<boolean> {
    if (!this.#hasRung && ms > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const hasRung = this.#hasRung;
    this.#hasRung = false;
    return hasRung;
  }
}

export class LiveFeed {
  readonly #db: D1Database;
  readonly #campaign: CampaignRow;
  readonly #timing: typeof TIMING;
  readonly #listening: Listening;
  readonly #news = new Bell();
  readonly #hangUp = new Bell();
  #isClosed = false;
  #stock = { codes: 0, withdrawn: 0 };

  private constructor(env: Env, campaign: CampaignRow, timing: typeof TIMING) {
    this.#db = env.DB;
    this.#campaign = campaign;
    this.#timing = timing;
    const { reconnectMs } = timing;
    this.#listening = new Listening({
      env,
      campaign,
      onNews: () => this.#news.ring(),
      reconnectMs,
    });
  }

  /** Resolves when there is something to tell; rejects when D1 or a pool does not answer. */
  static async open(env: Env, campaign: CampaignRow, timing = TIMING): Promise<LiveFeed> {
    const feed = new LiveFeed(env, campaign, timing);
    await feed.#listening.open();
    try {
      await feed.#lookAtStock();
    } catch (error) {
      feed.close();
      throw error;
    }
    return feed;
  }

  /** The body of the answer. Whoever cancels it closes the sockets at once. */
  stream(): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    const events = this.#events();
    let isCancelled = false;
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await events.next();
        if (isCancelled) return;
        if (done === true) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      cancel: () => {
        isCancelled = true;
        this.close();
      },
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#listening.close();
    this.#news.ring();
    this.#hangUp.ring();
  }

  async *#events(): AsyncGenerator<string, void> {
    const { lifeMs, restMs, keepAliveMs } = this.#timing;
    const until = Date.now() + lifeMs;
    let told = "";
    while (!this.#isClosed) {
      if (this.#listening.isStockNews) await this.#lookAtStock().catch(() => undefined);
      const reason = this.#endReason(until);
      const { claims_per_hour, ...counts } = this.#counts();
      const isNew = JSON.stringify(counts) !== told;
      const first = told === "" ? `retry: ${RETRY_MS}\n` : "";
      told = JSON.stringify(counts);
      const data = { at: toWireTime(Date.now()), ...counts, claims_per_hour };
      if (isNew) yield first + event("stock", data);
      if (reason !== null) {
        yield event("end", { reason });
        return this.close();
      }
      // What comes meanwhile is told together.
      if (isNew) await this.#hangUp.wait(restMs);
      const left = Math.min(until, this.#campaignEndsAt()) - Date.now();
      const hasNews = await this.#news.wait(Math.min(left, keepAliveMs));
      if (!hasNews && left > keepAliveMs) yield ": \n\n";
    }
  }

  /** D1 alone knows how many codes there are. When it does not say, the next news ask again. */
  async #lookAtStock(): Promise<void> {
    this.#listening.isStockNews = false;
    try {
      this.#stock = await answered(readStock(this.#db, this.#campaign.id));
    } catch (error) {
      this.#listening.isStockNews = true;
      throw error;
    }
  }

  #counts() {
    const now = Date.now();
    const { codes, withdrawn } = this.#stock;
    const sum = { claimed: 0, redeemed: 0, perHour: 0 };
    for (const tally of this.#listening.tallies()) {
      sum.claimed += tally.claims;
      sum.redeemed += tally.redemptions;
      sum.perHour += claimsPerHour(tally, now);
    }
    const available = codes - withdrawn - sum.claimed;
    // Codes of a batch that is still being made may be given before we are told of them.
    if (available < 0) this.#listening.isStockNews = true;
    return {
      codes,
      available: Math.max(0, available),
      claimed: sum.claimed,
      redeemed: sum.redeemed,
      claims_per_hour: Math.round(sum.perHour),
    };
  }

  #endReason(until: number): EndReason | null {
    const now = Date.now();
    if (now >= this.#campaignEndsAt()) return "campaign-ended";
    if (this.#listening.hasLost) return "pool-unavailable";
    return now >= until ? "time" : null;
  }

  /** As the newest of all that were seen says. */
  #campaignEndsAt(): number {
    const { version, status, endsAt } = this.#campaign;
    let newest = { version, endsAt: status === "ended" ? 0 : endsAt };
    for (const { campaign } of this.#listening.tallies()) {
      if (campaign !== null && campaign.version > newest.version) newest = campaign;
    }
    return newest.endsAt ?? Infinity;
  }
}

function event(name: "stock" | "end", data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
