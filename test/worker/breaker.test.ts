import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { shardLimit } from "../../src/domain/breaker.ts";
import type { Answer, Brand, ClaimBody } from "../support/api.ts";
import { faultyD1, type Fault } from "../support/faulty-d1.ts";
import { api } from "../support/worker-api.ts";

interface CampaignBody {
  status: string;
  max_claims_per_minute: number | null;
  breaker_tripped_at: string | null;
}

interface EventBody {
  type: string;
  sequence: number;
  data: { max_claims_per_minute: number; tripped_at: string };
}

const TRIP = /insert into "event_runs"/;

const poolOf = (campaign: string, shard = 0) => env.CODE_POOL.getByName(`${campaign}/${shard}`);

async function newCampaign(brand: Brand, max: number | null, fields: object = {}) {
  return api.newCampaign(brand, 200, { max_claims_per_minute: max, ...fields });
}

/** Claims for users one after the other: how many got a new code, and the last answer. */
async function claimFor(brand: Brand, campaign: string, names: string[]) {
  const statuses: number[] = [];
  let last: Answer<ClaimBody> | null = null;
  for (const name of names) {
    last = await api.claim(brand, campaign, name);
    statuses.push(last.status);
  }
  return { given: statuses.filter((status) => status === 201).length, statuses, last };
}

const users = (count: number, word = "u") =>
  Array.from({ length: count }, (_, i) => `${word}-${i}`);

const read = async (brand: Brand, campaign: string) =>
  (await api.send<CampaignBody>(brand.secret, `GET /v1/campaigns/${campaign}`)).body;

const setMax = (brand: Brand, campaign: string, max: number | null) =>
  api.send<CampaignBody>(brand.secret, `PATCH /v1/campaigns/${campaign}`, {
    max_claims_per_minute: max,
  });

const resume = (brand: Brand, campaign: string) =>
  api.send<CampaignBody>(brand.secret, `POST /v1/campaigns/${campaign}/resume`);

const trips = (brand: Brand, campaign: string) =>
  api.listAll<EventBody>(
    brand.secret,
    `/v1/events?campaign_id=${campaign}&type=campaign.breaker_tripped`,
  );

function expectTripped(answer: Answer<object> | null): void {
  expect([answer?.status, answer?.body]).toEqual([
    409,
    expect.objectContaining({
      type: expect.stringMatching(/campaign-not-open$/),
      detail: expect.stringMatching(/paused by its breaker/),
    }),
  ]);
}

async function breakD1(campaign: string, faults: Fault[], shard = 0): Promise<void> {
  await runInDurableObject(poolOf(campaign, shard), (pool) => {
    Object.assign(pool, { env: { ...env, DB: faultyD1(env.DB, faults) } });
  });
}

/** Until D1 shows the trip. */
async function told(brand: Brand, campaign: string): Promise<void> {
  while ((await read(brand, campaign)).status !== "paused") {
    await runDurableObjectAlarm(poolOf(campaign));
    await scheduler.wait(20);
  }
}

afterEach(() => {
  vi.useRealTimers();
});

describe("max_claims_per_minute", () => {
  it("lets so many users have a code within a minute and pauses at the next", async () => {
    const brand = await api.newBrand();
    const campaign = await newCampaign(brand, 5);
    const { statuses, last } = await claimFor(brand, campaign, users(8));
    expect(statuses).toEqual([201, 201, 201, 201, 201, 409, 409, 409]);
    expectTripped(last);
    expect(last?.text).toContain("5 codes a minute");
    await told(brand, campaign);
    const {
      status,
      max_claims_per_minute: max,
      breaker_tripped_at: at,
    } = await read(brand, campaign);
    expect([status, max, at]).toEqual(["paused", 5, expect.any(String)]);
    expect(await trips(brand, campaign)).toMatchObject([
      { data: { max_claims_per_minute: 5, tripped_at: at } },
    ]);
    expectTripped(await api.claim(brand, campaign, "late"));
    expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, claimed: 5 });
  });

  it("gives no more than that of 60 claims at once, over any number of pools' turns", async () => {
    const brand = await api.newBrand();
    const campaign = await newCampaign(brand, 20);
    const answers = await Promise.all(users(60).map((user) => api.claim(brand, campaign, user)));
    expect(answers.filter(({ status }) => status === 201).length).toBe(20);
    answers.filter(({ status }) => status !== 201).forEach(expectTripped);
    await told(brand, campaign);
    expect((await trips(brand, campaign)).length).toBe(1);
  });

  it("serves those who hold a code, also where they could have more", async () => {
    const brand = await api.newBrand();
    const campaign = await newCampaign(brand, 3, { claims_per_user: 2 });
    const names = users(3);
    expect((await claimFor(brand, campaign, names)).given).toBe(3);
    // The very claim that trips it, and those that come after.
    const { statuses } = await claimFor(brand, campaign, names);
    expect(statuses).toEqual([200, 200, 200]);
    expectTripped(await api.claim(brand, campaign, "new"));
    await told(brand, campaign);
    expect((await claimFor(brand, campaign, names)).statuses).toEqual([200, 200, 200]);
  });

  it("counts a minute that moves along, to the millisecond", async () => {
    const brand = await api.newBrand();
    const campaign = await newCampaign(brand, 3);
    const start = Date.now() + 1_000;
    const at = async (ms: number, name: string) => {
      vi.setSystemTime(start + ms);
      return (await api.claim(brand, campaign, name)).status;
    };
    expect(await at(0, "a")).toBe(201);
    expect(await at(30_000, "b")).toBe(201);
    expect(await at(59_999, "c")).toBe(201);
    // The first has left the minute just now.
    expect(await at(60_000, "d")).toBe(201);
    expect(await at(90_000, "e")).toBe(201);
    expect(await at(119_998, "f")).toBe(409);
    expect(await at(600_000, "g")).toBe(409);
  });

  it("counts claims, not slots: revoked codes that were passed over are none", async () => {
    const brand = await api.newBrand();
    const campaign = await newCampaign(brand, 6);
    const codes = await api.listAll<{ code: string }>(
      brand.secret,
      `/v1/campaigns/${campaign}/codes`,
    );
    const revoked = codes.filter((_, i) => [1, 2, 4].includes(i)).map(({ code }) => code);
    await api.send(brand.secret, "POST /v1/codes/revoke", { codes: revoked });
    expect((await claimFor(brand, campaign, users(10))).given).toBe(6);
  });

  it("is no limit when it is null, and may be set and taken away", async () => {
    const brand = await api.newBrand();
    const campaign = await newCampaign(brand, null);
    expect((await claimFor(brand, campaign, users(10))).given).toBe(10);
    expect((await setMax(brand, campaign, 12)).body.max_claims_per_minute).toBe(12);
    expect((await claimFor(brand, campaign, users(5, "v"))).given).toBe(2);
    await told(brand, campaign);
    await setMax(brand, campaign, null);
    await resume(brand, campaign);
    expect((await claimFor(brand, campaign, users(9, "w"))).given).toBe(9);
    for (const max of [0, -1, 1.5, 1_000_001, "5"]) {
      const refused = await api.send(brand.secret, `PATCH /v1/campaigns/${campaign}`, {
        max_claims_per_minute: max,
      });
      expect([max, refused.status]).toEqual([max, 422]);
    }
  });

  it("starts anew with resume, and trips again", async () => {
    const brand = await api.newBrand();
    const campaign = await newCampaign(brand, 4);
    expect((await claimFor(brand, campaign, users(6))).given).toBe(4);
    await told(brand, campaign);
    const resumed = await resume(brand, campaign);
    expect([resumed.status, resumed.body]).toEqual([
      200,
      expect.objectContaining({ status: "active", breaker_tripped_at: null }),
    ]);
    expect((await claimFor(brand, campaign, users(6, "v"))).given).toBe(4);
    await told(brand, campaign);
    expect((await trips(brand, campaign)).length).toBe(2);
  });

  it("is also reset when it is resumed before D1 knew of the trip", async () => {
    const brand = await api.newBrand();
    const campaign = await newCampaign(brand, 4);
    await api.claim(brand, campaign, "first");
    await breakD1(campaign, [{ when: "before", sql: TRIP, times: 1_000 }]);
    expect((await claimFor(brand, campaign, users(6))).given).toBe(3);
    await scheduler.wait(5);
    await resume(brand, campaign);
    expect((await claimFor(brand, campaign, users(4, "v"))).given).toBe(4);
    await breakD1(campaign, []);
    await runDurableObjectAlarm(poolOf(campaign));
    expect((await read(brand, campaign)).status).toBe("active");
    expect(await trips(brand, campaign)).toEqual([]);
  });
});

describe("a breaker that tripped", () => {
  for (const when of ["before", "after"] as const) {
    it(`is told to D1 until it knows, when D1 fails ${when} it was written`, async () => {
      const brand = await api.newBrand();
      const campaign = await newCampaign(brand, 3);
      await api.claim(brand, campaign, "first");
      const faults: Fault[] = [{ when, sql: TRIP, times: 3 }];
      await breakD1(campaign, faults);
      expect((await claimFor(brand, campaign, users(5))).given).toBe(2);
      // By its own alarms: nobody claims any more.
      while (faults[0]?.times !== 0) await scheduler.wait(20);
      while (!(await runDurableObjectAlarm(poolOf(campaign)))) await scheduler.wait(20);
      expect((await read(brand, campaign)).status).toBe("paused");
      expectTripped(await api.claim(brand, campaign, "late"));
      expect((await trips(brand, campaign)).length).toBe(1);
      // The alarm has nothing more to tell.
      await runDurableObjectAlarm(poolOf(campaign));
      expect((await trips(brand, campaign)).length).toBe(1);
    });
  }

  it("is tripped still in an object that was evicted, and told by it", async () => {
    const brand = await api.newBrand();
    const campaign = await newCampaign(brand, 3);
    await api.claim(brand, campaign, "first");
    await breakD1(campaign, [{ when: "before", sql: TRIP, times: 1_000 }]);
    expect((await claimFor(brand, campaign, users(5))).given).toBe(2);
    await runInDurableObject(poolOf(campaign), (_pool, { storage }) => storage.deleteAlarm());
    await evictDurableObject(poolOf(campaign));
    expectTripped(await api.claim(brand, campaign, "late"));
    while ((await read(brand, campaign)).status !== "paused") await scheduler.wait(20);
    expect((await trips(brand, campaign)).length).toBe(1);
  });

  it("is over, if its limit was taken away before D1 knew, also for a later limit", async () => {
    const brand = await api.newBrand();
    const campaign = await newCampaign(brand, 2);
    await api.claim(brand, campaign, "first");
    await breakD1(campaign, [{ when: "before", sql: TRIP, times: 1_000 }]);
    expect((await claimFor(brand, campaign, users(3))).given).toBe(1);
    await setMax(brand, campaign, null);
    expect((await api.claim(brand, campaign, "after")).status).toBe(201);
    await breakD1(campaign, []);
    await runDurableObjectAlarm(poolOf(campaign));
    expect((await setMax(brand, campaign, 50)).body.status).toBe("active");
    expect((await api.claim(brand, campaign, "later")).status).toBe(201);
    expect(await trips(brand, campaign)).toEqual([]);
  });

  it("pauses the campaign until it is resumed, also when its limit is taken away", async () => {
    const brand = await api.newBrand();
    const campaign = await newCampaign(brand, 2);
    expect((await claimFor(brand, campaign, users(3))).given).toBe(2);
    await told(brand, campaign);
    expect((await setMax(brand, campaign, null)).body.status).toBe("paused");
    const refused = await api.claim(brand, campaign, "late");
    expectTripped(refused);
    expect(refused.text).toContain("paused by its breaker. It goes on");
    await resume(brand, campaign);
    expect((await claimFor(brand, campaign, users(5, "v"))).given).toBe(5);
  });

  it("stays as it is for a campaign that was ended meanwhile", async () => {
    const brand = await api.newBrand();
    const campaign = await newCampaign(brand, 1);
    await api.claim(brand, campaign, "first");
    await breakD1(campaign, [{ when: "before", sql: TRIP, times: 1 }]);
    expectTripped(await api.claim(brand, campaign, "second"));
    await runDurableObjectAlarm(poolOf(campaign));
    await api.send(brand.secret, `POST /v1/campaigns/${campaign}/end`);
    while (await runDurableObjectAlarm(poolOf(campaign))) await scheduler.wait(20);
    expect(await read(brand, campaign)).toMatchObject({
      status: "ended",
      breaker_tripped_at: null,
    });
    expect(await trips(brand, campaign)).toEqual([]);
  });

  it("pauses every shard within a moment, whichever it tripped in", async () => {
    const brand = await api.newBrand();
    const shards = 4;
    const campaign = await newCampaign(brand, 40, { shards });
    const limit = shardLimit(40, shards);
    const names = users(160);
    const answers = await Promise.all(names.map((user) => api.claim(brand, campaign, user)));
    const given = answers.filter(({ status }) => status === 201).length;
    expect(given).toBeGreaterThanOrEqual(limit);
    expect(given).toBeLessThanOrEqual(limit * shards);
    while ((await read(brand, campaign)).status !== "paused") await scheduler.wait(20);
    await scheduler.wait(500);
    const late = await Promise.all(
      users(40, "late").map((user) => api.claim(brand, campaign, user)),
    );
    late.forEach(expectTripped);
    expect((await trips(brand, campaign)).length).toBe(1);
    await resume(brand, campaign);
    const fresh = await Promise.all(
      users(8, "new").map((user) => api.claim(brand, campaign, user)),
    );
    expect(fresh.map(({ status }) => status)).toEqual(Array(8).fill(201));
    expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, claimed: given + 8 });
  });
});
