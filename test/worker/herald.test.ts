import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { listUntold } from "../../src/db/campaign-clock.ts";
import { newId } from "../../src/db/new-id.ts";
import type { Herald } from "../../src/herald/herald.ts";
import { newSecretKey } from "../support/brand-key.ts";
import { unique, type Brand } from "../support/api.ts";
import { faultyD1, type Fault } from "../support/faulty-d1.ts";
import { interceptedD1 } from "../support/intercepted-d1.ts";
import { apiWith } from "../support/watched-api.ts";
import { api } from "../support/worker-api.ts";

interface EventBody {
  id: string;
  type: string;
  timestamp: string;
  campaign_id: string;
  sequence: number;
  data: { starts_at?: string; ended_at?: string; reason?: string };
}

const HOUR_MS = 3_600_000;
const TELL = /INSERT INTO "event_runs"/i;
const iso = (ms: number) => new Date(ms).toISOString();
const heraldOf = (brand: Brand) => env.HERALD.getByName(brand.id);

const eventsOf = (brand: Brand, campaign: string) =>
  api.listAll<EventBody>(brand.secret, `/v1/events?campaign_id=${campaign}`);

/** What was told of a campaign: types with their times. */
async function told(brand: Brand, campaign: string): Promise<string[]> {
  const events = await eventsOf(brand, campaign);
  return events.map(({ type, data }) =>
    type === "campaign.started"
      ? `started ${data.starts_at}`
      : `ended ${data.ended_at} by ${data.reason}`,
  );
}

/** Until so many events are told, whoever makes the herald look. */
async function untilTold(brand: Brand, campaign: string, count = 1): Promise<EventBody[]> {
  for (;;) {
    const events = await eventsOf(brand, campaign);
    if (events.length >= count) return events;
    await scheduler.wait(20);
  }
}

const alarmOf = (brand: Brand) =>
  runInDurableObject(heraldOf(brand), (_herald, { storage }) => storage.getAlarm());

/** Several looks, one after the other and at once. */
async function lookOften(brand: Brand): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await heraldOf(brand).look();
    await runDurableObjectAlarm(heraldOf(brand));
  }
  await runInDurableObject(heraldOf(brand), async (herald: Herald) => {
    await Promise.all([herald.alarm(), herald.alarm(), herald.alarm()]);
  });
}

async function breakD1(brand: Brand, faults: Fault[]): Promise<void> {
  await runInDurableObject(heraldOf(brand), (herald) => {
    Object.assign(herald, { env: { ...env, DB: faultyD1(env.DB, faults) } });
  });
}

const patch = (brand: Brand, campaign: string, fields: object) =>
  api.send(brand.secret, `PATCH /v1/campaigns/${campaign}`, fields);
const end = (brand: Brand, campaign: string, caller = api) =>
  caller.send(brand.secret, `POST /v1/campaigns/${campaign}/end`);

/** An API that counts the calls to heralds. */
function watchingApi() {
  const calls = { heralds: 0 };
  const HERALD = new Proxy(env.HERALD, {
    get(heralds, property) {
      if (property === "getByName") calls.heralds += 1;
      const value: unknown = Reflect.get(heralds, property);
      return typeof value === "function" ? (value.bind(heralds) as unknown) : value;
    },
  });
  return { watched: apiWith({ HERALD }), calls };
}

describe("a campaign's window", () => {
  it("is told when it opens and when it closes, never before, though nobody calls", async () => {
    const brand = await api.newBrand();
    const [startsAt, endsAt] = [Date.now() + 700, Date.now() + 1_700];
    const window = { starts_at: iso(startsAt), ends_at: iso(endsAt) };
    const campaign = await api.newCampaign(brand, 0, window);
    for (const [count, at] of [
      [1, startsAt],
      [2, endsAt],
    ] as const) {
      await untilTold(brand, campaign, count);
      expect(Date.now()).toBeGreaterThanOrEqual(at);
    }
    const events = await eventsOf(brand, campaign);
    expect(events).toEqual([
      {
        id: expect.stringMatching(/^evt_[0-9a-z]{27}$/),
        type: "campaign.started",
        timestamp: window.starts_at,
        campaign_id: campaign,
        sequence: 1,
        data: { starts_at: window.starts_at },
      },
      {
        id: expect.stringMatching(/^evt_[0-9a-z]{27}$/),
        type: "campaign.ended",
        timestamp: window.ends_at,
        campaign_id: campaign,
        sequence: 2,
        data: { ended_at: window.ends_at, reason: "time" },
      },
    ]);
    await lookOften(brand);
    expect((await eventsOf(brand, campaign)).length).toBe(2);
  });

  it("is not told before its time, however often somebody looks, who then waits for it", async () => {
    const brand = await api.newBrand();
    const startsAt = Date.now() + HOUR_MS;
    const campaign = await api.newCampaign(brand, 0, { starts_at: iso(startsAt) });
    await lookOften(brand);
    expect(await told(brand, campaign)).toEqual([]);
    // Nothing is expected any more, so the next thing is the start.
    await runInDurableObject(heraldOf(brand), async (herald: Herald, { storage }) => {
      storage.kv.put("lookAgainAt", 0);
      await storage.deleteAlarm();
      await herald.alarm();
      expect(await storage.getAlarm()).toBe(startsAt);
    });
  });

  it("is told by its own alarm again and again, one time after the other", async () => {
    const brand = await api.newBrand();
    const times = [400, 800, 1_200].map((ms) => iso(Date.now() + ms));
    const campaigns = await Promise.all(
      times.map((time) => api.newCampaign(brand, 0, { starts_at: time })),
    );
    for (const [i, campaign] of campaigns.entries()) {
      await untilTold(brand, campaign);
      expect(await told(brand, campaign)).toEqual([`started ${times[i]}`]);
    }
  });

  it("is told at once where it opened before the campaign was made", async () => {
    const brand = await api.newBrand();
    for (const time of ["2020-02-02T00:00:00.000Z", "0001-01-01T00:00:00.000Z", iso(Date.now())]) {
      const campaign = await api.newCampaign(brand, 0, { starts_at: time });
      const [event] = await untilTold(brand, campaign);
      expect(event).toMatchObject({ type: "campaign.started", data: { starts_at: time } });
      // Nothing happens to a campaign before it is there.
      const { body } = await api.send(brand.secret, `GET /v1/campaigns/${campaign}`);
      expect(event?.timestamp).toBe(body["created_at"]);
    }
  });

  it("that closed before it was made is told as closed, and never as open", async () => {
    const brand = await api.newBrand();
    const window = { starts_at: "2020-01-01T00:00:00.000Z", ends_at: "2020-02-01T00:00:00.000Z" };
    const campaign = await api.newCampaign(brand, 0, window);
    await untilTold(brand, campaign);
    await lookOften(brand);
    expect(await told(brand, campaign)).toEqual([`ended ${window.ends_at} by time`]);
    await patch(brand, campaign, { starts_at: "2020-01-15T00:00:00Z" });
    await lookOften(brand);
    expect((await told(brand, campaign)).length).toBe(1);
    // Now it is open.
    await patch(brand, campaign, { ends_at: null });
    await untilTold(brand, campaign, 2);
    expect((await told(brand, campaign)).at(1)).toBe("started 2020-01-15T00:00:00.000Z");
  });

  it("is told of a paused campaign too, and of none that has no times", async () => {
    const brand = await api.newBrand();
    const startsAt = iso(Date.now() + 500);
    const paused = await api.newCampaign(brand, 0, { starts_at: startsAt });
    const plain = await api.newCampaign(brand, 0);
    await api.send(brand.secret, `POST /v1/campaigns/${paused}/pause`);
    await untilTold(brand, paused);
    await api.send(brand.secret, `POST /v1/campaigns/${paused}/resume`);
    await lookOften(brand);
    expect(await told(brand, paused)).toEqual([`started ${startsAt}`]);
    expect(await told(brand, plain)).toEqual([]);
  });

  it("is told of test campaigns to who may see them, and is nothing to another brand", async () => {
    const [brand, other] = [await api.newBrand(), await api.newBrand()];
    const startsAt = iso(Date.now() + 300);
    const test = await api.newCampaign(brand, 0, { mode: "test", starts_at: startsAt });
    const later = iso(Date.now() + HOUR_MS);
    const theirs = await api.newCampaign(other, 0, { starts_at: later });
    await untilTold(brand, test);
    const tester = { ...brand, secret: await newSecretKey(brand.id, "test") };
    expect(await told(tester, test)).toEqual([`started ${startsAt}`]);
    // Another's herald looks for its own brand only.
    const due = await api.newCampaign(brand, 0);
    await env.DB.prepare("UPDATE campaigns SET ends_at = 5 WHERE id = ?").bind(due).run();
    await lookOften(other);
    expect(await told(brand, due)).toEqual([]);
    expect(await api.listAll(other.secret, "/v1/events")).toEqual([]);
    expect(await told(other, theirs)).toEqual([]);
  });
});

describe("a window that is moved", () => {
  it("later is told at its new time only, and earlier is told earlier", async () => {
    const brand = await api.newBrand();
    const other = await api.newBrand();
    const soon = iso(Date.now() + 1_500);
    const campaign = await api.newCampaign(brand, 0, { starts_at: soon });
    const early = await api.newCampaign(other, 0, { starts_at: iso(Date.now() + HOUR_MS) });
    // Nobody would look before that hour is over.
    await runInDurableObject(heraldOf(other), async (herald: Herald, { storage }) => {
      storage.kv.put("lookAgainAt", 0);
      await storage.deleteAlarm();
      await herald.alarm();
    });
    const later = iso(Date.now() + 2_500);
    await patch(brand, campaign, { starts_at: later });
    await patch(other, early, { starts_at: soon });
    await Promise.all([untilTold(brand, campaign), untilTold(other, early)]);
    expect(await told(brand, campaign)).toEqual([`started ${later}`]);
    expect(await told(other, early)).toEqual([`started ${soon}`]);
  });

  it("after it was told is told again, and with the same time it is not", async () => {
    const brand = await api.newBrand();
    const first = iso(Date.now() + 200);
    const campaign = await api.newCampaign(brand, 0, { ends_at: first });
    await untilTold(brand, campaign);
    const second = iso(Date.now() + 700);
    await patch(brand, campaign, { ends_at: second });
    await patch(brand, campaign, { ends_at: second, name: "Again" });
    await untilTold(brand, campaign, 2);
    await patch(brand, campaign, { ends_at: null });
    await patch(brand, campaign, { ends_at: second });
    await patch(brand, campaign, { ends_at: first });
    await lookOften(brand);
    expect(await told(brand, campaign)).toEqual([
      `ended ${first} by time`,
      `ended ${second} by time`,
    ]);
  });

  it("is told of a time that had come, though nobody had looked before it was moved", async () => {
    const brand = await api.newBrand();
    await breakD1(brand, [{ when: "before", sql: /./, times: 1_000 }]);
    const first = iso(Date.now() + 200);
    const campaign = await api.newCampaign(brand, 0, { starts_at: first });
    await scheduler.wait(300);
    const second = iso(Date.now() + HOUR_MS);
    await patch(brand, campaign, { starts_at: second });
    await breakD1(brand, []);
    await lookOften(brand);
    expect(await told(brand, campaign)).toEqual([`started ${first}`]);
  });

  it("is told no more once it is taken away", async () => {
    const brand = await api.newBrand();
    const window = { starts_at: iso(Date.now() + 1_500), ends_at: iso(Date.now() + 1_600) };
    const campaign = await api.newCampaign(brand, 0, window);
    await patch(brand, campaign, { starts_at: null, ends_at: null });
    await scheduler.wait(1_800);
    await lookOften(brand);
    expect(await told(brand, campaign)).toEqual([]);
  });

  it("to the end of time lets the alarm look in between, for no clock reaches that far", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0, { ends_at: "9999-12-31T23:59:59.999Z" });
    await runInDurableObject(heraldOf(brand), async (herald: Herald, { storage }) => {
      storage.kv.put("lookAgainAt", 0);
      await storage.deleteAlarm();
      await herald.alarm();
      const days = (((await storage.getAlarm()) ?? 0) - Date.now()) / (24 * HOUR_MS);
      expect(days).toBeGreaterThan(29);
      expect(days).toBeLessThanOrEqual(30);
    });
    expect(await told(brand, campaign)).toEqual([]);
  });
});

describe("a campaign that is ended by request", () => {
  it("is told so with the answer, once, and never again by its times", async () => {
    const brand = await api.newBrand();
    const [startsAt, endsAt] = [iso(Date.now() + 1_900), iso(Date.now() + 2_000)];
    const campaign = await api.newCampaign(brand, 0, { starts_at: startsAt, ends_at: endsAt });
    const before = Date.now();
    expect((await end(brand, campaign)).status).toBe(200);
    const [event, ...more] = await eventsOf(brand, campaign);
    expect(event).toMatchObject({ type: "campaign.ended", data: { reason: "request" } });
    expect(event?.data.ended_at).toBe(event?.timestamp);
    expect(Date.parse(event?.timestamp ?? "")).toBeGreaterThanOrEqual(before);
    await end(brand, campaign);
    await patch(brand, campaign, { ends_at: iso(Date.now() + 2_100) });
    await scheduler.wait(2_200);
    await lookOften(brand);
    expect([...more, ...(await eventsOf(brand, campaign))]).toEqual([event]);
  });

  it("is told once when many end it at once, or the answer is lost", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const answers = await Promise.all(Array.from({ length: 8 }, () => end(brand, campaign)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect((await eventsOf(brand, campaign)).length).toBe(1);
    for (const when of ["before", "after"] as const) {
      const other = await api.newCampaign(brand, 0);
      const DB = faultyD1(env.DB, [{ when, sql: /INSERT INTO "audit_log"/i, times: 1 }]);
      const answer = await end(brand, other, apiWith({ DB }));
      expect([when, answer.status]).toEqual([when, when === "after" ? 200 : 503]);
      expect((await eventsOf(brand, other)).length).toBe(when === "after" ? 1 : 0);
      expect((await end(brand, other)).status).toBe(200);
      expect((await eventsOf(brand, other)).length).toBe(1);
    }
  });

  it("is not told again when its time had ended it, told or not", async () => {
    const brand = await api.newBrand();
    const first = iso(Date.now() + 200);
    const seen = await api.newCampaign(brand, 0, { ends_at: first });
    await untilTold(brand, seen);
    await end(brand, seen);
    await breakD1(brand, [{ when: "before", sql: /./, times: 1_000 }]);
    const window = { starts_at: iso(Date.now() + 100), ends_at: iso(Date.now() + 200) };
    const unseen = await api.newCampaign(brand, 0, window);
    await scheduler.wait(300);
    await end(brand, unseen);
    await breakD1(brand, []);
    await lookOften(brand);
    expect(await told(brand, seen)).toEqual([`ended ${first} by time`]);
    expect(await told(brand, unseen)).toEqual([
      `started ${window.starts_at}`,
      `ended ${window.ends_at} by time`,
    ]);
  });

  it("is told as started before, though nobody had looked, and again after it was revived", async () => {
    const brand = await api.newBrand();
    await breakD1(brand, [{ when: "before", sql: /./, times: 1_000 }]);
    const startsAt = iso(Date.now() + 100);
    const campaign = await api.newCampaign(brand, 0, { starts_at: startsAt });
    await scheduler.wait(200);
    await end(brand, campaign);
    const types = (await eventsOf(brand, campaign)).map(({ type }) => type);
    expect(types).toEqual(["campaign.started", "campaign.ended"]);
    await breakD1(brand, []);
    const first = iso(Date.now());
    const revived = await api.newCampaign(brand, 0, { ends_at: first });
    await untilTold(brand, revived);
    await patch(brand, revived, { ends_at: null });
    await end(brand, revived);
    const reasons = (await eventsOf(brand, revived)).map(({ data }) => data.reason);
    expect(reasons).toEqual(["time", "request"]);
    await lookOften(brand);
    expect((await eventsOf(brand, campaign)).length).toBe(2);
  });
});

describe("a herald", () => {
  for (const when of ["before", "after"] as const) {
    it(`tells once though D1 fails ${when} it was written, and goes on by itself`, async () => {
      const brand = await api.newBrand();
      const faults: Fault[] = [{ when, sql: TELL, times: 1 }];
      await breakD1(brand, faults);
      const startsAt = iso(Date.now() + 100);
      const campaign = await api.newCampaign(brand, 0, { starts_at: startsAt });
      while (faults[0]?.times !== 0) await scheduler.wait(10);
      await untilTold(brand, campaign);
      await lookOften(brand);
      expect(await told(brand, campaign)).toEqual([`started ${startsAt}`]);
      expect(await listUntold(env.DB, brand.id, 10)).toEqual([]);
    });
  }

  it("tells once though it looks several times at once", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    await env.DB.prepare("UPDATE campaigns SET starts_at = 5, ends_at = ? WHERE id = ?")
      .bind(Date.now() + HOUR_MS, campaign)
      .run();
    await runInDurableObject(heraldOf(brand), async (herald: Herald, { storage }) => {
      storage.kv.put("brand", brand.id);
      await Promise.all(Array.from({ length: 5 }, () => herald.alarm()));
    });
    expect((await told(brand, campaign)).length).toBe(1);
  });

  it("tells the end of a campaign for which D1 was away, when it is back", async () => {
    const brand = await api.newBrand();
    const faults: Fault[] = [{ when: "before", sql: /./, times: 1_000 }];
    await breakD1(brand, faults);
    const endsAt = iso(Date.now() + 200);
    const campaign = await api.newCampaign(brand, 0, { ends_at: endsAt });
    for (let i = 0; i < 8; i++) await runDurableObjectAlarm(heraldOf(brand));
    expect(await told(brand, campaign)).toEqual([]);
    // However long it was away, somebody looks again within a minute.
    expect(await alarmOf(brand)).toBeLessThanOrEqual(Date.now() + 60_000);
    faults.length = 0;
    await scheduler.wait(200);
    await runDurableObjectAlarm(heraldOf(brand));
    expect(await told(brand, campaign)).toEqual([`ended ${endsAt} by time`]);
  });

  it("that was evicted tells by its alarm", async () => {
    const brand = await api.newBrand();
    const startsAt = iso(Date.now() + 500);
    const campaign = await api.newCampaign(brand, 0, { starts_at: startsAt });
    await evictDurableObject(heraldOf(brand));
    await untilTold(brand, campaign);
    await evictDurableObject(heraldOf(brand));
    await lookOften(brand);
    expect(await told(brand, campaign)).toEqual([`started ${startsAt}`]);
  });

  it("looks by itself when who made a change does not come back to say so", async () => {
    const brand = await api.newBrand();
    const dying = {
      expect: () => heraldOf(brand).expect(brand.id),
      look: () => Promise.reject(new Error("the caller is gone")),
    };
    const HERALD = { getByName: () => dying } as unknown as Env["HERALD"];
    const fields = { name: unique("c"), starts_at: iso(Date.now()) };
    const made = await apiWith({ HERALD }).send(brand.secret, "POST /v1/campaigns", fields);
    expect(made.status).toBe(201);
    await untilTold(brand, String(made.body["id"]));
  });

  it("looks once more for a change that took effect late, and then sleeps", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const herald = heraldOf(brand);
    await herald.expect(brand.id);
    await runDurableObjectAlarm(herald);
    const again = (await alarmOf(brand)) ?? 0;
    expect(again).toBeGreaterThan(Date.now() + 100_000);
    expect(again).toBeLessThanOrEqual(Date.now() + 240_000);
    await env.DB.prepare("UPDATE campaigns SET starts_at = 5 WHERE id = ?").bind(campaign).run();
    await runDurableObjectAlarm(herald);
    expect((await told(brand, campaign)).length).toBe(1);
    await runInDurableObject(herald, async (instance: Herald, { storage }) => {
      storage.kv.put("lookAgainAt", Date.now());
      await storage.deleteAlarm();
      await instance.alarm();
      expect(await storage.getAlarm()).toBeNull();
    });
  });

  it("is asked before a window is set, which is not set when it cannot be reached", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const busy = () => Promise.reject(Object.assign(new Error("busy"), { overloaded: true }));
    const HERALD = { getByName: () => ({ expect: busy, look: busy }) } as unknown as Env["HERALD"];
    const here = apiWith({ HERALD });
    const time = iso(Date.now() + HOUR_MS);
    for (const [route, body] of [
      ["POST /v1/campaigns", { name: "Late", ends_at: time }],
      [`PATCH /v1/campaigns/${campaign}`, { ends_at: time }],
      [`POST /v1/campaigns/${campaign}/end`, undefined],
    ] as const) {
      const answer = await here.send(brand.secret, route, body);
      expect([route, answer.status]).toEqual([route, 503]);
      expect(answer.body["type"]).toMatch(/pool-overloaded$/);
    }
    const { body } = await api.send(brand.secret, `GET /v1/campaigns/${campaign}`);
    expect([body["status"], body["ends_at"]]).toEqual(["active", null]);
    expect((await api.listAll(brand.secret, "/v1/campaigns")).length).toBe(2);
  });

  it("is left alone by changes that set no time and end nothing", async () => {
    const brand = await api.newBrand();
    const { watched, calls } = watchingApi();
    const campaign = await watched.newCampaign(brand, 1, { mode: "live" });
    const windowed = await api.newCampaign(brand, 0, { ends_at: iso(Date.now() + HOUR_MS) });
    const send = (route: string, body?: object) => watched.send(brand.secret, route, body);
    for (const id of [campaign, windowed]) {
      await send(`PATCH /v1/campaigns/${id}`, { name: "Other" });
      await send(`POST /v1/campaigns/${id}/pause`);
      await send(`POST /v1/campaigns/${id}/resume`);
    }
    await send(`PATCH /v1/campaigns/${campaign}`, { starts_at: null, ends_at: null });
    await watched.claim(brand, campaign, "u-1");
    expect(calls.heralds).toBe(0);
    await send(`PATCH /v1/campaigns/${campaign}`, { ends_at: iso(Date.now() + HOUR_MS) });
    expect(calls.heralds).toBe(2);
    await end(brand, campaign, watched);
    expect(calls.heralds).toBe(4);
  });

  it("tells 1,050 campaigns that start at once, each once, in bounded steps", async () => {
    const brand = await api.newBrand();
    const count = 1_050;
    const startsAt = Date.now() - 1;
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
       INSERT INTO campaigns (id, brand_id, slug, name, mode, status, starts_at, user_key_secret, created_at)
       SELECT 'cmp_' || ?2 || i, ?3, 'many-' || i, 'Many', 'live', 'active', ?4, '', 0 FROM n`,
    )
      .bind(count, newId("campaign"), brand.id, startsAt)
      .run();
    const statements: number[] = [];
    await runInDurableObject(heraldOf(brand), (herald) => {
      const DB = interceptedD1(env.DB, (sql, call) => {
        statements.push(sql.length);
        return call();
      });
      Object.assign(herald, { env: { ...env, DB } });
    });
    await heraldOf(brand).expect(brand.id);
    await heraldOf(brand).look();
    const counted = env.DB.prepare(
      "SELECT count(*) AS n, count(DISTINCT subject_id) AS campaigns, max(position) AS last FROM event_runs WHERE brand_id = ?",
    ).bind(brand.id);
    while ((await counted.first<{ n: number }>())?.n !== count) await scheduler.wait(50);
    await lookOften(brand);
    expect(await counted.first()).toEqual({ n: count, campaigns: count, last: count });
    expect(Math.max(...statements)).toBeLessThanOrEqual(40);
  });
});
