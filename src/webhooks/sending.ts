/** Rounds of attempts: what is due is sent, six at a time, and what became of it is written. */

import { answered } from "../db/database.ts";
import type { EndpointRow } from "../db/webhook-endpoints.ts";
import { deliveryMadeAt, formatDeliveryId } from "../domain/delivery.ts";
import type { EventData, ToldEvent } from "../domain/event.ts";
import { retryDelayMs } from "../domain/retry-schedule.ts";
import { readEvents } from "../events/read.ts";
import { isTaken, makeAttempt, type Outcome } from "./attempt.ts";
import { TEST, type Deliveries, type Delivery } from "./deliveries.ts";
import { afterFailure, afterSuccess, isFailing, type Health } from "./health.ts";

/** Connections that the platform lets an object have at once. */
const LANES = 6;
/** Deliveries of one look at D1; their sequences are parameters of one statement, which has 100. */
const ROUND_MAX = 60;
/** A round begins no attempt later: what changed of the endpoint since is soon seen. */
const ROUND_MS = 5_000;
/** Events of a campaign whose log or pools did not answer are asked for again after so long. */
const UNREAD_MS = 5_000;

/** What is sent of a test of an endpoint. */
interface TestEvent {
  id: string;
  type: typeof TEST;
  timestamp: string;
  campaign_id: null;
  sequence: null;
  data: { endpoint_id: string };
}

type Words = ToldEvent | TestEvent;

function testOf({ number, subject, eventId }: Delivery): TestEvent {
  return {
    id: eventId ?? "",
    type: TEST,
    timestamp: new Date(deliveryMadeAt(number)).toISOString(),
    campaign_id: null,
    sequence: null,
    data: { endpoint_id: subject },
  };
}

/** What an event says of a user, who may be erased before the delivery is. */
function saidOfUser({ data }: Words): string[] {
  const { user_id: id, contact } = data as Partial<EventData["claim.created"]>;
  const { email, name, attributes = {} } = contact ?? {};
  return [id, email, name, ...Object.values(attributes)].flatMap((said) => said ?? []);
}

/** How many times faster retries and back-offs come: 1 but in rehearsals. */
function speedupOf({ WEBHOOK_SPEEDUP }: { WEBHOOK_SPEEDUP: string }): number {
  return Math.max(1, Number(WEBHOOK_SPEEDUP) || 1);
}

function loopbackOf({ LOOPBACK_TARGETS }: { LOOPBACK_TARGETS: string }) {
  return { allowsLoopback: LOOPBACK_TARGETS === "allowed" };
}

export class Sending {
  readonly #storage: DurableObjectStorage;
  readonly #deliveries: Deliveries;
  readonly #env: () => Env;
  readonly #inFlight = new Set<number>();
  /** Those of them that somebody asked to be sent again, which they are unless they are taken. */
  readonly #asked = new Set<number>();
  /** Campaigns whose events could not be read, and when to ask again. */
  readonly #unread = new Map<string, number>();

  constructor(storage: DurableObjectStorage, deliveries: Deliveries, env: () => Env) {
    this.#storage = storage;
    this.#deliveries = deliveries;
    this.#env = env;
  }

  get health(): Health | null {
    return this.#storage.kv.get<Health>("health") ?? null;
  }

  set health(health: Health | null) {
    if (health !== null) this.#storage.kv.put("health", health);
    else if (this.health !== null) this.#storage.kv.delete("health");
  }

  /** Has it sent again, at once; or after the attempt that is under way, if that is in vain. */
  again(number: number): void {
    if (this.#inFlight.has(number)) this.#asked.add(number);
    else this.#storage.transactionSync(() => this.#renew(number));
  }

  #renew(number: number): void {
    this.#deliveries.renew(number, Date.now());
    // Whoever asks for it knows better than a back-off.
    if (this.health !== null) this.health = { ...this.health, restsUntil: 0 };
  }

  /**
   * Sends what is due now, or some of it. Milliseconds until there is more to do, or null for
   * nothing.
   */
  async round(endpoint: EndpointRow): Promise<number | null> {
    if (this.health !== null && this.health.url !== endpoint.url) this.health = null;
    const now = Date.now();
    for (const [subject, at] of this.#unread) if (at <= now) this.#unread.delete(subject);
    const except = { numbers: [...this.#inFlight], subjects: [...this.#unread.keys()] };
    const restMs = (this.health?.restsUntil ?? 0) - now;
    const limit = isFailing(this.health) ? 1 : ROUND_MAX;
    let due = restMs <= 0 && this.#triesAny() ? this.#deliveries.anyUntried(except) : [];
    if (restMs <= 0 && due.length === 0) due = this.#deliveries.due(now, limit, except);
    if (due.length > 0) {
      await this.#sendAll(endpoint, due);
      return 0;
    }
    const nextAt = this.#deliveries.nextAt(except);
    const waits = Array.from(this.#unread.values(), (at) => at - now);
    if (nextAt !== null) waits.push(Math.max(restMs, nextAt - now));
    return waits.length === 0 ? null : Math.max(1, Math.min(...waits));
  }

  async #sendAll(endpoint: EndpointRow, due: Delivery[]): Promise<void> {
    const words = await this.#read(due);
    const waiting = due.filter(({ number }) => words.has(number));
    const isProbe = isFailing(this.health);
    const until = Date.now() + ROUND_MS;
    const lane = async () => {
      while (Date.now() < until && this.#mayGoOn(isProbe)) {
        const next = waiting.shift();
        if (next === undefined) return;
        await this.send(endpoint, next, words.get(next.number) ?? null);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  }

  /**
   * Whether any delivery that was not tried is sent as a probe: every other time, because those due
   * and those first in line may be the ones that the receiver refuses. Not when somebody asked for
   * one, which ends the rest (retry).
   */
  #triesAny(): boolean {
    const { health } = this;
    return isFailing(health) && health?.restsUntil !== 0 && (health?.failures ?? 0) % 2 === 0;
  }

  /**
   * Whether another attempt may begin: others of the round may have failed meanwhile, and the
   * endpoint may have been deleted.
   */
  #mayGoOn(isProbe: boolean): boolean {
    if (this.#storage.kv.get("endpoint") === undefined) return false;
    const { health } = this;
    if (health === null) return true;
    if (health.disabling !== null || health.restsUntil > Date.now()) return false;
    return isProbe || !isFailing(health);
  }

  /** What is to be said, by number: null of an event that the log has no more. */
  async #read(due: Delivery[]): Promise<Map<number, Words | null>> {
    const words = new Map<number, Words | null>();
    const readSubject = async (subject: string, those: Delivery[]) => {
      try {
        const sequences = those.map(({ sequence }) => sequence);
        const events = await answered(readEvents(this.#env(), subject, sequences));
        for (const { number, sequence } of those) words.set(number, events.get(sequence) ?? null);
      } catch {
        console.warn({ message: "Events could not be read", subject });
        this.#unread.set(subject, Date.now() + UNREAD_MS);
      }
    };
    for (const one of due) if (one.type === TEST) words.set(one.number, testOf(one));
    const events = due.filter(({ type }) => type !== TEST);
    const bySubject = Map.groupBy(events, ({ subject }) => subject);
    await Promise.all(Array.from(bySubject, ([subject, those]) => readSubject(subject, those)));
    return words;
  }

  /** Makes an attempt and writes what came of it. */
  async send(endpoint: EndpointRow, delivery: Delivery, words: Words | null): Promise<void> {
    const { number } = delivery;
    if (words === null) {
      const attempt = { at: Date.now(), status: null, durationMs: 0, answer: null };
      const gone = { ...delivery, status: "failed" as const, dueAt: null };
      this.#deliveries.settle(number, gone, { ...attempt, error: "event-gone" });
      return;
    }
    this.#inFlight.add(number);
    try {
      const { url, secrets } = endpoint;
      const body = JSON.stringify(words);
      const call = { url, secrets, eventId: words.id, body, hidden: saidOfUser(words) };
      const outcome = await makeAttempt(call, loopbackOf(this.#env()));
      this.#storage.transactionSync(() => this.#settle(endpoint, number, words.id, outcome));
      this.#log(endpoint, delivery, outcome);
    } finally {
      this.#inFlight.delete(number);
      this.#asked.delete(number);
    }
  }

  /** Sends a test that was noted, at once. */
  async sendTest(endpoint: EndpointRow, delivery: Delivery): Promise<void> {
    await this.send(endpoint, delivery, testOf(delivery));
  }

  #settle({ url }: EndpointRow, number: number, eventId: string, outcome: Outcome): void {
    const { attempt, retryAfterMs } = outcome;
    // The endpoint may have been deleted meanwhile, with all of its deliveries.
    if (this.#storage.kv.get("endpoint") === undefined) return;
    const delivery = this.#deliveries.find(number);
    if (delivery === null) return;
    const settle = (next: Partial<Delivery>) =>
      this.#deliveries.settle(number, { ...delivery, eventId, dueAt: null, ...next }, attempt);
    if (isTaken(attempt)) {
      settle({ status: "delivered" });
      this.health = afterSuccess(this.health, { begunAt: attempt.at, now: Date.now() });
      return;
    }
    const tries = delivery.tries + 1;
    // A test, made by hand: says nothing of how the endpoint fares, and is not repeated.
    if (delivery.status !== "pending") {
      settle({ tries });
      if (this.#asked.has(number)) this.#renew(number);
      return;
    }
    const speedup = speedupOf(this.#env());
    const now = Date.now();
    const delayMs = retryDelayMs(tries, { random: Math.random(), retryAfterMs });
    if (delayMs === null) settle({ tries, status: "failed" });
    else settle({ tries, dueAt: Math.ceil(now + delayMs / speedup) });
    const before = this.health?.url === url ? this.health : null;
    const isGone = attempt.status === 410;
    const failure = {
      url,
      begunAt: attempt.at,
      now,
      isGone,
      retryAfterMs,
      random: Math.random(),
      speedup,
    };
    this.health = afterFailure(before, failure);
    if (this.#asked.has(number)) this.#renew(number);
  }

  /** Where it went by its host only: the rest of an address may be a secret. */
  #log({ id, url }: EndpointRow, { number, type, attempts }: Delivery, { attempt }: Outcome): void {
    const isDelivered = isTaken(attempt);
    console[isDelivered ? "info" : "warn"]({
      message: isDelivered ? "A webhook was delivered" : "A webhook was not delivered",
      endpoint_id: id,
      delivery_id: formatDeliveryId({ endpointId: id, number }),
      event_type: type,
      host: URL.parse(url)?.host,
      attempt: attempts.length + 1,
      status: attempt.status,
      error: attempt.error,
      duration_ms: attempt.durationMs,
    });
  }
}
