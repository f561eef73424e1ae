/** Codes whose life ends: by their own, or with their campaign. */

import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { ToldEvent } from "../../src/domain/event.ts";
import { Shop, slugOf } from "../support/checkout.ts";
import { api } from "../support/worker-api.ts";

type Expired = Extract<ToldEvent, { type: "code.expired" }>;

const HOUR = 3_600_000;
const poolOf = (campaign: string) => env.CODE_POOL.getByName(`${campaign}/0`);
const at = (ms: number) => new Date(ms).toISOString();

async function newShop(codes: number, fields: object = {}) {
  const shop = new Shop(api, await api.newBrand());
  const campaign = await api.newCampaign(shop.brand, codes, fields);
  return { shop, campaign };
}

/** Lets the pool's alarm come as often as it is due now, and D1 show what it told. */
async function wake(shop: Shop, campaign: string): Promise<void> {
  for (let i = 0; i < 8; i++) {
    await runDurableObjectAlarm(poolOf(campaign));
    await scheduler.wait(5);
  }
  await shop.send(`GET /v1/campaigns/${campaign}/stats`);
}

async function told(shop: Shop, campaign: string): Promise<Expired[]> {
  await wake(shop, campaign);
  return api.listAll<Expired>(
    shop.brand.secret,
    `/v1/events?campaign_id=${campaign}&type=code.expired`,
    100,
  );
}

async function codesBy(shop: Shop, campaign: string, status: string): Promise<string[]> {
  await shop.send(`GET /v1/campaigns/${campaign}/stats`);
  const path = `/v1/campaigns/${campaign}/codes?status=${status}`;
  const rows = await api.listAll<{ code: string }>(shop.brand.secret, path);
  return rows.map(({ code }) => code);
}

afterEach(() => {
  vi.useRealTimers();
});

describe("the end of a campaign", () => {
  it("is that of its codes, to the millisecond, wherever they are asked for", async () => {
    const end = Date.now() + HOUR;
    const { shop, campaign } = await newShop(5, { ends_at: at(end) });
    const answer = await api.claim(shop.brand, campaign, "u-1");
    const { id, code, expires_at } = answer.body;
    expect(expires_at).toBe(at(end));
    vi.setSystemTime(end - 1);
    expect(await shop.validate(code)).toMatchObject({ valid: true });
    vi.setSystemTime(end);
    expect(await shop.validate(code)).toMatchObject({ valid: false, reason: "expired" });
    expect(slugOf(await shop.redeem(code, "o-1"))).toBe("code-expired");
    expect(slugOf(await shop.hold(code, "o-1"))).toBe("code-expired");
    expect((await shop.send(`GET /v1/claims/${id}`)).body).toMatchObject({ status: "expired" });
    const again = await api.claim(shop.brand, campaign, "u-1");
    expect([again.status, again.body]).toMatchObject([200, { code, status: "expired" }]);
    expect(await codesBy(shop, campaign, "expired")).toEqual([code]);
    const stats = await shop.send(`GET /v1/campaigns/${campaign}/stats`);
    expect(stats.body["totals"]).toMatchObject({ expired: 1, claimed: 0, available: 4 });
    const exported = await shop.send(`GET /v1/campaigns/${campaign}/codes/export?status=expired`);
    expect(exported.text).toContain(code);
    expect(exported.text).toContain(at(end));
  });

  it("moves with ends_at, for codes that were given before too", async () => {
    const end = Date.now() + HOUR;
    const { shop, campaign } = await newShop(5, { ends_at: at(end) });
    const code = await shop.codeFor(campaign, "u-1");
    await shop.send(`PATCH /v1/campaigns/${campaign}`, { ends_at: at(end + HOUR) });
    vi.setSystemTime(end + HOUR - 1);
    expect(await shop.validate(code)).toMatchObject({ valid: true });
    await shop.send(`PATCH /v1/campaigns/${campaign}`, { ends_at: null });
    vi.setSystemTime(end + 9 * HOUR);
    expect((await shop.redeem(code, "o-1")).status).toBe(201);
  });

  it("leaves codes that outlive it, and a shorter life is a shorter life", async () => {
    const end = Date.now() + HOUR;
    const { shop, campaign } = await newShop(5, { ends_at: at(end), codes_outlive_campaign: true });
    const code = await shop.codeFor(campaign, "u-1");
    const short = await api.newCampaign(shop.brand, 5, {
      ends_at: at(end),
      code_lifetime_seconds: 60,
    });
    const brief = await api.claim(shop.brand, short, "u-1");
    expect(Date.parse(brief.body.expires_at ?? "")).toBeLessThan(end);
    vi.setSystemTime(end + HOUR);
    expect((await shop.redeem(code, "o-1")).status).toBe(201);
  });

  it("by hand ends no code", async () => {
    const { shop, campaign } = await newShop(5);
    const code = await shop.codeFor(campaign, "u-1");
    await shop.send(`POST /v1/campaigns/${campaign}/end`);
    expect((await shop.redeem(code, "o-1")).status).toBe(201);
  });
});

describe("a code whose life ended unspent", () => {
  it("is told once, soon after, and no other is", async () => {
    const { shop, campaign } = await newShop(6, { code_lifetime_seconds: 60 });
    const codes: string[] = [];
    for (let i = 0; i < 4; i++) codes.push(await shop.codeFor(campaign, `u-${i}`));
    const [unspent, spent, revoked, undone] = codes as [string, string, string, string];
    await shop.redeem(spent, "o-1");
    await shop.send("POST /v1/codes/revoke", { codes: [revoked] });
    const second = await shop.redeem(undone, "o-2");
    expect(await told(shop, campaign)).toEqual([]);
    const due = await runInDurableObject(poolOf(campaign), (_pool, { storage }) =>
      storage.getAlarm(),
    );
    expect(due).toBeLessThan(Date.now() + 70_000);
    vi.setSystemTime(Date.now() + 70_000);
    const events = await told(shop, campaign);
    expect(events.map(({ data }) => data)).toEqual([
      {
        claim_id: expect.stringMatching(/^clm_/),
        code: unspent,
        user_id: "u-0",
        expired_at: expect.any(String),
      },
    ]);
    await shop.rollBack(second.body.id);
    await shop.rollBack(second.body.id);
    const later = await told(shop, campaign);
    expect(later.map(({ data }) => data.code)).toEqual([unspent, undone]);
    vi.setSystemTime(Date.now() + HOUR);
    expect((await told(shop, campaign)).length).toBe(2);
  });

  it("is told in its time though the length of lives was changed meanwhile", async () => {
    const { shop, campaign } = await newShop(6, { code_lifetime_seconds: 36_000 });
    const long = await shop.codeFor(campaign, "u-1");
    await shop.send(`PATCH /v1/campaigns/${campaign}`, { code_lifetime_seconds: 60 });
    const short = await shop.codeFor(campaign, "u-2");
    await shop.send(`PATCH /v1/campaigns/${campaign}`, { code_lifetime_seconds: null });
    const endless = await shop.codeFor(campaign, "u-3");
    await wake(shop, campaign);
    const start = Date.now();
    vi.setSystemTime(start + 70_000);
    expect((await told(shop, campaign)).map(({ data }) => data.code)).toEqual([short]);
    vi.setSystemTime(start + 11 * HOUR);
    expect((await told(shop, campaign)).map(({ data }) => data.code)).toEqual([short, long]);
    expect(await shop.validate(endless)).toMatchObject({ valid: true });
  });

  it("is told when its redemption is undone after its campaign's end was moved", async () => {
    const end = Date.now() + HOUR;
    const { shop, campaign } = await newShop(5, { ends_at: at(end) });
    const code = await shop.codeFor(campaign, "u-1");
    const spent = await shop.redeem(code, "o-1");
    vi.setSystemTime(end + 6_000);
    expect(await told(shop, campaign)).toEqual([]);
    await shop.send(`PATCH /v1/campaigns/${campaign}`, { ends_at: at(end + HOUR) });
    await shop.rollBack(spent.body.id);
    expect(await told(shop, campaign)).toEqual([]);
    vi.setSystemTime(end + HOUR + 6_000);
    expect((await told(shop, campaign)).map(({ data }) => data.code)).toEqual([code]);
  });

  it("is looked for in few rows, however many codes live on", async () => {
    const { shop, campaign } = await newShop(1);
    await shop.codeFor(campaign, "u-0");
    await wake(shop, campaign);
    const read = await runInDurableObject(poolOf(campaign), async (pool, { storage: { sql } }) => {
      sql.exec(
        `INSERT INTO claims (slot, user_key, nth, user_id, code, claimed_at, attempt)
         WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
         SELECT i, 'key-' || i, 0, 'u-' || i, 'code-' || i, ?, 'a-' || i FROM n`,
        Date.now(),
      );
      sql.exec("UPDATE pool SET projected_slot = 2000");
      const exec = vi.spyOn(Object.getPrototypeOf(sql) as SqlStorage, "exec");
      await pool.alarm();
      const rows = exec.mock.results.map(
        ({ value }) => (value as SqlStorageCursor<never>).rowsRead,
      );
      exec.mockRestore();
      return rows.reduce((sum, count) => sum + count, 0);
    });
    expect(read).toBeGreaterThan(5);
    expect(read).toBeLessThan(100);
  });

  it("is told with thousands of others at the end of their campaign, each once", async () => {
    const count = 2_300;
    const { shop, campaign } = await newShop(count);
    await shop.codeFor(campaign, "u-0");
    // As by claims, which would take the test a minute.
    await runInDurableObject(poolOf(campaign), (_pool, { storage }) => {
      storage.sql.exec(
        `INSERT INTO claims (slot, user_key, nth, user_id, code, claimed_at, attempt)
         WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
         SELECT i, 'key-' || i, 0, 'u-' || i, codes ->> (i - first_slot), ?, 'a-' || i
         FROM n JOIN blocks ON i >= first_slot AND i < first_slot + size`,
        Date.now(),
      );
    });
    const claims = await runInDurableObject(
      poolOf(campaign),
      (_pool, { storage }) =>
        storage.sql.exec<{ count: number }>("SELECT count(*) AS count FROM claims").one().count,
    );
    const end = Date.now() + HOUR;
    await shop.send(`PATCH /v1/campaigns/${campaign}`, { ends_at: at(end) });
    vi.setSystemTime(end + 6_000);
    const events = await told(shop, campaign);
    expect(events.length).toBe(claims);
    expect(new Set(events.map(({ data }) => data.claim_id)).size).toBe(claims);
  });
});
