import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { ToldEvent } from "../../src/domain/event.ts";
import type { Brand, ClaimBody } from "../support/api.ts";
import { faultyD1, type Fault } from "../support/faulty-d1.ts";
import { apiWith } from "../support/watched-api.ts";
import { api } from "../support/worker-api.ts";

const poolOf = (campaign: string, shard = 0) => env.CODE_POOL.getByName(`${campaign}/${shard}`);

const eventsOf = (brand: Brand, query: string, limit = 100) =>
  api.listAll<ToldEvent>(brand.secret, `/v1/events?${query}`, limit);

type ClaimCreated = Extract<ToldEvent, { type: "claim.created" }>;

const claimsIn = (events: ToldEvent[]): ClaimCreated[] =>
  events.filter((event) => event.type === "claim.created");

/** Lets D1 show all that was answered. */
const show = (brand: Brand, campaign: string) =>
  api.send(brand.secret, `GET /v1/campaigns/${campaign}/stats`);

async function breakD1(campaign: string, faults: Fault[], shard = 0): Promise<void> {
  await runInDurableObject(poolOf(campaign, shard), (pool) => {
    Object.assign(pool, { env: { ...env, DB: faultyD1(env.DB, faults) } });
  });
}

function expectNoGap(events: ToldEvent[]): void {
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, i) => i + 1));
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
}

async function claimAll(brand: Brand, campaign: string, users: string[]): Promise<ClaimBody[]> {
  const answers = await Promise.all(users.map((user) => api.claim(brand, campaign, user)));
  for (const { status } of answers) expect(status).toBe(201);
  return answers.map(({ body }) => body);
}

const users = (count: number, word = "u") =>
  Array.from({ length: count }, (_, i) => `${word}-${i}`);

afterEach(() => {
  vi.useRealTimers();
});

describe("word of a claim that nobody confirmed", () => {
  it("is due at once in an object that is made anew", async () => {
    const brand = await api.newBrand();
    await api.send(brand.secret, "POST /v1/webhook-endpoints", {
      url: "https://hooks.shop.example/",
      events: ["*"],
    });
    const campaign = await api.newCampaign(brand, 3);
    await api.claim(brand, campaign, "u-1");
    await show(brand, campaign);
    await runInDurableObject(poolOf(campaign), (_pool, { storage }) => {
      // As after it was sent, and not heard yet.
      storage.sql.exec("UPDATE pool SET news = news_confirmed + 1");
      return storage.deleteAlarm();
    });
    await evictDurableObject(poolOf(campaign));
    const at = await runInDurableObject(poolOf(campaign), (_pool, { storage }) =>
      storage.getAlarm(),
    );
    expect(at).toBeLessThanOrEqual(Date.now());
    expect(at).not.toBeNull();
  });
});

describe("a claim", () => {
  it("is told once, by what it says itself", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 3, { code_lifetime_seconds: 3600 });
    const { body } = await api.send<ClaimBody & { claimed_at: string }>(
      brand.secret,
      `POST /v1/campaigns/${campaign}/claims`,
      { user: { id: "u-1" } },
    );
    await api.claim(brand, campaign, "u-1");
    await show(brand, campaign);
    const [made, told, ...more] = await eventsOf(brand, `campaign_id=${campaign}`);
    expect(more).toEqual([]);
    expect(made).toMatchObject({ type: "batch.completed", sequence: 1, data: { created: 3 } });
    expect(told).toEqual({
      id: expect.stringMatching(/^evt_[0-9a-hjkmnp-tv-z]{27}$/),
      type: "claim.created",
      timestamp: body.claimed_at,
      campaign_id: campaign,
      sequence: 2,
      data: {
        claim_id: body.id,
        code: body.code,
        user_id: "u-1",
        contact: null,
        consent: null,
        claimed_at: body.claimed_at,
        expires_at: body.expires_at,
      },
    });
  });

  it("is told once over all shards, in numbers without a gap, whatever is shown at once", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 200, { shards: 4 });
    const told = claimAll(brand, campaign, users(120));
    for (let i = 0; i < 10; i++) await Promise.all([show(brand, campaign), show(brand, campaign)]);
    const claims = await told;
    await show(brand, campaign);
    const events = await eventsOf(brand, `campaign_id=${campaign}`, 7);
    expectNoGap(events);
    expect(
      claimsIn(events)
        .map(({ data }) => data.claim_id)
        .toSorted(),
    ).toEqual(claims.map(({ id }) => id).toSorted());
    // The same over all campaigns, and by type.
    expect(await eventsOf(brand, "", 7)).toEqual(events);
    expect(await eventsOf(brand, "type=claim.created", 7)).toEqual(claimsIn(events));
    const typed = `campaign_id=${campaign}&type=claim.created`;
    expect(await eventsOf(brand, typed, 7)).toEqual(claimsIn(events));
  });

  for (const when of ["before", "after"] as const) {
    it(`is told once when D1 fails ${when} it entered the log, and more is claimed meanwhile`, async () => {
      const brand = await api.newBrand();
      const campaign = await api.newCampaign(brand, 60);
      await api.claim(brand, campaign, "first");
      await breakD1(campaign, [{ when, sql: /INSERT INTO event_runs/, times: 3 }]);
      for (let round = 0; round < 5; round++) {
        await claimAll(brand, campaign, users(5, `r${round}`));
        await runInDurableObject(poolOf(campaign), (pool) => pool.showClaims());
      }
      await show(brand, campaign);
      const events = await eventsOf(brand, `campaign_id=${campaign}`, 4);
      expectNoGap(events);
      expect(claimsIn(events).length).toBe(26);
    });
  }

  it("is told once when D1's answer is late and the pool is evicted meanwhile", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 60);
    for (let round = 0; round < 3; round++) {
      await breakD1(campaign, [{ when: "late", sql: /INSERT INTO event_runs/, times: 1 }]);
      await claimAll(brand, campaign, users(5, `r${round}`));
      void runDurableObjectAlarm(poolOf(campaign)).catch(() => null);
      await scheduler.wait(20);
      await evictDurableObject(poolOf(campaign)).catch(() => null);
    }
    await show(brand, campaign);
    const events = await eventsOf(brand, `campaign_id=${campaign}`, 4);
    expectNoGap(events);
    expect(claimsIn(events).length).toBe(15);
  });

  it("passes over codes that were revoked before anybody had them", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10);
    const codes = await api.listAll<{ code: string }>(
      brand.secret,
      `/v1/campaigns/${campaign}/codes`,
    );
    await api.claim(brand, campaign, "u-first");
    const revoked = codes.slice(2, 5).map(({ code }) => code);
    await api.send(brand.secret, "POST /v1/codes/revoke", { codes: [...revoked, ...revoked] });
    const claims = await claimAll(brand, campaign, users(6));
    await show(brand, campaign);
    const events = await eventsOf(brand, `campaign_id=${campaign}`, 3);
    expectNoGap(events);
    expect(
      claimsIn(events)
        .slice(1)
        .map(({ data }) => data.code)
        .toSorted(),
    ).toEqual(claims.map(({ code }) => code).toSorted());
    const told = events.filter(({ type }) => type === "code.revoked").map(({ data }) => data);
    expect(told).toEqual(
      revoked.map((code) => ({ code, claim_id: null, revoked_at: expect.any(String) })),
    );
  });

  it("tells contact data only where the user consented, and nothing of who was erased", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10, {
      consent: { required: false, text: "Share?", version: "1" },
    });
    const contact = { email: "ann@example.com", name: "Ann", attributes: { tier: "gold" } };
    const claim = (id: string, consent?: object) =>
      api.send<ClaimBody>(brand.secret, `POST /v1/campaigns/${campaign}/claims`, {
        user: { id, ...contact },
        ...(consent === undefined ? {} : { consent }),
      });
    await claim("with", { share_contact: true, version: "1" });
    await claim("without");
    await claim("against", { share_contact: false, version: "1" });
    await show(brand, campaign);
    const contacts = async () =>
      claimsIn(await eventsOf(brand, `campaign_id=${campaign}`)).map(({ data }) => [
        data.user_id,
        data.contact,
      ]);
    expect(await contacts()).toEqual([
      ["with", contact],
      ["without", null],
      ["against", null],
    ]);
    await api.send(brand.secret, "DELETE /v1/users/with");
    const after = await eventsOf(brand, `campaign_id=${campaign}`);
    expect(JSON.stringify(after)).not.toMatch(/ann@example|"with"|gold/);
    expect((await contacts())[0]).toEqual([null, null]);
  });
});

describe("what becomes of codes", () => {
  it("is told: redeemed, revoked, imported", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0, {
      discount: { type: "percentage", value: 10 },
    });
    await api.send(brand.secret, `POST /v1/campaigns/${campaign}/imports`, {
      codes: ["OWN-1", "OWN-2", "OWN-2"],
    });
    await api.send(brand.secret, `POST /v1/campaigns/${campaign}/imports?dry_run=true`, {
      codes: ["OWN-3"],
    });
    const [one, two] = await claimAll(brand, campaign, ["u-1", "u-2"]);
    const order = { amount: 1_000, currency: "EUR" };
    const redemption = { code: one?.code, order_id: "o-1", order };
    for (let i = 0; i < 2; i++) {
      await api.send(brand.secret, "POST /v1/redemptions", redemption);
      await api.send(brand.secret, "POST /v1/codes/revoke", { codes: [two?.code] });
    }
    await show(brand, campaign);
    const events = await eventsOf(brand, `campaign_id=${campaign}`);
    expectNoGap(events);
    const said = (type: string) => events.filter((event) => event.type === type);
    expect(said("import.completed").map(({ data }) => data)).toEqual([
      { import_id: expect.stringMatching(/^imp_/), accepted: 2, duplicates: 1, rejected: 0 },
    ]);
    expect(said("code.redeemed").map(({ data }) => data)).toEqual([
      {
        redemption_id: expect.stringMatching(/^rdm_/),
        claim_id: one?.id,
        code: one?.code,
        user_id: "u-1",
        order_id: "o-1",
        order,
        discount: { type: "percentage", value: 10 },
        discount_amount: 100,
        redeemed_at: expect.any(String),
      },
    ]);
    expect(said("code.revoked").map(({ data }) => data)).toEqual([
      { code: two?.code, claim_id: two?.id, revoked_at: expect.any(String) },
    ]);
    // Never the redemption before its claim.
    const types = events.map(({ type }) => type);
    expect(types.indexOf("code.redeemed")).toBeGreaterThan(types.indexOf("claim.created"));
  });
});

describe("the log", () => {
  it("is paged to its end by after, without gap or repeat, while events arrive", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 200, { shards: 2 });
    const seen: { one: ToldEvent[]; all: ToldEvent[] } = { one: [], all: [] };
    const claiming = (async () => {
      for (let i = 0; i < 15; i++) {
        await claimAll(brand, campaign, users(10, `r${i}`));
        await show(brand, campaign);
      }
    })();
    let isDone = false;
    void claiming.finally(() => {
      isDone = true;
    });
    const more = async (query: string, into: ToldEvent[]) => {
      const { status, body } = await api.send<{ data: ToldEvent[] }>(
        brand.secret,
        `GET /v1/events?limit=9&${query}`,
      );
      expect(status).toBe(200);
      into.push(...body.data);
      return body.data.length;
    };
    for (let found = 1; !isDone || found > 0;) {
      await scheduler.wait(5);
      const last = seen.all.at(-1)?.id;
      found = await more(
        `campaign_id=${campaign}&after=${seen.one.at(-1)?.sequence ?? 0}`,
        seen.one,
      );
      found += await more(last === undefined ? "" : `after=${last}`, seen.all);
    }
    await claiming;
    expectNoGap(seen.one);
    expect(claimsIn(seen.one).length).toBe(150);
    expect(seen.all).toEqual(seen.one);
  });

  it("goes on only from events that it has and the key may see", async () => {
    const [brand, rival] = [await api.newBrand(), await api.newBrand()];
    const campaign = await api.newCampaign(brand, 2);
    const other = await api.newCampaign(brand, 1);
    const [made] = await eventsOf(brand, `campaign_id=${campaign}`);
    const id = made?.id ?? "";
    expect(await eventsOf(brand, `campaign_id=${campaign}&after=${id}`)).toEqual([]);
    expect((await eventsOf(brand, `after=${id}`)).map((event) => event.campaign_id)).toEqual([
      other,
    ]);
    for (const [key, query] of [
      [rival.secret, `after=${id}`],
      [brand.secret, `campaign_id=${other}&after=${id}`],
      [brand.secret, `after=${id.slice(0, -1)}z`],
      [brand.secret, "after=evt_1"],
      [brand.secret, "after=1"],
    ] as const) {
      const answer = await api.send(key, `GET /v1/events?${query}`);
      expect([query, answer.status]).toEqual([query, 422]);
      expect(answer.body["errors"]).toMatchObject([{ pointer: "/after" }]);
    }
  });

  it("forgets what is older than 30 days, and goes on counting", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 20);
    await claimAll(brand, campaign, users(3));
    await show(brand, campaign);
    expect((await eventsOf(brand, "")).length).toBe(4);
    vi.setSystemTime(Date.now() + 30 * 86_400_000 + 1);
    expect(await eventsOf(brand, "")).toEqual([]);
    expect(await eventsOf(brand, `campaign_id=${campaign}`)).toEqual([]);
    for (const user of ["late-1", "late-2"]) {
      await claimAll(brand, campaign, [user]);
      await show(brand, campaign);
    }
    const events = await eventsOf(brand, `campaign_id=${campaign}`);
    expect(events.map(({ sequence }) => sequence)).toEqual([5, 6]);
    const kept = await env.DB.prepare(
      "SELECT first_sequence AS n FROM event_runs WHERE subject_id = ?",
    )
      .bind(campaign)
      .all<{ n: number }>();
    expect(kept.results.map(({ n }) => n)).toEqual([5, 6]);
  });

  it("answers 503 while a pool whose claims it tells does not answer, and all of it later", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    await claimAll(brand, campaign, users(2));
    await show(brand, campaign);
    const fails = () => Promise.reject(Object.assign(new Error("busy"), { overloaded: true }));
    const here = apiWith({ CODE_POOL: { getByName: () => ({ readLedger: fails }) } as never });
    const busy = await here.send(brand.secret, "GET /v1/events");
    expect([busy.status, busy.body["type"]]).toEqual([
      503,
      expect.stringMatching(/pool-overloaded/),
    ]);
    expect((await eventsOf(brand, "")).length).toBe(3);
  });
});
