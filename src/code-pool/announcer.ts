/**
 * Lets the brand's webhooks know that the log has something new. Repeated until it is confirmed:
 * the word may be lost, what it is about is in the log.
 */

import { answered } from "../db/database.ts";
import { brandOfCampaign } from "../db/campaigns.ts";
import type { News } from "../domain/news.ts";
import type { Settings } from "./settings.ts";

/** A queue takes a second or so, and its consumer some more. Doubled up to the second. */
const PATIENCE_MS = 10_000;
const PATIENCE_MAX_MS = 300_000;

export class Announcer {
  readonly #settings: Settings;
  readonly #db: () => D1Database;
  readonly #queue: () => Queue<News>;
  /** As D1 said with what it entered last. */
  brandId: string | null = null;
  /** The last that was sent, when, and how often in vain since one was confirmed. */
  #sent = { number: 0, at: 0, times: 0 };

  constructor(options: { settings: Settings; db: () => D1Database; queue: () => Queue<News> }) {
    this.#settings = options.settings;
    this.#db = options.db;
    this.#queue = options.queue;
  }

  /** When the word is due; null while there is none. */
  dueAt(): number | null {
    const { number, confirmed } = this.#settings.news();
    if (number <= confirmed) return null;
    if (number > this.#sent.number) return 0;
    return this.#sent.at + Math.min(PATIENCE_MS * 2 ** (this.#sent.times - 1), PATIENCE_MAX_MS);
  }

  /** Sends it if it is due. Never throws: it is due again later. */
  async run(): Promise<void> {
    const at = this.dueAt();
    if (at === null || at > Date.now()) return;
    const { campaign, shard } = this.#settings.current();
    const { number } = this.#settings.news();
    this.#sent = { number, at: Date.now(), times: this.#sent.times + 1 };
    try {
      this.brandId ??= await answered(brandOfCampaign(this.#db(), campaign.id));
      const from = { campaignId: campaign.id, shard, number };
      await answered(this.#queue().send({ brandId: this.brandId, from }));
    } catch (error) {
      console.warn({ message: "News did not get into the queue", error: String(error) });
    }
  }

  /** The webhooks know of it. */
  confirm(number: number): void {
    this.#settings.newsConfirmed(number);
    this.#sent.times = 0;
  }
}
