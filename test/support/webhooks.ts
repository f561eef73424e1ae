/** Webhook endpoints and events, put where the service would put them. */

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { database } from "../../src/db/database.ts";
import { eventToInsert } from "../../src/db/events.ts";
import { newId, randomBytes } from "../../src/db/new-id.ts";
import { webhookEndpoints } from "../../src/db/schema.ts";
import type { EndpointRow } from "../../src/db/webhook-endpoints.ts";
import { formatEventId } from "../../src/domain/event.ts";
import type { Delivery } from "../../src/webhooks/deliveries.ts";
import { callSender } from "../../src/webhooks/stub.ts";
import type { WebhookSender } from "../../src/webhooks/webhook-sender.ts";
import type { Brand } from "./api.ts";
import { faultyD1, type Fault } from "./faulty-d1.ts";
import type { Received } from "./receiver.ts";

const SETTLED_MS = 30_000;

/** An address whose calls fail at once. */
export const NOBODY_LISTENS = "http://127.0.0.1:1/";

export const newSecret = () => `whsec_${randomBytes(32).toBase64()}`;

export async function newEndpoint(
  brand: Brand,
  url: string,
  fields: Partial<EndpointRow> = {},
): Promise<EndpointRow> {
  const row: EndpointRow = {
    id: newId("webhookEndpoint"),
    brandId: brand.id,
    mode: "live",
    url,
    events: null,
    campaignIds: null,
    description: null,
    secrets: [{ secret: newSecret(), expiresAt: null }],
    status: "enabled",
    disabledReason: null,
    disabledAt: null,
    fromPosition: 0,
    createdAt: Date.now(),
    ...fields,
  };
  await database(env.DB).insert(webhookEndpoints).values(row);
  return row;
}

/** What D1 has of it, or undefined. */
export async function endpointInD1(id: string) {
  return env.DB.prepare("SELECT * FROM webhook_endpoints WHERE id = ?")
    .bind(id)
    .first<{ status: string; disabled_reason: string | null; disabled_at: number | null }>();
}

export async function setInD1(id: string, sets: string): Promise<void> {
  await env.DB.prepare(`UPDATE webhook_endpoints SET ${sets} WHERE id = ?`).bind(id).run();
}

/** Lets that many events enter the campaign's log; their ids, in order. */
export async function logEvents(campaignId: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newId("event"));
  const [first, ...rest] = ids.map((id, i) =>
    eventToInsert(env.DB, {
      id,
      campaignId,
      type: i % 2 === 0 ? "user.erased" : "campaign.breaker_tripped",
      timestamp: Date.now(),
      data:
        i % 2 === 0
          ? { claim_ids: [`clm_${i}`] }
          : { max_claims_per_minute: i, tripped_at: new Date().toISOString() },
    } as Parameters<typeof eventToInsert>[1]),
  );
  if (first !== undefined) await database(env.DB).batch([first, ...rest]);
  const { results } = await env.DB.prepare(
    `SELECT first_sequence AS n FROM event_runs
     WHERE subject_id = ?1 AND source IN (SELECT value FROM json_each(?2)) ORDER BY 1`,
  )
    .bind(campaignId, JSON.stringify(ids))
    .all<{ n: number }>();
  return results.map(({ n }) => formatEventId(campaignId, n));
}

/** An endpoint's sender, with what a test does to it. */
export class Sender {
  readonly endpointId: string;

  constructor({ id }: { id: string }) {
    this.endpointId = id;
  }

  get stub(): DurableObjectStub<WebhookSender> {
    return env.WEBHOOK_SENDER.getByName(this.endpointId);
  }

  wake(): Promise<void> {
    return callSender(env, this.endpointId, (sender) => sender.wake());
  }

  retry(number: number): Promise<Delivery | null> {
    return callSender(env, this.endpointId, (sender) => sender.retry(number));
  }

  ping(): Promise<Delivery | null> {
    return callSender(env, this.endpointId, (sender) => sender.ping());
  }

  /** Oldest first. */
  async deliveries(): Promise<Delivery[]> {
    const page = { before: Number.MAX_SAFE_INTEGER, limit: 100_000, status: null };
    const found = await callSender(env, this.endpointId, (sender) => sender.list(page));
    return found.toReversed();
  }

  async statuses(): Promise<string[]> {
    return (await this.deliveries()).map(({ status }) => status);
  }

  /** Waits until there are so many, and none is pending. */
  async settled(count: number): Promise<Delivery[]> {
    const until = Date.now() + SETTLED_MS;
    for (;;) {
      const statuses = await this.statuses();
      if (statuses.length === count && !statuses.includes("pending")) break;
      if (Date.now() > until) throw new Error(`${count} were to settle: ${statuses.join()}`);
      await scheduler.wait(20);
    }
    return this.deliveries();
  }

  /** Gives it other bindings, until it is evicted. */
  async tune(bindings: Record<string, unknown>): Promise<void> {
    await runInDurableObject(this.stub, (instance) => {
      const held = instance as unknown as { env: Env };
      Object.assign(held, { env: { ...held.env, ...bindings } });
    });
  }

  async hurry(speedup: number): Promise<void> {
    await this.tune({ WEBHOOK_SPEEDUP: String(speedup) });
  }

  async breakD1(faults: Fault[]): Promise<void> {
    await this.tune({ DB: faultyD1(env.DB, faults) });
  }

  inStorage<T>(look: (state: DurableObjectState) => T | Promise<T>): Promise<T> {
    return runInDurableObject(this.stub, (_, state) => look(state));
  }

  alarmAt(): Promise<number | null> {
    return this.inStorage(({ storage }) => storage.getAlarm());
  }

  async evict(): Promise<void> {
    await evictDurableObject(this.stub);
  }
}

/** The ids of the events that came, in the order in which they did. */
export const idsOf = (received: Received[]) =>
  received.map(({ headers }) => headers["webhook-id"] ?? "");
