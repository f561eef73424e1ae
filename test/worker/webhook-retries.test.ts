/** What becomes of deliveries whose receiver fails, and of the endpoint. */

import { describe, expect, it } from "vitest";
import { ATTEMPTS_MAX } from "../../src/domain/retry-schedule.ts";
import type { Health } from "../../src/webhooks/health.ts";
import { callSender } from "../../src/webhooks/stub.ts";
import { env } from "cloudflare:workers";
import type { Brand } from "../support/api.ts";
import { Receiver } from "../support/receiver.ts";
import {
  endpointInD1,
  idsOf,
  logEvents,
  newEndpoint,
  Sender,
  setInD1,
} from "../support/webhooks.ts";
import { api } from "../support/worker-api.ts";

interface World {
  brand: Brand;
  campaign: string;
  receiver: Receiver;
  sender: Sender;
}

async function newWorld(...replies: string[]): Promise<World> {
  const brand = await api.newBrand();
  const campaign = await api.newCampaign(brand, 0);
  const receiver = await Receiver.thatAnswers(...replies);
  const sender = new Sender(await newEndpoint(brand, receiver.url));
  return { brand, campaign, receiver, sender };
}

const DAY_MS = 24 * 3_600_000;
const ENABLED = "status = 'enabled', disabled_reason = NULL, disabled_at = NULL";
const idsOfCampaign = async (brand: Brand, campaign: string) =>
  (await api.listAll<{ id: string }>(brand.secret, `/v1/events?campaign_id=${campaign}`)).map(
    ({ id }) => id,
  );
const countOf = async (receiver: Receiver) => (await receiver.received()).length;
const healthOf = (sender: Sender) =>
  sender.inStorage(({ storage }) => storage.kv.get<Health>("health") ?? null);

describe("a delivery that fails", () => {
  it("comes again with the same id and a new time, until it is taken", async () => {
    const { campaign, receiver, sender } = await newWorld("500", "500", "200");
    // 5 s become 2.5 s, so that the times differ; 5 min become 150 s, which nobody waits for.
    await sender.hurry(2);
    const [id] = await logEvents(campaign, 1);
    await sender.wake();
    await expect.poll(() => countOf(receiver), { timeout: 10_000 }).toBe(2);
    // Not before the answer has been noted, and the next attempt set.
    await expect.poll(() => sender.deliveries()).toMatchObject([{ status: "pending", tries: 2 }]);
    await sender.hurry(1_000);
    const [pending] = await sender.deliveries();
    expect((pending?.dueAt ?? 0) - Date.now()).toBeGreaterThan(130_000);
    await sender.retry(pending?.number ?? 0);
    const [delivery] = await sender.settled(1);
    expect(delivery?.attempts.map(({ status }) => status)).toEqual([500, 500, 200]);
    const received = await receiver.received();
    expect(idsOf(received)).toEqual([id, id, id]);
    const times = received.map(({ headers }) => Number(headers["webhook-timestamp"]));
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(2);
    const signatures = received.map(({ headers }) => headers["webhook-signature"]);
    expect(signatures[0]).not.toBe(signatures[1]);
  });

  it("waits for as long as a 429 asks, and so does what is behind it", async () => {
    const { campaign, receiver, sender } = await newWorld("429~2", "200");
    await logEvents(campaign, 1);
    await sender.wake();
    await expect.poll(() => countOf(receiver)).toBe(1);
    await logEvents(campaign, 1);
    await sender.wake();
    await expect.poll(() => countOf(receiver), { timeout: 10_000 }).toBe(2);
    const [first, second] = await receiver.received();
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(1_950);
    await sender.settled(2);
    const [delivery] = await sender.deliveries();
    const [failed, made] = delivery?.attempts ?? [];
    // Longer than it asked: the schedule's 5 s stay.
    expect((made?.at ?? 0) - (failed?.at ?? 0)).toBeGreaterThan(4_500);
  });

  it("is given up after its whole schedule, kept, and sent again on request", async () => {
    const { campaign, receiver, sender } = await newWorld("503");
    await sender.hurry(1_000_000);
    const [id] = await logEvents(campaign, 1);
    await sender.wake();
    // At this speed the endpoint would be disabled before: each attempt takes as long as hours.
    while ((await sender.statuses())[0] !== "failed") {
      await sender.inStorage(({ storage }) => void storage.kv.delete("health"));
      await scheduler.wait(20);
    }
    const [failed] = await sender.deliveries();
    expect(failed).toMatchObject({ status: "failed", tries: ATTEMPTS_MAX, dueAt: null });
    expect(failed?.attempts.length).toBe(ATTEMPTS_MAX);
    expect(await countOf(receiver)).toBe(ATTEMPTS_MAX);
    await scheduler.wait(200);
    expect(await countOf(receiver)).toBe(ATTEMPTS_MAX);
    // The whole schedule again: it fails once more and is not given up by that.
    await sender.hurry(1);
    expect(await sender.retry(failed?.number ?? 0)).toMatchObject({ status: "pending", tries: 0 });
    await expect.poll(() => countOf(receiver)).toBe(ATTEMPTS_MAX + 1);
    await expect.poll(async () => (await sender.deliveries())[0]?.tries).toBe(1);
    await receiver.answers("200");
    await sender.retry(failed?.number ?? 0);
    const [delivered] = await sender.settled(1);
    expect(delivered?.status).toBe("delivered");
    expect(delivered?.attempts.length).toBe(ATTEMPTS_MAX + 2);
    expect(new Set(idsOf(await receiver.received()))).toEqual(new Set([id]));
  });

  it("is sent again on request though it was delivered, and an unknown one is not", async () => {
    const { campaign, receiver, sender } = await newWorld("200");
    await logEvents(campaign, 1);
    await sender.wake();
    const [delivery] = await sender.settled(1);
    expect(await sender.retry((delivery?.number ?? 0) + 1)).toBeNull();
    await sender.retry(delivery?.number ?? 0);
    await expect.poll(() => countOf(receiver)).toBe(2);
    await sender.settled(1);
    const ids = idsOf(await receiver.received());
    expect(ids[0]).toBe(ids[1]);
  });

  it("is sent again on request also when its last attempt was under way, and failed", async () => {
    for (const how of ["delivery", "test"]) {
      const { campaign, receiver, sender } = await newWorld("stall");
      if (how === "delivery") await logEvents(campaign, 1);
      const under = how === "test" ? sender.ping() : sender.wake();
      await expect.poll(async () => (await receiver.state()).open).toBe(1);
      await sender.inStorage(({ storage }) => {
        storage.sql.exec("UPDATE deliveries SET tries = ?", ATTEMPTS_MAX - 1);
      });
      const [{ number } = { number: 0 }] = await sender.deliveries();
      await sender.retry(number);
      await receiver.answers("200");
      await receiver.release();
      await under;
      await expect.poll(() => sender.statuses()).toEqual(["delivered"]);
      const [delivery] = await sender.deliveries();
      expect(delivery?.attempts.map(({ status }) => status)).toEqual([500, 200]);
    }
  });

  it("keeps its last 16 attempts", async () => {
    const { campaign, receiver, sender } = await newWorld("500", "200");
    await logEvents(campaign, 1);
    await sender.wake();
    await expect.poll(() => countOf(receiver)).toBe(1);
    const [{ number } = { number: 0 }] = await sender.deliveries();
    for (let i = 0; i < 17; i++) {
      await sender.retry(number);
      await expect.poll(() => countOf(receiver)).toBe(i + 2);
      await sender.settled(1);
    }
    const [delivery] = await sender.deliveries();
    expect(delivery?.attempts.map(({ status }) => status)).toEqual(Array(16).fill(200));
  });
});

describe("an endpoint that keeps failing", () => {
  it("is probed with one delivery at a time, and gets all at once when it takes one", async () => {
    const { campaign, receiver, sender } = await newWorld("500");
    // Probes after about 50, 100, 200, … ms.
    await sender.hurry(100);
    const ids = await logEvents(campaign, 60);
    await sender.wake();
    await expect.poll(() => countOf(receiver), { timeout: 10_000 }).toBeGreaterThan(12);
    const before = await receiver.received();
    // Six were under way when the fifth failure came, and each may have been followed by one.
    for (let i = 12; i < before.length; i++) {
      expect((before[i]?.at ?? 0) - (before[i - 1]?.at ?? 0)).toBeGreaterThan(30);
    }
    const untried = (await sender.deliveries()).filter(({ attempts }) => attempts.length === 0);
    expect(untried.length).toBeGreaterThan(40);
    expect(await healthOf(sender)).toMatchObject({ since: expect.any(Number), disabling: null });
    await receiver.answers("200");
    const settled = await sender.settled(60);
    expect(settled.every(({ status }) => status === "delivered")).toBe(true);
    expect(new Set(idsOf(await receiver.received()))).toEqual(new Set(ids));
    expect(await healthOf(sender)).toBeNull();
  });

  it("is probed first after 5 seconds, though several calls failed at once", async () => {
    const { campaign, receiver, sender } = await newWorld("500");
    await logEvents(campaign, 20);
    await sender.wake();
    await expect.poll(() => countOf(receiver)).toBeGreaterThan(6);
    await scheduler.wait(300);
    const { restsUntil = 0, failedAt = 0 } = (await healthOf(sender)) ?? {};
    expect(restsUntil - failedAt).toBeGreaterThan(3_000);
    expect(restsUntil - failedAt).toBeLessThan(12_500);
  });

  it("is disabled when it failed for 5 days, and goes on when it is enabled", async () => {
    const { campaign, receiver, sender } = await newWorld("500");
    await logEvents(campaign, 1);
    await sender.wake();
    await expect.poll(() => healthOf(sender)).not.toBeNull();
    const age = (days: number) =>
      sender.inStorage(({ storage }) => {
        const health = storage.kv.get<Health>("health");
        storage.kv.put("health", { ...health, since: Date.now() - days * DAY_MS });
      });
    await age(4.9);
    await logEvents(campaign, 1);
    await sender.wake();
    await expect.poll(() => countOf(receiver)).toBe(2);
    await age(5.1);
    await logEvents(campaign, 1);
    await sender.wake();
    await expect
      .poll(() => endpointInD1(sender.endpointId))
      .toMatchObject({ status: "disabled", disabled_reason: "failing" });
    expect(await countOf(receiver)).toBe(3);
    // Nothing is sent and nothing taken in meanwhile.
    await logEvents(campaign, 2);
    await sender.wake();
    await scheduler.wait(300);
    expect([await countOf(receiver), (await sender.deliveries()).length]).toEqual([3, 3]);
    await receiver.answers("200");
    await setInD1(sender.endpointId, ENABLED);
    await sender.wake();
    // And that it was disabled.
    await sender.settled(6);
    expect(await endpointInD1(sender.endpointId)).toMatchObject({ status: "enabled" });
  });

  it.each(["before", "after"] as const)(
    "is disabled at once by a 410, also when D1 fails (%s)",
    async (when) => {
      const { campaign, receiver, sender } = await newWorld("410");
      await sender.breakD1([{ when, sql: /update "webhook_endpoints"/, times: 1 }]);
      await logEvents(campaign, 1);
      await sender.wake();
      await expect.poll(() => countOf(receiver)).toBe(1);
      await logEvents(campaign, 3);
      await sender.wake();
      await expect
        .poll(() => endpointInD1(sender.endpointId), { timeout: 5_000 })
        .toMatchObject({ status: "disabled", disabled_reason: "gone" });
      await scheduler.wait(100);
      expect(await countOf(receiver)).toBe(1);
      expect(await sender.statuses()).toEqual(["pending"]);
      await receiver.answers("200");
      await setInD1(sender.endpointId, ENABLED);
      await sender.wake();
      const [first] = await sender.deliveries();
      await sender.retry(first?.number ?? 0);
      await sender.settled(5);
    },
  );

  it("begins anew at another address, whatever the old one answered", async () => {
    const { campaign, receiver, sender } = await newWorld("410");
    await sender.breakD1([{ when: "before", sql: /update "webhook_endpoints"/, times: 1 }]);
    await logEvents(campaign, 1);
    await sender.wake();
    await expect.poll(() => healthOf(sender)).toMatchObject({ disabling: { reason: "gone" } });
    const other = await Receiver.thatAnswers("200");
    await setInD1(sender.endpointId, `url = '${other.url}'`);
    await logEvents(campaign, 1);
    await sender.wake();
    await sender.settled(2);
    expect(await endpointInD1(sender.endpointId)).toMatchObject({ status: "enabled" });
    expect([await countOf(receiver), await countOf(other)]).toEqual([1, 2]);
  });

  it("is not disabled by failures before it was disabled and enabled", async () => {
    const { campaign, receiver, sender } = await newWorld("500");
    await logEvents(campaign, 1);
    await sender.wake();
    await expect.poll(() => healthOf(sender)).not.toBeNull();
    const disabled = "status = 'disabled', disabled_reason = 'requested', disabled_at = 1";
    await setInD1(sender.endpointId, disabled);
    await sender.wake();
    await expect.poll(() => healthOf(sender)).toBeNull();
    expect(await countOf(receiver)).toBe(1);
  });
});

describe("an endpoint that takes some and refuses others", () => {
  it("gets what it takes, though what it refuses is due again and again", async () => {
    const { brand, campaign: refused, receiver, sender } = await newWorld("200");
    const campaign = await api.newCampaign(brand, 0);
    await receiver.answers(`refuse~${refused}`);
    // Probes after 50 ms up to 3 s; refused ones are due again after 50 ms, 3 s, 18 s.
    await sender.hurry(100);
    await logEvents(refused, 12);
    const ids = await logEvents(campaign, 20);
    await sender.wake();
    await expect
      .poll(async () => new Set(idsOf(await receiver.received())), { timeout: 15_000 })
      .toEqual(new Set([...ids, ...(await idsOfCampaign(brand, refused))]));
  });

  it("is left alone for as long as it asked, though an earlier call is answered meanwhile", async () => {
    const { campaign, receiver, sender } = await newWorld("hold", "429~3", "200");
    await logEvents(campaign, 2);
    await sender.wake();
    await expect.poll(() => healthOf(sender)).not.toBeNull();
    await receiver.release();
    await expect.poll(() => sender.statuses()).toContain("delivered");
    await logEvents(campaign, 1);
    await sender.wake();
    await expect.poll(() => countOf(receiver), { timeout: 10_000 }).toBe(3);
    const received = await receiver.received();
    expect((received[2]?.at ?? 0) - (received[1]?.at ?? 0)).toBeGreaterThanOrEqual(2_950);
    await sender.settled(3);
    expect(await healthOf(sender)).toBeNull();
  });

  it("gets first what somebody asked to be sent again, though others have waited longer", async () => {
    const { campaign, receiver, sender } = await newWorld("500");
    const ids = await logEvents(campaign, 20);
    await sender.wake();
    await expect.poll(async () => (await healthOf(sender))?.failures ?? 0).toBeGreaterThan(4);
    await expect.poll(async () => (await receiver.state()).open).toBe(0);
    await sender.inStorage(({ storage }) => {
      storage.sql.exec("UPDATE deliveries SET due_at = due_at - 60000 WHERE due_at IS NOT NULL");
    });
    const count = await countOf(receiver);
    const [last] = (await sender.deliveries()).slice(-1);
    await sender.retry(last?.number ?? 0);
    await expect.poll(() => countOf(receiver)).toBe(count + 1);
    expect(idsOf(await receiver.received()).at(-1)).toBe(ids.at(-1));
  });
});

describe("an endpoint that was disabled beside one that cannot be reached", () => {
  it("stays enabled when it is enabled again", async () => {
    const { brand, campaign, receiver, sender } = await newWorld("410", "200");
    const sibling = await newEndpoint(brand, receiver.url, { events: ["batch.completed"] });
    const getByName = (id: string) => {
      if (id === sibling.id) throw new Error("The object does not answer");
      return env.WEBHOOK_SENDER.getByName(id);
    };
    await sender.tune({ WEBHOOK_SENDER: { getByName } });
    await logEvents(campaign, 1);
    await sender.wake();
    await expect.poll(() => endpointInD1(sender.endpointId)).toMatchObject({ status: "disabled" });
    await scheduler.wait(200);
    await setInD1(sender.endpointId, ENABLED);
    await sender.wake();
    // And that it was disabled.
    await expect.poll(async () => (await sender.deliveries()).length).toBe(2);
    expect(await endpointInD1(sender.endpointId)).toMatchObject({ status: "enabled" });
  });
});

describe("an endpoint at a refused address", () => {
  it("is not called, and its deliveries say why", async () => {
    const { campaign, receiver, sender } = await newWorld("200");
    await sender.tune({ LOOPBACK_TARGETS: "refused" });
    await logEvents(campaign, 1);
    await sender.wake();
    await expect
      .poll(() => sender.deliveries())
      .toMatchObject([{ status: "pending", attempts: [{ error: "refused-target" }] }]);
    expect(await countOf(receiver)).toBe(0);
  });
});

describe("an endpoint of a suspended brand", () => {
  it("is sent nothing meanwhile, and everything afterwards", async () => {
    const { brand, campaign, receiver, sender } = await newWorld("200");
    await api.operator(`PATCH /v1/brands/${brand.id}`, { status: "suspended" });
    await logEvents(campaign, 2);
    await sender.wake();
    await scheduler.wait(300);
    expect([await countOf(receiver), await sender.deliveries()]).toEqual([0, []]);
    // In case no word of it came.
    expect(((await sender.alarmAt()) ?? 0) - Date.now()).toBeGreaterThan(300_000);
    await api.operator(`PATCH /v1/brands/${brand.id}`, { status: "active" });
    await sender.settled(2);
  });
});

describe("a test of an endpoint", () => {
  it("is sent at once and once, and kept as a delivery", async () => {
    const { receiver, sender } = await newWorld("200");
    const delivery = await sender.ping();
    expect(delivery).toMatchObject({ type: "webhook.test", status: "delivered" });
    expect(delivery?.attempts).toMatchObject([{ status: 200 }]);
    const [sent] = await receiver.received();
    expect(JSON.parse(sent?.body ?? "")).toEqual({
      id: delivery?.eventId,
      type: "webhook.test",
      timestamp: expect.stringMatching(/^20\d\d-.*Z$/),
      campaign_id: null,
      sequence: null,
      data: { endpoint_id: sender.endpointId },
    });
    expect(sent?.headers["webhook-id"]).toBe(delivery?.eventId);
    expect(await sender.deliveries()).toEqual([delivery]);
  });

  it("that fails is not repeated, and says nothing of the endpoint", async () => {
    const { receiver, sender } = await newWorld("410");
    for (let i = 0; i < 6; i++) {
      expect(await sender.ping()).toMatchObject({ status: "failed", attempts: [{ status: 410 }] });
    }
    await scheduler.wait(200);
    expect([await countOf(receiver), await healthOf(sender)]).toEqual([6, null]);
    expect(await endpointInD1(sender.endpointId)).toMatchObject({ status: "enabled" });
    const [first] = await sender.deliveries();
    await receiver.answers("200");
    await sender.retry(first?.number ?? 0);
    await expect.poll(async () => (await sender.statuses())[0]).toBe("delivered");
    const received = await receiver.received();
    expect(received.at(-1)?.body).toBe(received[0]?.body);
  });

  it("reaches a disabled endpoint, and opens one that was failing", async () => {
    const { campaign, receiver, sender } = await newWorld("500");
    const ids = await logEvents(campaign, 20);
    await sender.wake();
    await expect.poll(async () => (await healthOf(sender))?.failures ?? 0).toBeGreaterThan(4);
    await receiver.answers("200");
    await sender.ping();
    await expect
      .poll(async () => new Set(idsOf(await receiver.received()).slice(-15)).size)
      .toBeGreaterThan(8);
    await setInD1(
      sender.endpointId,
      "status = 'disabled', disabled_reason = 'requested', disabled_at = 1",
    );
    expect(await sender.ping()).toMatchObject({ status: "delivered" });
    expect(ids.length).toBe(20);
  });
});

describe("an endpoint that is deleted", () => {
  it("leaves nothing behind in its object, by word or by itself", async () => {
    for (const how of ["word", "alarm"]) {
      const { campaign, sender } = await newWorld("200");
      await logEvents(campaign, 2);
      await sender.wake();
      await sender.settled(2);
      await env.DB.prepare("DELETE FROM webhook_endpoints WHERE id = ?")
        .bind(sender.endpointId)
        .run();
      if (how === "word") await callSender(env, sender.endpointId, (stub) => stub.forget());
      else await sender.wake();
      const left = () =>
        sender.inStorage(async ({ storage }) => ({
          tables: storage.sql
            .exec("SELECT name FROM sqlite_master WHERE name LIKE 'deliveries%'")
            .toArray(),
          keys: [...storage.kv.list()],
          alarm: await storage.getAlarm(),
        }));
      await expect.poll(left).toEqual({ tables: [], keys: [], alarm: null });
      expect(await sender.deliveries()).toEqual([]);
      expect(await sender.retry(1)).toBeNull();
      expect(await sender.ping()).toBeNull();
      expect(await left()).toEqual({ tables: [], keys: [], alarm: null });
    }
  });

  it("is sent nothing more, not even what was about to be sent", async () => {
    const { campaign, receiver, sender } = await newWorld("hold");
    await logEvents(campaign, 20);
    await sender.wake();
    await expect.poll(async () => (await receiver.state()).open).toBe(6);
    await env.DB.prepare("DELETE FROM webhook_endpoints WHERE id = ?")
      .bind(sender.endpointId)
      .run();
    await callSender(env, sender.endpointId, (stub) => stub.forget());
    await receiver.answers("200");
    await receiver.release();
    await scheduler.wait(300);
    expect(await countOf(receiver)).toBe(6);
  });

  it("is not brought back by an attempt that ends later", async () => {
    for (const how of ["delivery", "test"]) {
      const { campaign, receiver, sender } = await newWorld("hold");
      await logEvents(campaign, 1);
      const under = how === "test" ? sender.ping() : sender.wake();
      await expect.poll(async () => (await receiver.state()).open).toBe(1);
      await env.DB.prepare("DELETE FROM webhook_endpoints WHERE id = ?")
        .bind(sender.endpointId)
        .run();
      await callSender(env, sender.endpointId, (stub) => stub.forget());
      await receiver.release();
      await under;
      await expect.poll(async () => (await receiver.state()).open).toBe(0);
      await scheduler.wait(100);
      const tables = await sender.inStorage(({ storage }) =>
        storage.sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'deliveries%'").toArray(),
      );
      expect([how, tables]).toEqual([how, []]);
    }
  });
});

describe("deliveries that ended", () => {
  it("are deleted after 30 days also where the endpoint is disabled", async () => {
    const { campaign, sender } = await newWorld("200");
    await logEvents(campaign, 1);
    await sender.wake();
    await sender.settled(1);
    await sender.inStorage(({ storage }) => {
      storage.sql.exec("UPDATE deliveries SET number = number - ?", 31 * DAY_MS * 1_024);
    });
    await sender.evict();
    const disabled = "status = 'disabled', disabled_reason = 'requested', disabled_at = 1";
    await setInD1(sender.endpointId, disabled);
    await sender.wake();
    await expect.poll(() => sender.deliveries()).toEqual([]);
  });

  it("are deleted after 30 days, and those still pending are not", async () => {
    const { campaign, sender } = await newWorld("200");
    await logEvents(campaign, 3);
    await sender.wake();
    await sender.settled(3);
    const day = DAY_MS * 1_024;
    await sender.inStorage(({ storage }) => {
      const move = "UPDATE deliveries SET number = number - ?";
      storage.sql.exec(`${move} WHERE sequence = 1`, 31 * day);
      storage.sql.exec(`${move} WHERE sequence = 2`, 29 * day);
      storage.sql.exec(
        `${move}, status = 'pending', due_at = ? WHERE sequence = 3`,
        32 * day,
        Date.now() + DAY_MS,
      );
    });
    // What was looked for an hour ago is not looked for again.
    await sender.evict();
    await sender.wake();
    await expect
      .poll(async () => (await sender.deliveries()).map(({ sequence }) => sequence))
      .toEqual([3, 2]);
    const alarmAt = (await sender.alarmAt()) ?? 0;
    expect(Math.abs(alarmAt - Date.now() - DAY_MS)).toBeLessThan(60_000);
  });
});
