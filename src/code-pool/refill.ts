/**
 * Bringing blocks of codes from D1 into the stock: one request at a time, repeated until settled.
 */

import { LEASE_SIZE, LOW_WATER } from "../domain/batch.ts";
import { answered } from "../db/database.ts";
import { newId } from "../db/new-id.ts";
import { leaseBlock } from "../inventory/leases.ts";
import type { Settings } from "./settings.ts";
import type { Stock } from "./stock.ts";

/** How long refilling ahead of need rests after D1 had no code, or failed. */
const DRY_REST_MS = 5_000;
const FAILED_REST_MS = 1_000;

export interface Refill {
  /** Counts the refills of this object: one with a higher number began later. */
  number: number;
  /** How many codes it brought; rejects when D1 did not answer. */
  added: Promise<number>;
}

export class Refiller {
  readonly #storage: DurableObjectStorage;
  readonly #stock: Stock;
  readonly #settings: Settings;
  readonly #db: () => D1Database;
  #inFlight: Refill | null = null;
  #started = 0;
  #restUntil = 0;

  constructor(options: {
    storage: DurableObjectStorage;
    stock: Stock;
    settings: Settings;
    db: () => D1Database;
  }) {
    this.#storage = options.storage;
    this.#stock = options.stock;
    this.#settings = options.settings;
    this.#db = options.db;
  }

  /** How many refills have begun. */
  get started(): number {
    return this.#started;
  }

  /** The refill under way, or a new one. */
  join(): Refill {
    this.#inFlight ??= {
      number: ++this.#started,
      added: this.#fetchBlock().finally(() => {
        this.#inFlight = null;
      }),
    };
    return this.#inFlight;
  }

  /**
   * Refills before the stock is empty; null when there is no need, or no hope yet. Nobody waits for
   * it: whoever finds the pool empty asks again, and learns of a failure.
   */
  ahead(unspent: number): Promise<number> | null {
    if (unspent >= LOW_WATER || this.#inFlight !== null || Date.now() < this.#restUntil)
      return null;
    return this.join().added.catch(() => 0);
  }

  async #fetchBlock(): Promise<number> {
    const { leaseId, size } = this.#stock.planLease(() => ({
      leaseId: newId("lease"),
      size: LEASE_SIZE,
    }));
    const { campaign, shard } = this.#settings.current();
    const asked = { leaseId, size, campaignId: campaign.id, shard, now: Date.now() };
    let lease;
    try {
      lease = await answered(leaseBlock(this.#db(), asked));
    } catch (error) {
      this.#restUntil = Date.now() + FAILED_REST_MS;
      console.warn({
        message: "A lease was not answered",
        lease_id: leaseId,
        error: String(error),
      });
      throw error;
    }
    if (lease === null) {
      this.#restUntil = Date.now() + DRY_REST_MS;
      return 0;
    }
    this.#storage.transactionSync(() => this.#stock.store(lease));
    return lease.codes.length;
  }
}
