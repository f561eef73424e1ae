/**
 * BatchRunner: makes a brand's codes, step by step, whoever hangs up or crashes meanwhile.
 *
 * One object per brand, for its live and its test batches. Its alarm is set before a batch is noted
 * in D1 and again until none is left running there, so a batch that was begun is finished. All
 * facts are D1's (inventory/batches.ts); this object only makes sure that somebody goes on.
 *
 * SHARING. A runner has one step under way at a time and takes its batches in turn, so each brand
 * has one D1 call waiting, however many batches it runs. While codes are being handed out it rests
 * after each step: leases and claims, which people wait for, come first.
 *
 * WHAT A CRASH LEAVES BEHIND
 *  - before the batch was noted: an alarm that finds nothing to do. When D1 did not answer, the
 *    batch may be noted later, by a call that still lies on its way: the alarm looks once more.
 *  - after it, or in a step: a batch of which D1 knows how far it is. The platform repeats an alarm
 *    that did not end, and the next step goes on from there.
 */

import { DurableObject } from "cloudflare:workers";
import { tellOfStock } from "../code-pool/stub.ts";
import type { Clash } from "../db/alongside.ts";
import { findBatch, type BatchRow } from "../db/batches.ts";
import { findShapes, type CodeShapeRow } from "../db/code-shapes.ts";
import { answered, repeated } from "../db/database.ts";
import { wakeBy } from "../objects/wake.ts";
import { BATCH_AT_ONCE_MAX, BATCH_STEP } from "../domain/batch.ts";
import { expectChange, tellOfChange } from "../herald/stub.ts";
import {
  endBatch,
  growBatch,
  listRunning,
  startBatch,
  type BatchStep,
  type BatchToMake,
  type RunningBatch,
} from "../inventory/batches.ts";
import { giveWay } from "../inventory/pace.ts";

/** After so long the alarm looks whether the call that began a batch still works on it. */
const WATCH_MS = 2_000;
/** An alarm makes codes for so long, then sets the next: the platform ends one after 15 minutes. */
const TURN_MS = 10_000;
/** Batches that were begun meanwhile wait for so long until somebody looks. */
const LOOK_MS = 1_000;
/** After D1 failed. */
const RETRY_MS = 1_000;
/** After so long no call to D1 that was not answered takes effect any more. */
const LATE_MS = 120_000;
/**
 * So many steps in vain one after the other end a batch: 40,000 codes were drawn, so hardly 1 text
 * in 1,000 is free. Its own codes may be half of them; the brand's others can be the rest.
 */
const VAIN_STEPS_MAX = 5;

export type MakeOutcome =
  | { kind: "made" | "running"; batch: BatchRow }
  | { kind: "too-many"; live: number }
  /** Nothing was begun. */
  | { kind: "clash"; clash: Clash };

export class BatchRunner extends DurableObject<Env> {
  /** Batches that a call is making: the alarm leaves them alone while it lasts. */
  readonly #inHand = new Set<string>();
  /** Steps wait for those before them, whether a call or the alarm takes them. */
  #steps: Promise<unknown> = Promise.resolve();
  /** Steps in vain since the last code, by batch. */
  readonly #vain = new Map<string, number>();

  /** Makes a small batch, or begins a large one. For the object of the batch's brand. */
  async make(batch: BatchToMake): Promise<MakeOutcome> {
    this.ctx.storage.kv.put("brand", batch.brandId);
    await this.#wakeIn(WATCH_MS);
    this.#inHand.add(batch.id);
    try {
      const started = await this.#start(batch);
      if (started.kind !== "started") return started;
      if (batch.count <= BATCH_AT_ONCE_MAX) await this.#makeNow(batch);
    } finally {
      this.#inHand.delete(batch.id);
    }
    const made = await repeated(() => findBatch(this.env.DB, batch.id));
    if (made === null) throw new Error(`Batch ${batch.id} vanished`);
    if (made.status !== "running") {
      await this.#tellPools(batch);
      return { kind: "made", batch: made };
    }
    await this.#wakeIn(0);
    return { kind: "running", batch: made };
  }

  async #start(batch: BatchToMake) {
    try {
      return await repeated(() => startBatch(this.env.DB, batch));
    } catch (error) {
      this.ctx.storage.kv.put("lookAgainAt", Date.now() + LATE_MS);
      throw error;
    }
  }

  #wakeIn(ms: number): Promise<void> {
    return wakeBy(this.ctx.storage, Date.now() + ms);
  }

  /** All steps of a small batch; if one fails the alarm goes on, and it is answered as running. */
  async #makeNow({ id, campaignId, shards, count, shape }: BatchToMake): Promise<void> {
    if (shape.usableFrom > Date.now()) return;
    const batch = { id, campaignId, shards, requested: count, created: 0 };
    try {
      while ((await this.#step(batch, shape)).isRunning);
    } catch (error) {
      console.warn({ message: "A batch was interrupted", batch_id: id, error: String(error) });
    }
  }

  override async alarm(): Promise<void> {
    // The platform gives up on an alarm after 6 failures, so a failing D1 is met by setting the
    // next one instead of throwing.
    let nextMs: number | null;
    try {
      nextMs = await this.#takeTurns(Date.now() + TURN_MS);
    } catch (error) {
      console.warn({ message: "Batches were interrupted", error: String(error) });
      nextMs = RETRY_MS;
    }
    if (nextMs !== null) await this.#wakeIn(nextMs);
  }

  /** Steps of every batch in turn; milliseconds until the next turn is due, or null for none. */
  async #takeTurns(until: number): Promise<number | null> {
    const brandId = this.ctx.storage.kv.get<string>("brand");
    if (brandId === undefined) return null;
    do {
      const running = await answered(listRunning(this.env.DB, brandId));
      const mine = running.filter(({ batch }) => !this.#inHand.has(batch.id));
      if (mine.length === 0) return this.#inHand.size > 0 ? WATCH_MS : this.#lastLookMs();
      const ids = mine.map(({ shapeId }) => shapeId);
      const shapes = await answered(findShapes(this.env.DB, ids));
      const due = mine.map(({ batch, shapeId }) => {
        const shape = shapes.find(({ id }) => id === shapeId);
        if (shape === undefined) throw new Error(`Batch ${batch.id} has no shape`);
        return { batch, shape, waitMs: shape.usableFrom - Date.now() };
      });
      const ready = due.filter(({ waitMs }) => waitMs <= 0);
      if (ready.length === 0) return Math.min(...due.map(({ waitMs }) => waitMs));
      await this.#rounds(ready, Math.min(until, Date.now() + LOOK_MS));
    } while (Date.now() < until);
    return 0;
  }

  #lastLookMs(): number | null {
    const left = (this.ctx.storage.kv.get<number>("lookAgainAt") ?? 0) - Date.now();
    return left > 0 ? left : null;
  }

  /** Rounds in which each batch takes a step, until one is done: then there is less to do. */
  async #rounds(ready: { batch: RunningBatch; shape: CodeShapeRow }[], until: number) {
    let allRun = true;
    do {
      for (const { batch, shape } of ready) {
        if (!(await this.#takeTurn(batch, shape))) allRun = false;
      }
    } while (allRun && Date.now() < until);
  }

  /** One step of many, then a rest if codes are being handed out. Whether the batch still runs. */
  async #takeTurn(batch: RunningBatch, shape: CodeShapeRow): Promise<boolean> {
    const before = batch.created;
    const { isRunning, tookMs, lastLeaseAt } = await this.#step(batch, shape);
    if (batch.created > 0 && (before === 0 || !isRunning)) await this.#tellPools(batch);
    if (isRunning) await giveWay(tookMs, lastLeaseAt);
    return isRunning;
  }

  /** One step, when it is its turn. */
  #step(batch: RunningBatch, shape: CodeShapeRow): Promise<BatchStep & { tookMs: number }> {
    const step = this.#steps.then(() => this.#grow(batch, shape));
    this.#steps = step.catch(() => undefined);
    return step;
  }

  async #grow(batch: RunningBatch, shape: CodeShapeRow): Promise<BatchStep & { tookMs: number }> {
    const began = Date.now();
    const brandId = this.ctx.storage.kv.get<string>("brand");
    // This step may be the last, which is told.
    if (brandId !== undefined && batch.requested - batch.created <= BATCH_STEP) {
      await expectChange(this.env, brandId);
    }
    const vain = this.#vain.get(batch.id) ?? 0;
    const step = await answered(growBatch(this.env.DB, batch, shape, { hard: vain > 0 }));
    const isVain = step.isRunning && step.isVain && step.created === batch.created;
    batch.created = step.created;
    if (!isVain) this.#vain.delete(batch.id);
    else if (vain + 1 < VAIN_STEPS_MAX) this.#vain.set(batch.id, vain + 1);
    else {
      await answered(endBatch(this.env.DB, batch.id, "failed", null));
      this.#vain.delete(batch.id);
      step.isRunning = false;
    }
    return { ...step, tookMs: Date.now() - began };
  }

  /** So that no shard remembers that there was nothing left, and the brand hears of it. */
  async #tellPools({ campaignId, shards }: Pick<RunningBatch, "campaignId" | "shards">) {
    await tellOfStock(this.env, { id: campaignId, shards });
    const brandId = this.ctx.storage.kv.get<string>("brand");
    // The herald looks by itself soon.
    if (brandId !== undefined) await tellOfChange(this.env, brandId).catch(() => undefined);
  }
}
