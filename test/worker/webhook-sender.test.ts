/** From the log to the receiver: intake, first attempts, and what survives a crash. */

import { env } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { describe, expect, it, vi } from "vitest";
import { Deliveries } from "../../src/webhooks/deliveries.ts";
import type { Brand } from "../support/api.ts";
import { interceptedD1 } from "../support/intercepted-d1.ts";
import { Receiver } from "../support/receiver.ts";
import { idsOf, logEvents, newEndpoint, newSecret, Sender, setInD1 } from "../support/webhooks.ts";
import { api } from "../support/worker-api.ts";

interface World {
  brand: Brand;
  campaign: string;
  receiver: Receiver;
  endpoint: Awaited<ReturnType<typeof newEndpoint>>;
  sender: Sender;
}

async function newWorld(
  replies: string[] = ["200"],
  fields: Parameters<typeof newEndpoint>[2] = {},
): Promise<World> {
  const brand = await api.newBrand();
  const campaign = await api.newCampaign(brand, 0);
  const receiver = await Receiver.thatAnswers(...replies);
  const endpoint = await newEndpoint(brand, receiver.url, fields);
  return { brand, campaign, receiver, endpoint, sender: new Sender(endpoint) };
}

describe("a sender", () => {
  it("sends each event of the log, signed, as the list of events tells it", async () => {
    const { brand, campaign, receiver, endpoint, sender } = await newWorld();
    const ids = await logEvents(campaign, 8);
    await sender.wake();
    const deliveries = await sender.settled(8);
    const received = await receiver.received();
    expect(idsOf(received).toSorted()).toEqual(ids.toSorted());
    expect(deliveries.map(({ eventId }) => eventId)).toEqual(ids);
    expect(deliveries.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(deliveries.every(({ attempts }) => attempts.length === 1)).toBe(true);
    const told = await api.listAll<{ id: string }>(brand.secret, "/v1/events");
    const webhook = new Webhook(endpoint.secrets[0]?.secret ?? "");
    for (const { body, headers } of received) {
      const event = webhook.verify(body, headers) as { id: string };
      expect(event).toEqual(told.find(({ id }) => id === event.id));
      expect(event.id).toBe(headers["webhook-id"]);
    }
  });

  it("begins its first attempts in order, six at a time at most", async () => {
    const { campaign, receiver, sender } = await newWorld(["hold"]);
    const ids = await logEvents(campaign, 20);
    await sender.wake();
    await expect.poll(async () => (await receiver.state()).open).toBe(6);
    await receiver.answers("200");
    await receiver.release();
    await sender.settled(20);
    const { received, most } = await receiver.state();
    expect(most).toBe(6);
    expect(idsOf(received.slice(0, 6)).toSorted()).toEqual(ids.slice(0, 6).toSorted());
    expect(received.length).toBe(20);
  });

  it("signs with each secret while one is rotated, and reads the address for every round", async () => {
    const [old, fresh] = [newSecret(), newSecret()];
    const lasting = Date.now() + 60_000;
    const secrets = [
      { secret: fresh, expiresAt: null },
      { secret: old, expiresAt: lasting },
      { secret: newSecret(), expiresAt: Date.now() - 1 },
    ];
    const { campaign, receiver, endpoint, sender } = await newWorld(["200"], { secrets });
    await logEvents(campaign, 1);
    await sender.wake();
    await sender.settled(1);
    const [sent] = await receiver.received();
    expect(sent?.headers["webhook-signature"]?.split(" ").length).toBe(2);
    for (const secret of [old, fresh]) {
      expect(new Webhook(secret).verify(sent?.body ?? "", sent?.headers ?? {})).toBeTruthy();
    }
    const other = await Receiver.thatAnswers("200");
    await setInD1(endpoint.id, `url = '${other.url}'`);
    await logEvents(campaign, 1);
    await sender.wake();
    await sender.settled(2);
    expect([(await receiver.received()).length, (await other.received()).length]).toEqual([1, 1]);
  });

  it("logs each attempt without its address, its body or its secret", async () => {
    const { campaign, receiver, endpoint, sender } = await newWorld(["500", "200"]);
    await setInD1(endpoint.id, `url = '${receiver.url}?token=hidden-token'`);
    const lines: unknown[] = [];
    const levels = ["info", "warn"] as const;
    const spies = levels.map((level) =>
      vi.spyOn(console, level).mockImplementation((line) => void lines.push(line)),
    );
    await sender.hurry(1_000);
    await logEvents(campaign, 1);
    await sender.wake();
    await sender.settled(1);
    for (const spy of spies) spy.mockRestore();
    const { host } = new URL(receiver.url);
    const common = { endpoint_id: endpoint.id, event_type: "user.erased", host, error: null };
    expect(lines).toMatchObject([
      { ...common, attempt: 1, status: 500 },
      { ...common, attempt: 2, status: 200 },
    ]);
    expect(JSON.stringify(lines)).not.toMatch(/hidden-token|receiver-|clm_|whsec/);
  });
});

describe("a receiver that repeats what it is told", () => {
  it("leaves nothing of a user with the delivery, so that an erasure is one here, too", async () => {
    const { brand } = await newWorld();
    const campaign = await api.newCampaign(brand, 1, {
      consent: { required: false, text: "Share?", version: "1" },
    });
    const receiver = await Receiver.thatAnswers("echo~200");
    const sender = new Sender(
      await newEndpoint(brand, receiver.url, { events: ["claim.created"] }),
    );
    await api.send(brand.secret, `POST /v1/campaigns/${campaign}/claims`, {
      user: { id: "u-17", email: "zo@x.eu", name: "Zo", attributes: { tier: "gold" } },
      consent: { share_contact: true, version: "1" },
    });
    await sender.settled(1);
    const [sent] = await receiver.received();
    expect(sent?.body).toMatch(/"u-17".*"zo@x\.eu".*"gold"/);
    const [delivery] = await sender.deliveries();
    expect(delivery?.attempts[0]?.answer).toMatch(/"user_id":"…".*"email":"…"/);
    expect(JSON.stringify(delivery)).not.toMatch(/u-17|zo@x|"Zo"|gold/);
  });
});

describe("the intake", () => {
  it("begins behind the events that were there before the endpoint", async () => {
    const { brand, campaign } = await newWorld();
    await logEvents(campaign, 3);
    const receiver = await Receiver.thatAnswers("200");
    const sender = new Sender(await newEndpoint(brand, receiver.url, { fromPosition: 3 }));
    const ids = await logEvents(campaign, 2);
    await sender.wake();
    await sender.settled(2);
    expect(idsOf(await receiver.received()).toSorted()).toEqual(ids.toSorted());
  });

  it("takes each event once, however often and at once it is woken", async () => {
    const { campaign, receiver, sender } = await newWorld();
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      const [logged] = await Promise.all([
        logEvents(campaign, 30),
        ...Array.from({ length: 5 }, () => sender.wake()),
      ]);
      ids.push(...logged);
    }
    await Promise.all(Array.from({ length: 10 }, () => sender.wake()));
    await sender.settled(150);
    expect(idsOf(await receiver.received()).toSorted()).toEqual(ids.toSorted());
  });

  it("takes all or nothing of a step, so a crash neither loses nor doubles", async () => {
    const { campaign, receiver, sender } = await newWorld();
    await logEvents(campaign, 1);
    await sender.wake();
    await sender.settled(1);
    await sender.inStorage(({ storage }) => {
      storage.sql.exec(
        "CREATE TRIGGER fault BEFORE INSERT ON deliveries WHEN NEW.sequence = 3 BEGIN SELECT RAISE(ABORT, 'fault'); END",
      );
    });
    await logEvents(campaign, 3);
    await sender.wake();
    await scheduler.wait(300);
    expect((await sender.deliveries()).length).toBe(1);
    await sender.inStorage(({ storage }) => void storage.sql.exec("DROP TRIGGER fault"));
    await sender.settled(4);
    expect((await receiver.received()).length).toBe(4);
  });

  it("leaves out types and campaigns that the endpoint did not ask for, and other modes", async () => {
    const { brand, campaign } = await newWorld();
    const others = await api.newCampaign(brand, 0);
    const testing = await api.newCampaign(brand, 0, { mode: "test" });
    const rival = await newWorld();
    const of = async (fields: Parameters<typeof newEndpoint>[2]) => {
      const receiver = await Receiver.thatAnswers("200");
      const sender = new Sender(await newEndpoint(brand, receiver.url, fields));
      return { receiver, sender };
    };
    const all = await of({});
    const oneType = await of({ events: ["user.erased"] });
    const oneCampaign = await of({ campaignIds: [others] });
    const both = await of({ campaignIds: [campaign, others], events: ["claim.created"] });
    const test = await of({ mode: "test" });
    // Of each campaign an erasure, a tripped breaker and another erasure.
    const [ours, theirs, tests] = [
      await logEvents(campaign, 3),
      await logEvents(others, 3),
      await logEvents(testing, 3),
    ];
    await logEvents(rival.campaign, 3);
    const expected: [typeof all, string[]][] = [
      [all, [...ours, ...theirs]],
      [oneType, [ours[0], ours[2], theirs[0], theirs[2]].map(String)],
      [oneCampaign, theirs],
      [both, []],
      [test, tests],
    ];
    for (const [{ receiver, sender }, ids] of expected) {
      await sender.wake();
      await sender.settled(ids.length);
      expect(idsOf(await receiver.received()).toSorted()).toEqual(ids.toSorted());
    }
    // What was left out was seen: asking for it later does not bring it.
    await setInD1(oneType.sender.endpointId, "events = NULL");
    const [later] = await logEvents(campaign, 1);
    await oneType.sender.wake();
    await oneType.sender.settled(5);
    expect(idsOf(await oneType.receiver.received()).at(-1)).toBe(later);
  });

  it("leaves the rest in the log while 20,000 are pending", async () => {
    const { campaign, receiver, sender } = await newWorld();
    await sender.ping();
    const far = Date.now() + 3_600_000;
    await sender.inStorage(({ storage }) => {
      storage.sql.exec(
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         INSERT INTO deliveries (number, subject, sequence, type, status, due_at)
         SELECT i, 'cmp_1', i, 'user.erased', 'pending', ? FROM n`,
        far,
      );
    });
    const ids = await logEvents(campaign, 2);
    await sender.wake();
    await scheduler.wait(300);
    expect((await receiver.received()).length).toBe(1);
    await sender.inStorage(({ storage }) => {
      storage.sql.exec("UPDATE deliveries SET status = 'failed', due_at = NULL WHERE number < 11");
    });
    await sender.wake();
    await expect
      .poll(async () => idsOf((await receiver.received()).slice(1)).toSorted())
      .toEqual(ids.toSorted());
  });
});

describe("a sender whose D1 fails", () => {
  it.each(["before", "after", "late"] as const)(
    "tries later, and nothing is lost (%s)",
    async (when) => {
      const { campaign, receiver, sender } = await newWorld();
      const faults = [
        { when, sql: /from "webhook_endpoints"/, times: 1 },
        { when, sql: /from "event_runs"|CROSS JOIN event_runs/, times: 2 },
      ];
      await sender.breakD1(faults);
      const ids = await logEvents(campaign, 4);
      await sender.wake();
      await sender.settled(4);
      expect(idsOf(await receiver.received()).toSorted()).toEqual(ids.toSorted());
      const attempts = (await sender.deliveries()).map((delivery) => delivery.attempts.length);
      expect(attempts).toEqual([1, 1, 1, 1]);
      expect(faults.map(({ times }) => times)).toEqual([0, 0]);
    },
  );

  it("holds up no other campaign when one's events cannot be read", async () => {
    const { brand, campaign, receiver, sender } = await newWorld();
    const bad = await api.newCampaign(brand, 0);
    const badIds = await logEvents(bad, 2);
    const ids = await logEvents(campaign, 2);
    let isBad = true;
    await sender.tune({
      DB: interceptedD1(env.DB, (_sql, call, values) => {
        if (isBad && values.flat().includes(bad)) throw new Error("D1_ERROR: no such luck");
        return call();
      }),
    });
    await sender.wake();
    await expect
      .poll(async () => idsOf(await receiver.received()).toSorted())
      .toEqual(ids.toSorted());
    expect(await sender.statuses()).toEqual(["pending", "pending", "delivered", "delivered"]);
    isBad = false;
    await sender.settled(4);
    expect(
      idsOf(await receiver.received())
        .slice(2)
        .toSorted(),
    ).toEqual(badIds.toSorted());
  });

  it("gives up what the log has no more, with the reason, and sends nothing of it", async () => {
    const { campaign, receiver, sender } = await newWorld();
    const [, kept] = await logEvents(campaign, 2);
    // Read, and then found gone.
    await sender.tune({
      DB: interceptedD1(env.DB, (sql, call, values) => {
        const reads = /CROSS JOIN event_runs/.test(sql.join()) && values.flat().includes(campaign);
        const isFirst = (row: unknown) => JSON.stringify(row).includes("clm_0");
        return call().then((answer) => {
          const { results } = answer as { results: unknown[] };
          if (!reads) return answer;
          return { ...answer, results: results.filter((row) => !isFirst(row)) };
        });
      }),
    });
    await sender.wake();
    const deliveries = await sender.settled(2);
    expect(deliveries).toMatchObject([
      { status: "failed", attempts: [{ status: null, error: "event-gone" }] },
      { status: "delivered" },
    ]);
    expect(idsOf(await receiver.received())).toEqual([kept]);
  });
});

describe("a sender that is evicted in the middle", () => {
  it("sends again what nobody knows to have arrived, under the same id", async () => {
    const { campaign, receiver, sender } = await newWorld(["hold"]);
    const ids = await logEvents(campaign, 9);
    await sender.wake();
    await expect.poll(async () => (await receiver.state()).open).toBe(6);
    await receiver.answers("200");
    await sender.inStorage((state) => state.abort("killed")).catch(() => undefined);
    await sender.wake();
    const deliveries = await sender.settled(9);
    expect(deliveries.map(({ status }) => status)).toEqual(ids.map(() => "delivered"));
    const received = idsOf(await receiver.received());
    expect(new Set(received)).toEqual(new Set(ids));
    expect(received.length).toBe(15);
    expect(deliveries.map(({ attempts }) => attempts.length)).toEqual(ids.map(() => 1));
    await receiver.release();
  });

  it("goes on from its cursor and its deliveries", async () => {
    const { campaign, receiver, sender } = await newWorld(["500", "200"]);
    const ids = await logEvents(campaign, 1);
    await sender.wake();
    await expect.poll(async () => (await receiver.received()).length).toBe(1);
    await sender.evict();
    ids.push(...(await logEvents(campaign, 3)));
    await sender.wake();
    await sender.settled(4);
    const [first, ...rest] = idsOf(await receiver.received());
    expect(rest.toSorted()).toEqual(ids.toSorted());
    expect(first).toBe(ids[0]);
  });
});

describe("a delivery that succeeds at once", () => {
  it("writes two rows, and is found without reading what was delivered before", async () => {
    const { sender } = await newWorld();
    await sender.wake();
    const counts = await sender.inStorage(({ storage }) => {
      let written = 0;
      let read = 0;
      const sql = {
        exec: (...args: Parameters<SqlStorage["exec"]>) => {
          const cursor = storage.sql.exec(...args);
          const rows = cursor.toArray();
          written += cursor.rowsWritten;
          read += cursor.rowsRead;
          return { toArray: () => rows };
        },
      } as unknown as SqlStorage;
      const deliveries = new Deliveries(sql);
      const except = { numbers: [], subjects: [] };
      const attempt = { at: 0, status: 200, error: null, durationMs: 1, answer: null };
      const done = { status: "delivered", dueAt: null, tries: 0, eventId: "evt_1" } as const;
      const run = { subject: "cmp_1", type: "user.erased", firstSequence: 1, count: 100 } as const;
      const cycle = () => {
        deliveries.add(run, Date.now());
        for (;;) {
          const due = deliveries.due(Date.now(), 60, except);
          if (due.length === 0) return;
          for (const { number } of due) deliveries.settle(number, done, attempt);
        }
      };
      cycle();
      [written, read] = [0, 0];
      for (let i = 0; i < 10; i++) cycle();
      return { written, read };
    });
    expect(counts.written).toBe(2_000);
    expect(counts.read).toBeLessThan(20_000);
  });
});
