/** Watching a campaign's stock as it goes. */

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { findCampaign } from "../../src/db/campaigns.ts";
import { LiveFeed, TIMING } from "../../src/http/live-feed.ts";
import type { Brand } from "../support/api.ts";
import { faultyD1 } from "../support/faulty-d1.ts";
import { Feed } from "../support/feed.ts";
import { interceptedD1 } from "../support/intercepted-d1.ts";
import { apiWith } from "../support/watched-api.ts";
import { api } from "../support/worker-api.ts";

const poolOf = (campaign: string, shard = 0) => env.CODE_POOL.getByName(`${campaign}/${shard}`);

const open: Feed[] = [];

function watched(body: ReadableStream<Uint8Array> | null): Feed {
  const feed = new Feed(body);
  open.push(feed);
  return feed;
}

function get(brand: Brand, campaign: string, method = "GET"): Promise<Response> {
  const headers = { Authorization: `Bearer ${brand.secret}` };
  const url = `http://codedrop.test/v1/campaigns/${campaign}/live`;
  return exports.default.fetch(new Request(url, { method, headers }));
}

async function watch(brand: Brand, campaign: string): Promise<Feed> {
  return watched((await get(brand, campaign)).body);
}

/** The same with other times or other bindings. */
async function watchWith(
  brand: Brand,
  id: string,
  { timing = {}, ...bindings }: { timing?: Partial<typeof TIMING> } & Partial<Env>,
): Promise<Feed> {
  const campaign = await findCampaign(env.DB, { brandId: brand.id, mode: null }, id);
  if (campaign === null) throw new Error("No campaign");
  const feed = await LiveFeed.open({ ...env, ...bindings }, campaign, { ...TIMING, ...timing });
  return watched(feed.stream());
}

function claimAll(brand: Brand, campaign: string, from: number, to: number) {
  const users = Array.from({ length: to - from }, (_, i) => `u-${from + i}`);
  return Promise.all(users.map((user) => api.claim(brand, campaign, user)));
}

async function totalsOf({ secret }: Brand, campaign: string): Promise<Record<string, number>> {
  const { body } = await api.send(secret, `GET /v1/campaigns/${campaign}/stats`);
  return body["totals"] as Record<string, number>;
}

const socketsOf = (campaign: string, shard = 0): Promise<number> =>
  runInDurableObject(poolOf(campaign, shard), (_pool, state) => state.getWebSockets().length);

const revoke = ({ secret }: Brand, codes: string[]) =>
  api.send(secret, "POST /v1/codes/revoke", { codes });

afterEach(async () => {
  vi.useRealTimers();
  for (const feed of open.splice(0)) await feed.hangUp();
});

describe("a feed", () => {
  it("says at once how things stand, in server-sent events that nobody keeps", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10);
    await api.claim(brand, campaign, "u-1");
    const answer = await get(brand, campaign);
    expect([answer.status, answer.headers.get("Content-Type")]).toEqual([200, "text/event-stream"]);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    const feed = watched(answer.body);
    const stock = await feed.until(() => true);
    expect(stock).toEqual({
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      codes: 10,
      available: 9,
      claimed: 1,
      redeemed: 0,
      claims_per_hour: 60,
    });
    expect(feed.text).toMatch(/^retry: 3000\nevent: stock\ndata: \{.*\}\n\n/);
  });

  it.each([1, 3])("follows a burst of claims over %i shards to its end", async (shards) => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 120, { shards });
    const feed = await watch(brand, campaign);
    await feed.until(({ available }) => available === 120);
    for (let from = 0; from < 100; from += 20) {
      await claimAll(brand, campaign, from, from + 20);
      await scheduler.wait(150);
    }
    const last = await feed.until(({ claimed }) => claimed === 100);
    expect(last).toMatchObject({ codes: 120, available: 20, claimed: 100 });
    await scheduler.wait(TIMING.restMs + 300);
    const { told, readAt } = feed;
    expect(told.length).toBeGreaterThan(2);
    for (const [i, { available, codes, claimed }] of told.entries()) {
      expect(available).toBeLessThanOrEqual(told[i - 1]?.available ?? 120);
      expect(available).toBe(codes - claimed);
    }
    for (const [i, at] of readAt.entries()) {
      expect(at - (readAt[i - 1] ?? 0)).toBeGreaterThan(TIMING.restMs - 50);
    }
    const { available, claimed } = await totalsOf(brand, campaign);
    expect(told.at(-1)).toMatchObject({ available, claimed });
  });

  it("tells of redemptions, of codes that come and of codes that are revoked", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 600);
    const feed = await watch(brand, campaign);
    const claim = await api.claim(brand, campaign, "u-1");
    const order = { code: claim.body.code, order_id: "o-1" };
    await api.send(brand.secret, "POST /v1/redemptions", order);
    await feed.until((stock) => stock.redeemed === 1 && stock.claimed === 1);
    await api.addCodes(brand, campaign, 5);
    await feed.until((stock) => stock.codes === 605 && stock.available === 604);
    const codes = await api.listAll<{ code: string; status: string }>(
      brand.secret,
      `/v1/campaigns/${campaign}/codes?status=available`,
    );
    // One that lies in the pool, and one that lies in D1.
    await revoke(brand, [codes[0]?.code ?? ""]);
    await feed.until((stock) => stock.available === 603);
    await revoke(brand, [codes.at(-1)?.code ?? ""]);
    await feed.until((stock) => stock.available === 602);
    expect((await totalsOf(brand, campaign))["available"]).toBe(602);
  });

  it("counts a code once that was claimed and revoked before D1 was told of it", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10);
    const feed = await watch(brand, campaign);
    await api.claim(brand, campaign, "u-0");
    await feed.until(({ claimed }) => claimed === 1);
    // More than a pool rests between two words.
    await scheduler.wait(300);
    await api.claim(brand, campaign, "u-1");
    await runInDurableObject(poolOf(campaign), (_pool, { storage }) => storage.deleteAlarm());
    const [{ batchId, ordinal } = { batchId: "", ordinal: 0 }] = await poolOf(
      campaign,
    ).listPlacedClaims(1, 1);
    await env.DB.prepare("UPDATE codes SET revoked_at = 1 WHERE batch_id = ? AND ordinal = ?")
      .bind(batchId, ordinal)
      .run();
    await poolOf(campaign).revoke([{ batchId, ordinal }]);
    await feed.until(({ available, claimed }) => available === 7 && claimed === 2);
    await scheduler.wait(300);
    await poolOf(campaign).showClaims();
    await feed.until(({ available, claimed }) => available === 8 && claimed === 2);
    expect((await totalsOf(brand, campaign))["available"]).toBe(8);
  });

  it("is told the same by a pool only once, and says nothing while nothing happens", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10);
    const feed = await watchWith(brand, campaign, { timing: { keepAliveMs: 100 } });
    await feed.until(() => true);
    for (let i = 0; i < 3; i++) await totalsOf(brand, campaign);
    await scheduler.wait(TIMING.restMs + 500);
    expect(feed.told).toHaveLength(1);
    expect(feed.comments).toBeGreaterThan(2);
  });
});

describe("a feed's end", () => {
  it("comes when its time is over, and says so", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 3);
    const began = Date.now();
    const feed = await watchWith(brand, campaign, { timing: { lifeMs: 900 } });
    await feed.over;
    expect(Date.now() - began).toBeGreaterThanOrEqual(900);
    expect(Date.now() - began).toBeLessThan(3_000);
    expect([feed.reason, feed.told.length]).toEqual(["time", 1]);
    await vi.waitUntil(async () => (await socketsOf(campaign)) === 0);
    expect(TIMING.lifeMs).toBe(600_000);
  });

  it("comes with the campaign's, by a call or by its time", async () => {
    const brand = await api.newBrand();
    const called = await api.newCampaign(brand, 3);
    const feed = await watch(brand, called);
    await feed.until(() => true);
    await api.send(brand.secret, `POST /v1/campaigns/${called}/pause`);
    await scheduler.wait(300);
    expect(feed.reason).toBeNull();
    await api.send(brand.secret, `POST /v1/campaigns/${called}/end`);
    await feed.over;
    expect(feed.reason).toBe("campaign-ended");
    const late = await watch(brand, called);
    await late.over;
    expect([late.reason, late.told.length]).toEqual(["campaign-ended", 1]);

    const soon = new Date(Date.now() + 1_500).toISOString();
    const timed = await api.newCampaign(brand, 3);
    const other = await watch(brand, timed);
    await other.until(() => true);
    await api.send(brand.secret, `PATCH /v1/campaigns/${timed}`, { ends_at: soon });
    await other.over;
    expect(other.reason).toBe("campaign-ended");
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(soon));
  });

  it("closes the pools' sockets when the reader hangs up, at once", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 3, { shards: 8 });
    const feed = await watch(brand, campaign);
    await feed.until(() => true);
    const all = () => Promise.all(Array.from({ length: 8 }, (_, i) => socketsOf(campaign, i)));
    expect(await all()).toEqual(Array(8).fill(1));
    await feed.hangUp();
    await vi.waitUntil(async () => (await all()).every((count) => count === 0), 1_000);
  });

  it("needs no socket for a HEAD", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 3);
    const answer = await get(brand, campaign, "HEAD");
    expect([answer.status, answer.headers.get("Content-Type")]).toEqual([200, "text/event-stream"]);
    expect(await socketsOf(campaign)).toBe(0);
  });
});

describe("the pool that is watched", () => {
  it("may be thrown out of memory: the feed stays, and the next claim reaches it", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const feed = await watch(brand, campaign);
    await feed.until(() => true);
    const mark = { isTheSame: true };
    await runInDurableObject(poolOf(campaign), (pool) => {
      Object.assign(pool, mark);
    });
    await evictDurableObject(poolOf(campaign));
    await api.claim(brand, campaign, "u-1");
    await runInDurableObject(poolOf(campaign), (pool, state) => {
      expect(pool).not.toHaveProperty("isTheSame");
      // The socket of before: nobody had to open it again.
      expect(state.getWebSockets()).toHaveLength(1);
    });
    await feed.until(({ available }) => available === 4);
    expect(feed.reason).toBeNull();
  });

  it("says how it stands while D1 fails", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10);
    await api.claim(brand, campaign, "u-0");
    await totalsOf(brand, campaign);
    const dead = faultyD1(env.DB, [{ when: "before", sql: /./, times: Infinity }]);
    const working = { isOn: true };
    const DB = interceptedD1(env.DB, (_sql, call) => {
      if (!working.isOn) throw new Error("D1_ERROR: Network connection lost");
      return call();
    });
    const feed = await watchWith(brand, campaign, { DB });
    await feed.until(({ available }) => available === 9);
    working.isOn = false;
    await runInDurableObject(poolOf(campaign), (pool) => {
      Object.assign(pool, { env: { ...env, DB: dead } });
    });
    await claimAll(brand, campaign, 1, 5);
    await runDurableObjectAlarm(poolOf(campaign));
    await feed.until(({ available, claimed }) => available === 5 && claimed === 5);
    expect(feed.reason).toBeNull();
  });

  it("is found again after it was reset", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5, { shards: 2 });
    const feed = await watch(brand, campaign);
    await feed.until(() => true);
    await evictDurableObject(poolOf(campaign, 1), { webSockets: "close" });
    await vi.waitUntil(async () => (await socketsOf(campaign, 1)) === 1, 5_000);
    await claimAll(brand, campaign, 0, 5);
    await feed.until(({ available }) => available === 0);
    expect(feed.reason).toBeNull();
  });

  it("ends the feed when it is not reached any more", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5, { shards: 2 });
    const isLost = { yet: false };
    const getByName = (name: string) => {
      if (isLost.yet) throw Object.assign(new Error("reset"), { durableObjectReset: true });
      return env.CODE_POOL.getByName(name);
    };
    const feed = await watchWith(brand, campaign, {
      CODE_POOL: { getByName } as unknown as Env["CODE_POOL"],
      timing: { reconnectMs: [10, 10] },
    });
    await feed.until(() => true);
    isLost.yet = true;
    await evictDurableObject(poolOf(campaign, 1), { webSockets: "close" });
    await feed.over;
    expect(feed.reason).toBe("pool-unavailable");
    await vi.waitUntil(async () => (await socketsOf(campaign, 0)) === 0, 1_000);
  });

  it("is refused as a problem where it is not reached at first, and no socket stays", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5, { shards: 2 });
    const getByName = (name: string) => {
      if (name.endsWith("/1")) throw Object.assign(new Error("busy"), { overloaded: true });
      return env.CODE_POOL.getByName(name);
    };
    const CODE_POOL = { getByName } as unknown as Env["CODE_POOL"];
    const answer = await apiWith({ CODE_POOL }).send(
      brand.secret,
      `GET /v1/campaigns/${campaign}/live`,
    );
    expect([answer.status, answer.body["type"]]).toEqual([
      503,
      "http://codedrop.test/problems/pool-overloaded",
    ]);
    await vi.waitUntil(async () => (await socketsOf(campaign, 0)) === 0, 1_000);
  });

  it("takes in fifty; whoever comes then is told to come later", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const feeds = await Promise.all(Array.from({ length: 50 }, () => watch(brand, campaign)));
    await Promise.all(feeds.map((feed) => feed.until(() => true)));
    const refused = await api.send(brand.secret, `GET /v1/campaigns/${campaign}/live`);
    expect([refused.status, refused.headers.get("Content-Type")]).toEqual([
      503,
      "application/problem+json",
    ]);
    expect(refused.body["type"]).toMatch(/pool-overloaded$/);
    expect(refused.headers.get("Retry-After")).toBe("1");
    await api.claim(brand, campaign, "u-1");
    await Promise.all(feeds.map((feed) => feed.until(({ available }) => available === 4)));
    await feeds[0]?.hangUp();
    await vi.waitUntil(async () => (await socketsOf(campaign)) === 49, 1_000);
    await (await watch(brand, campaign)).until(() => true);
  });
});
