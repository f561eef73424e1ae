/** Bringing codes into the stock: from D1, and at the tail from the siblings, through D1. */

import { LEASE_SIZE, LOW_WATER } from "../domain/batch.ts";
import { answered } from "../db/database.ts";
import { newId } from "../db/new-id.ts";
import { giveBack, leaseBlock, settleLease, type Lease } from "../inventory/leases.ts";
import type { Ledger } from "./ledger.ts";
import type { Reservations } from "./reservations.ts";
import type { Settings } from "./settings.ts";
import type { Stock } from "./stock.ts";

/** How long refilling ahead of need rests after D1 had no code, or failed. */
const DRY_REST_MS = 5_000;
const FAILED_REST_MS = 1_000;
/** Siblings asked at a time: the platform lets 6 calls wait for an answer at once. */
const SIBLINGS_AT_ONCE = 6;
/** Rounds of asking everybody before giving up, each undone by codes that moved meanwhile. */
const ROUNDS_MAX = 100;
/** Between two rounds in which siblings kept their last codes for their own users. */
const ROUND_REST_MS = 10;
/** How long "nothing is left anywhere" is remembered; a top-up ends it at once. */
export const DRY_MEMORY_MS = 1_000;

/** What a shard says of its stock when a sibling is in need. */
export interface StockAnswer {
  /** Codes that it has just given back to D1, for whoever asks first. */
  freed: number;
  /** Codes that it keeps, for users who wait at it. */
  left: number;
  /** Counts the blocks that ever came or went: equal at two times, none did in between. */
  moves: number;
}

export interface Refill {
  /** Counts the refills of this object: one with a higher number began later. */
  number: number;
  /** Whether the siblings are asked too, so that bringing nothing proves that nothing is left. */
  thorough: boolean;
  /** How many codes it brought; rejects when somebody did not answer. */
  added: Promise<number>;
}

export class Refiller {
  readonly #storage: DurableObjectStorage;
  readonly #stock: Stock;
  readonly #ledger: Ledger;
  readonly #reservations: Reservations;
  readonly #settings: Settings;
  readonly #db: () => D1Database;
  readonly #askSibling: (shard: number) => Promise<StockAnswer | null>;
  #inFlight: Refill | null = null;
  #started = 0;
  // From a random start, so that an object that was replaced does not seem to have stood still.
  #moves = Math.floor(Math.random() * 1e9);
  #restUntil = 0;
  #dryUntil = 0;
  #topUps = 0;
  #fetching: Promise<number> | null = null;
  // The pending lease that D1 answered not to have granted. Forgotten with the object, which is
  // safe: what is not known is settled.
  #refused: string | null = null;

  constructor(options: {
    storage: DurableObjectStorage;
    stock: Stock;
    ledger: Ledger;
    reservations: Reservations;
    settings: Settings;
    db: () => D1Database;
    askSibling: (shard: number) => Promise<StockAnswer | null>;
  }) {
    this.#storage = options.storage;
    this.#stock = options.stock;
    this.#ledger = options.ledger;
    this.#reservations = options.reservations;
    this.#settings = options.settings;
    this.#db = options.db;
    this.#askSibling = options.askSibling;
  }

  /** How many refills have begun. */
  get started(): number {
    return this.#started;
  }

  /** The refill under way, or a new and thorough one. */
  join(): Refill {
    return this.#inFlight ?? this.#start(true);
  }

  /**
   * Refills before the stock is empty; null when there is no need, or no hope yet. Nobody waits for
   * it: whoever finds the pool empty asks again, and learns of a failure.
   */
  ahead(unspent: number): Promise<number> | null {
    if (unspent >= LOW_WATER || this.#inFlight !== null || Date.now() < this.#restUntil)
      return null;
    return this.#start(false).added.catch(() => 0);
  }

  /** Whether a search has just found nothing anywhere, and nobody has added codes since. */
  isKnownDry(): boolean {
    return Date.now() < this.#dryUntil;
  }

  /** Codes were added: everything remembered of an empty stock is out of date. */
  forgetDry(): void {
    this.#topUps += 1;
    this.#dryUntil = 0;
    this.#restUntil = 0;
  }

  #start(thorough: boolean): Refill {
    const added = (thorough ? this.#search() : this.#fetchBlock()).finally(() => {
      this.#inFlight = null;
    });
    this.#inFlight = { number: ++this.#started, thorough, added };
    return this.#inFlight;
  }

  /**
   * For a sibling in need: gives back half of the last block to D1, as far as it is not reserved
   * and `waiting` users of this shard do not need it. Before it says that it has none, it settles
   * what is unknown: a lease whose answer was lost may have brought codes, or may yet bring some.
   */
  async giveBack(waiting: number): Promise<StockAnswer> {
    await this.#fetching?.catch(() => 0);
    if (this.#unsettled() !== null) await this.#fetchBlock();
    const given = this.#storage.transactionSync(() =>
      this.#stock.takeBack(this.#ledger.lastSlot(), this.free() - waiting, newId("lease")),
    );
    if (given !== null) this.#moves += 1;
    // All of one moment: settling takes time, in which a block may come.
    const freed = given === null ? 0 : given.size - given.kept;
    const answer = { freed, left: this.free(), moves: this.#moves };
    await this.settleGivenBack();
    return answer;
  }

  /** Codes here that nobody has or has reserved. */
  free(): number {
    const unspent = this.#stock.unspent(this.#ledger.lastSlot());
    return Math.max(0, unspent - this.#reservations.countOpen(Date.now()));
  }

  /**
   * Tells D1 of everything given back that it has not confirmed. Rejects when D1 does not answer.
   */
  async settleGivenBack(): Promise<void> {
    for (const given of this.#stock.givenBack()) {
      await answered(giveBack(this.#db(), given, Date.now()));
      this.#stock.confirmGivenBack(given.id);
    }
  }

  /**
   * Brings a block, or proves that there is none anywhere: D1 was asked between two times at which
   * every sibling had no code, and none came to it or left it in between.
   */
  async #search(): Promise<number> {
    const { shards } = this.#settings.current().campaign;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      // Codes of this shard's own that are on their way back to D1 count as well.
      await this.settleGivenBack();
      const own = this.#moves;
      const topUps = this.#topUps;
      const added = await this.#fetchBlock();
      if (added > 0) return added;
      if (shards === 1) return this.#noneLeft(topUps);
      const before = await this.#askSiblings();
      if (before === null) continue;
      const late = await this.#fetchBlock();
      if (late > 0) return late;
      if ((await this.#askSiblings()) === before && this.#moves === own) {
        return this.#noneLeft(topUps);
      }
    }
    throw new Error("Codes kept moving between shards");
  }

  /** True of a moment since there were `topUps`; whether it still is, a later top-up decides. */
  #noneLeft(topUps: number): 0 {
    if (this.#topUps === topUps) this.#dryUntil = Date.now() + DRY_MEMORY_MS;
    return 0;
  }

  /** The siblings' moves when none of them has a code, or null when one freed or kept some. */
  async #askSiblings(): Promise<string | null> {
    const { campaign, shard: own } = this.#settings.current();
    const siblings = Array.from({ length: campaign.shards }, (_, i) => (own + i) % campaign.shards);
    siblings.shift();
    const moves: number[] = [];
    let left = 0;
    for (let at = 0; at < siblings.length; at += SIBLINGS_AT_ONCE) {
      const asked = siblings.slice(at, at + SIBLINGS_AT_ONCE);
      const answers = await Promise.all(asked.map((sibling) => this.#requireAnswer(sibling)));
      if (answers.some(({ freed }) => freed > 0)) return null;
      left += answers.reduce((sum, answer) => sum + answer.left, 0);
      moves.push(...answers.map((answer) => answer.moves));
    }
    if (left === 0) return moves.join();
    await scheduler.wait(ROUND_REST_MS);
    return null;
  }

  async #requireAnswer(shard: number): Promise<StockAnswer> {
    const answer = await this.#askSibling(shard);
    if (answer === null) throw new Error(`Shard ${shard} cannot say what it holds`);
    return answer;
  }

  /** Asks D1 for one block; how many codes it brought. One question at a time. */
  #fetchBlock(): Promise<number> {
    this.#fetching ??= this.#askForBlock().finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  async #askForBlock(): Promise<number> {
    const lost = this.#unsettled();
    if (lost !== null) {
      const granted = await this.#ask(lost, settleLease(this.#db(), lost));
      if (granted !== null) return this.#store(granted);
      this.#stock.settlePending(lost);
    }
    const { leaseId, size } = this.#stock.planLease(() => ({
      leaseId: newId("lease"),
      size: LEASE_SIZE,
    }));
    this.#refused = null;
    const { campaign, shard } = this.#settings.current();
    const { id: campaignId, shards } = campaign;
    const asked = { leaseId, sizeMax: size, campaignId, shard, shards, now: Date.now() };
    const lease = await this.#ask(leaseId, leaseBlock(this.#db(), asked));
    if (lease !== null) return this.#store(lease);
    this.#refused = leaseId;
    this.#restUntil = Date.now() + DRY_REST_MS;
    return 0;
  }

  /** The id of a lease of which nobody here knows whether D1 granted it, or may yet grant it. */
  #unsettled(): string | null {
    const leaseId = this.#stock.pendingLease()?.leaseId ?? null;
    return leaseId === this.#refused ? null : leaseId;
  }

  async #ask(leaseId: string, answer: Promise<Lease | null>): Promise<Lease | null> {
    try {
      return await answered(answer);
    } catch (error) {
      this.#restUntil = Date.now() + FAILED_REST_MS;
      const message = "A lease was not answered";
      console.warn({ message, lease_id: leaseId, error: String(error) });
      throw error;
    }
  }

  #store(lease: Lease): number {
    this.#storage.transactionSync(() => this.#stock.store(lease));
    this.#moves += 1;
    return lease.codes.length;
  }
}
