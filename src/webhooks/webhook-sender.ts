/**
 * WebhookSender: tells one webhook endpoint of its events, each at least once.
 *
 * WHAT IT GUARANTEES
 *  (1) Every event that enters the brand's log while the endpoint is there, and that it asked for,
 *      becomes exactly one delivery. (While it is disabled they wait in the log, for as long as the
 *      log keeps them: 30 days.)
 *  (2) A delivery is attempted until the receiver took it, or until its schedule ends after more
 *      than 3 days; then it is kept as failed, and sent again on request.
 *  (3) Nothing that is said of a user is kept here. An event gets its words at the moment of an
 *      attempt, from the log and the pools: who was erased is told to nobody any more. Where a
 *      receiver's answer repeats it, it is blotted out before the answer is kept.
 *
 * WHY ONE OBJECT PER ENDPOINT. A receiver that is slow or down holds up nobody else, its state is
 * in one place without a lock, and the object's alarm is the clock of its retries. The truth of
 * what is to be told is the log, the truth of where it goes is D1's row, read for every round. So
 * nothing need be pushed here: whoever has news, or changed the endpoint, only wakes the object.
 *
 * INTAKE. The cursor is a position in the brand's log. Runs of events behind it become deliveries
 * in the transaction that moves it, so an event is taken in once however often the object is woken.
 * While 20,000 are pending the rest waits in the log.
 *
 * SENDING. The alarm sends what is due, six at a time: retries when their time has come, in turn
 * with first attempts in order (six at once arrive in any order: receivers go by `sequence`). An
 * endpoint that fails again and again is probed with one delivery at a time (health.ts), which
 * every other time is any that was not tried: it may be only some that the receiver refuses. What
 * waits behind uses up no attempts, and goes out at once when it takes one. After days of that, or
 * when it says that it is gone, it is disabled in D1.
 *
 * WHAT A CRASH LEAVES BEHIND
 *  - after wake() was answered: the alarm, which is kept in storage and repeated until it ends.
 *  - in the intake: the cursor and the deliveries, both from before or both from after.
 *  - between an attempt and its note: an attempt that is made again, with the same id.
 *  - between a note that the endpoint is to be disabled and D1's word: the note, seen to first.
 * When D1 or a pool does not answer, that is no attempt: the alarm comes again.
 *
 * WHAT IT WRITES. A delivery that succeeds at once writes two rows, taken in and delivered; the
 * cursor and the alarm are shared by all that are taken in together (deliveries.ts).
 *
 * LIMITS. Six connections, so a receiver that takes 100 ms gets 60 events a second.
 */

import { DurableObject } from "cloudflare:workers";
import { answered, repeated } from "../db/database.ts";
import { wakeBy } from "../objects/wake.ts";
import { newId } from "../db/new-id.ts";
import type { EndpointRow } from "../db/webhook-endpoints.ts";
import { disableEndpoint, findSenderEndpoint } from "../db/webhook-senders.ts";
import { deliveryMadeAt, type DeliveryStatus } from "../domain/delivery.ts";
import { listRuns, type LoggedRun } from "../events/read.ts";
import { Deliveries, type Delivery } from "./deliveries.ts";
import { Sending } from "./sending.ts";
import { wakeSenders } from "./stub.ts";

/** An alarm works for so long, then sets the next: the platform ends one after 15 minutes. */
const TURN_MS = 10_000;
/** Deliveries that may be pending here: a minute of a large drop, and little to look through. */
const PENDING_MAX = 20_000;
/** Runs of events that are asked for at once. */
const RUNS_AT_ONCE = 50;
/** After D1 failed, doubled up to the second. */
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 60_000;
/** A disabled endpoint, or one of a suspended brand, wakes by itself in case no word came. */
const HELD_MS = 600_000;
/** What ended is kept as long as the log keeps events, and looked for at most so often. */
const KEPT_MS = 30 * 24 * 3_600_000;
const SWEEP_MS = 3_600_000;
/** Rows deleted at once, between which others may come. */
const SWEEP_STEP = 500;

/** An event of the brand itself is of no campaign, so who names campaigns does not get it. */
function isWanted({ events, campaignIds }: EndpointRow, { type, subjectId }: LoggedRun): boolean {
  if (events !== null && !events.includes(type)) return false;
  return campaignIds === null || campaignIds.includes(subjectId);
}

export class WebhookSender extends DurableObject<Env> {
  readonly #deliveries = new Deliveries(this.ctx.storage.sql);
  readonly #sending = new Sending(this.ctx.storage, this.#deliveries, () => this.env);
  /** Alarms that failed since the last that did not. */
  #outages = 0;
  #sweepsAt = 0;

  /** There may be news, of the log or of the endpoint. When it returns, they will be seen to. */
  async wake(): Promise<void> {
    this.#meet();
    await this.#wakeIn(0);
  }

  /** Newest first, those below `before`. */
  list(page: { before: number; limit: number; status: DeliveryStatus | null }): Delivery[] {
    return this.#endpointId() === null ? [] : this.#deliveries.list(page);
  }

  find(number: number): Delivery | null {
    return this.#endpointId() === null ? null : this.#deliveries.find(number);
  }

  /** Has a delivery sent again, whatever became of it, or becomes of an attempt under way. */
  async retry(number: number): Promise<Delivery | null> {
    if (this.find(number) === null) return null;
    this.#sending.again(number);
    await this.#wakeIn(0);
    return this.find(number);
  }

  /** Sends a test, at once and once, also to a disabled endpoint. Null when there is none. */
  async ping(): Promise<Delivery | null> {
    const id = this.#meet();
    const found = await repeated(() => findSenderEndpoint(this.env.DB, id));
    if (found === null) {
      await this.forget();
      return null;
    }
    const test = this.#deliveries.addTest(id, newId("event"), Date.now());
    await this.#sending.sendTest(found.endpoint, test);
    // It may have shown that the endpoint is back; and some day it is to be deleted.
    await this.#wakeIn(0);
    return this.find(test.number);
  }

  /** Deletes all that is held here: the endpoint is no more. */
  async forget(): Promise<void> {
    this.#deliveries.close();
    await this.ctx.storage.deleteAll();
  }

  #endpointId(): string | null {
    return this.ctx.storage.kv.get<string>("endpoint") ?? null;
  }

  /** Notes whose object this is: an alarm does not know its name. */
  #meet(): string {
    const known = this.#endpointId();
    if (known !== null) return known;
    const { name } = this.ctx.id;
    if (name === undefined) throw new Error("The object has no name");
    this.ctx.storage.kv.put("endpoint", name);
    return name;
  }

  #wakeIn(ms: number): Promise<void> {
    return wakeBy(this.ctx.storage, Date.now() + ms);
  }

  override async alarm(): Promise<void> {
    // The platform gives up on an alarm after 6 failures, so a failing D1 is met by setting the
    // next one instead of throwing.
    let nextMs: number | null;
    try {
      nextMs = await this.#takeTurn(Date.now() + TURN_MS);
      this.#outages = 0;
    } catch (error) {
      nextMs = Math.min(RETRY_MS * 2 ** this.#outages, RETRY_MAX_MS);
      this.#outages += 1;
      // drizzle's own message holds the statement and its values.
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      console.warn({ message: "Webhooks were interrupted", error: String(cause) });
    }
    if (nextMs !== null) await this.#wakeIn(nextMs);
  }

  /** Milliseconds until the next turn is due, or null for none. */
  async #takeTurn(until: number): Promise<number | null> {
    const id = this.#endpointId();
    // It was forgotten during a turn, which may have written something afterwards.
    if (id === null) {
      await this.forget();
      return null;
    }
    do {
      const found = await answered(findSenderEndpoint(this.env.DB, id));
      if (found === null) {
        await this.forget();
        return null;
      }
      const { endpoint, isBrandActive } = found;
      if (await this.#disableIfDue(endpoint)) continue;
      this.#sweep();
      if (endpoint.status === "disabled") this.#sending.health = null;
      if (endpoint.status === "disabled" || !isBrandActive) return HELD_MS;
      await this.#takeIn(endpoint, until);
      const waitMs = await this.#sending.round(endpoint);
      if (waitMs !== 0) return this.#sooner(waitMs);
      // Others may come in between two looks at D1.
      await scheduler.wait(1);
    } while (Date.now() < until);
    return 0;
  }

  /** Tells D1, and the brand, what was noted of the endpoint; whether there was anything. */
  async #disableIfDue(endpoint: EndpointRow): Promise<boolean> {
    const disabling = this.#sending.health?.disabling ?? null;
    if (disabling === null) return false;
    await answered(disableEndpoint(this.env.DB, endpoint, disabling));
    // A sender that does not answer must not hold up this one: the queue asks it again.
    const news = { brandId: endpoint.brandId, from: null };
    await wakeSenders(this.env, endpoint.brandId).catch(() => answered(this.env.NEWS.send(news)));
    // Whoever enables it again begins anew.
    this.#sending.health = null;
    return true;
  }

  /** Makes deliveries of what entered the log. */
  async #takeIn(endpoint: EndpointRow, until: number): Promise<void> {
    const { brandId, mode, fromPosition } = endpoint;
    const { storage } = this.ctx;
    const cursor = () => storage.kv.get<number>("cursor") ?? fromPosition;
    while (Date.now() < until && this.#deliveries.countPending() < PENDING_MAX) {
      const after = cursor();
      const page = { after, limit: RUNS_AT_ONCE };
      const runs = await answered(listRuns(this.env.DB, { brandId, mode }, page));
      if (runs.length === 0) return;
      storage.transactionSync(() => {
        if (cursor() === after) this.#note(endpoint, runs);
      });
      if (runs.length < RUNS_AT_ONCE) return;
      await scheduler.wait(1);
    }
  }

  /** Up to the limit, which the last run may pass. */
  #note(endpoint: EndpointRow, runs: LoggedRun[]): void {
    let room = PENDING_MAX - this.#deliveries.countPending();
    const now = Date.now();
    for (const run of runs) {
      if (room <= 0) return;
      this.ctx.storage.kv.put("cursor", run.position);
      if (!isWanted(endpoint, run)) continue;
      this.#deliveries.add({ ...run, subject: run.subjectId }, now);
      room -= run.count;
    }
  }

  #sweep(): void {
    const now = Date.now();
    if (now < this.#sweepsAt) return;
    const isMore = this.#deliveries.sweep(now - KEPT_MS, SWEEP_STEP);
    this.#sweepsAt = isMore ? now : now + SWEEP_MS;
  }

  /** The sooner of that and the next sweep. */
  #sooner(waitMs: number | null): number | null {
    const oldest = this.#deliveries.oldestEnded();
    if (oldest === null) return waitMs;
    const now = Date.now();
    const sweepAt = Math.max(deliveryMadeAt(oldest) + KEPT_MS, this.#sweepsAt);
    return Math.min(waitMs ?? Infinity, Math.max(0, sweepAt - now));
  }
}
