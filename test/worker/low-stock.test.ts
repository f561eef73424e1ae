import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { ToldEvent } from "../../src/domain/event.ts";
import type { Brand } from "../support/api.ts";
import { faultyD1, type Fault } from "../support/faulty-d1.ts";
import { api } from "../support/worker-api.ts";

const users = (count: number, word: string) =>
  Array.from({ length: count }, (_, i) => `${word}-${i}`);

async function claimAll(brand: Brand, campaign: string, names: string[]): Promise<void> {
  const answers = await Promise.all(names.map((user) => api.claim(brand, campaign, user)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
}

const show = (brand: Brand, campaign: string) =>
  api.send(brand.secret, `GET /v1/campaigns/${campaign}/stats`);

/** What was told of the stock, in order. */
async function lows(brand: Brand, campaign: string): Promise<unknown[]> {
  await show(brand, campaign);
  const events = await api.listAll<ToldEvent>(
    brand.secret,
    `/v1/events?campaign_id=${campaign}`,
    100,
  );
  return events.flatMap((event): unknown[] => {
    if (event.type === "campaign.low_stock") return [[event.data.threshold, event.data.available]];
    return event.type === "campaign.exhausted" ? [event.data] : [];
  });
}

const thresholds = { low_stock_thresholds: ["50%", "10%"] };

describe("low stock", () => {
  it("is told once at each threshold and at the end, and again after a top-up", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 100, thresholds);
    await claimAll(brand, campaign, users(49, "a"));
    expect(await lows(brand, campaign)).toEqual([]);
    await claimAll(brand, campaign, users(1, "b"));
    expect(await lows(brand, campaign)).toEqual([["50%", 50]]);
    await claimAll(brand, campaign, users(30, "c"));
    expect(await lows(brand, campaign)).toEqual([["50%", 50]]);
    await claimAll(brand, campaign, users(20, "d"));
    const end = [["50%", 50], ["10%", 0], { codes: 100, claimed: 100 }];
    expect(await lows(brand, campaign)).toEqual(end);
    expect((await api.claim(brand, campaign, "none")).status).toBe(409);
    expect(await lows(brand, campaign)).toEqual(end);
    await api.send(brand.secret, `POST /v1/campaigns/${campaign}/batches`, { count: 100 });
    expect(await lows(brand, campaign)).toEqual(end);
    // 100 of 200 are left: half of them again.
    await claimAll(brand, campaign, users(1, "e"));
    await claimAll(brand, campaign, users(80, "f"));
    expect((await lows(brand, campaign)).slice(3)).toEqual([["10%", 19]]);
  });

  it("is told again though what was added went at once", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10, { low_stock_thresholds: [3] });
    await claimAll(brand, campaign, users(10, "a"));
    expect(await lows(brand, campaign)).toEqual([[3, 0], { codes: 10, claimed: 10 }]);
    for (const round of ["b", "c"]) {
      const batch = api.send(brand.secret, `POST /v1/campaigns/${campaign}/batches`, { count: 5 });
      // Whoever asks first has them, before or after anybody looked at the stock.
      const names = users(5, round);
      while (names.length > 0) {
        const { status } = await api.claim(brand, campaign, names[0] ?? "");
        if (status === 201) names.shift();
      }
      await batch;
      await show(brand, campaign);
    }
    expect(await lows(brand, campaign)).toEqual([
      [3, 0],
      { codes: 10, claimed: 10 },
      [3, expect.any(Number)],
      { codes: 15, claimed: 15 },
      [3, expect.any(Number)],
      { codes: 20, claimed: 20 },
    ]);
  });

  it("is not told again when some came, and never more than the threshold were left", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10, { low_stock_thresholds: [5] });
    await claimAll(brand, campaign, users(5, "a"));
    expect(await lows(brand, campaign)).toEqual([[5, 5]]);
    await claimAll(brand, campaign, users(3, "b"));
    await show(brand, campaign);
    await api.addCodes(brand, campaign, 2);
    await claimAll(brand, campaign, users(1, "c"));
    await show(brand, campaign);
    await api.addCodes(brand, campaign, 2);
    expect(await lows(brand, campaign)).toEqual([[5, 5]]);
    await api.addCodes(brand, campaign, 1);
    await claimAll(brand, campaign, users(1, "d"));
    expect(await lows(brand, campaign)).toEqual([
      [5, 5],
      [5, 5],
    ]);
  });

  it("is told again though nobody looked between a top-up and its end", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10, { low_stock_thresholds: [3] });
    await claimAll(brand, campaign, users(10, "a"));
    const first = [[3, 0], { codes: 10, claimed: 10 }];
    expect(await lows(brand, campaign)).toEqual(first);
    const faults: Fault[] = [{ when: "before", sql: /JOIN campaign_stock/, times: 1_000 }];
    await runInDurableObject(env.BATCH_RUNNER.getByName(brand.id), (runner) => {
      Object.assign(runner, { env: { ...env, DB: faultyD1(env.DB, faults) } });
    });
    await api.send(brand.secret, `POST /v1/campaigns/${campaign}/batches`, { count: 5 });
    expect(faults[0]?.times).toBeLessThan(1_000);
    await claimAll(brand, campaign, users(5, "b"));
    const second = [[3, 0], { codes: 15, claimed: 15 }];
    expect(await lows(brand, campaign)).toEqual([...first, ...second]);
  });

  it("is told once over eight shards that show their claims at once, with D1 failing", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 200, { shards: 8, ...thresholds });
    for (let shard = 0; shard < 8; shard++) {
      const when = shard % 2 === 0 ? "before" : "after";
      const faults: Fault[] = [
        { when, sql: /INSERT INTO event_runs/, times: 1 },
        { when, sql: /UPDATE campaign_stock SET told/, times: 1 },
      ];
      await runInDurableObject(env.CODE_POOL.getByName(`${campaign}/${shard}`), (pool) => {
        Object.assign(pool, { env: { ...env, DB: faultyD1(env.DB, faults) } });
      });
    }
    for (let round = 0; round < 5; round++) {
      await claimAll(brand, campaign, users(40, `r${round}`));
      await Promise.all([show(brand, campaign), show(brand, campaign)]);
    }
    while ((await show(brand, campaign)).status !== 200) await scheduler.wait(50);
    expect(await lows(brand, campaign)).toEqual([
      ["50%", expect.any(Number)],
      ["10%", expect.any(Number)],
      { codes: 200, claimed: 200 },
    ]);
  });

  it("counts codes that were revoked before anybody had them as gone", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10, { low_stock_thresholds: [4] });
    await claimAll(brand, campaign, users(2, "a"));
    await show(brand, campaign);
    const codes = await api.listAll<{ code: string; status: string }>(
      brand.secret,
      `/v1/campaigns/${campaign}/codes`,
    );
    const free = codes.filter(({ status }) => status === "available").map(({ code }) => code);
    await api.send(brand.secret, "POST /v1/codes/revoke", { codes: free.slice(0, 5) });
    expect(await lows(brand, campaign)).toEqual([[4, 3]]);
    await api.send(brand.secret, "POST /v1/codes/revoke", { codes: free.slice(5) });
    expect(await lows(brand, campaign)).toEqual([[4, 3], { codes: 10, claimed: 2 }]);
  });

  it("is not told where no threshold is set, but the end is; nor in a campaign without codes", async () => {
    const brand = await api.newBrand();
    const plain = await api.newCampaign(brand, 2);
    const empty = await api.newCampaign(brand, 0, thresholds);
    await claimAll(brand, plain, users(2, "a"));
    expect((await api.claim(brand, empty, "u")).status).toBe(409);
    expect(await lows(brand, plain)).toEqual([{ codes: 2, claimed: 2 }]);
    expect(await lows(brand, empty)).toEqual([]);
  });

  it("is told by the herald when whoever revoked the last codes broke off", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 3, { low_stock_thresholds: [2] });
    const codes = await api.listAll<{ code: string }>(
      brand.secret,
      `/v1/campaigns/${campaign}/codes`,
    );
    const revoke = (count: number) =>
      api.send(brand.secret, "POST /v1/codes/revoke", {
        codes: codes.slice(0, count).map(({ code }) => code),
      });
    await revoke(1);
    expect(await lows(brand, campaign)).toEqual([[2, 2]]);
    // As after a call of which nothing but the mark in D1 came about.
    await env.DB.prepare(
      `UPDATE codes SET revoked_at = 1
       WHERE batch_id IN (SELECT id FROM batches WHERE campaign_id = ?) AND revoked_at IS NULL`,
    )
      .bind(campaign)
      .run();
    expect(await lows(brand, campaign)).toEqual([[2, 2]]);
    const herald = env.HERALD.getByName(brand.id);
    await herald.expect(brand.id);
    await herald.look();
    const all = [[2, 2], { codes: 3, claimed: 0 }];
    await expect.poll(() => lows(brand, campaign), { timeout: 5_000 }).toEqual(all);
    const due = env.DB.prepare("SELECT is_due FROM campaign_stock WHERE campaign_id = ?");
    expect(await due.bind(campaign).first()).toEqual({ is_due: 0 });
    await herald.look();
    await scheduler.wait(50);
    expect(await lows(brand, campaign)).toEqual(all);
  });
});
