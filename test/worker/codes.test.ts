import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { faultyD1 } from "../support/faulty-d1.ts";
import { api } from "../support/worker-api.ts";

interface Code {
  code: string;
  status: string;
  batch_id: string;
  user_id: string | null;
}

afterEach(() => {
  vi.useRealTimers();
});

describe("the inventory", () => {
  it("lets no brand have a code twice, but two brands may have the same", async () => {
    const brand = await api.newBrand();
    const other = await api.newBrand();
    const insert = (brandId: string, batch: string, ordinal: number) =>
      env.DB.prepare(
        "INSERT INTO codes (batch_id, ordinal, inventory, code, match_key) VALUES (?, ?, ?, 'SAME-SAME', 'same')",
      )
        .bind(batch, ordinal, brandId)
        .run();
    const batchOf = async (owner: typeof brand) =>
      String(
        (await api.send(owner.secret, "POST /v1/campaigns/default/batches", { count: 1 })).body[
          "id"
        ],
      );
    const [mine, theirs] = [await batchOf(brand), await batchOf(other)];
    await insert(brand.id, mine, 1);
    await insert(other.id, theirs, 1);
    await expect(insert(brand.id, mine, 2)).rejects.toThrow(/UNIQUE constraint failed/);
  });
});

describe("the list of codes", () => {
  it("filters by status and batch, pages in order, and shows who holds what", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 7);
    await api.addCodes(brand, campaign, 5);
    const path = `/v1/campaigns/${campaign}/codes`;
    const all = await api.listAll<Code>(brand.secret, path, 5);
    expect(all.length).toBe(12);
    const claimed = [];
    for (let i = 0; i < 3; i++)
      claimed.push((await api.claim(brand, campaign, `u-${i}`)).body.code);
    while (await runDurableObjectAlarm(env.CODE_POOL.getByName(`${campaign}/0`)));

    const list = (query: string, limit = 2) =>
      api.listAll<Code>(brand.secret, `${path}?${query}`, limit);
    expect((await list("status=claimed")).map(({ code }) => code)).toEqual(claimed);
    expect((await list("status=claimed")).map((row) => row.user_id)).toEqual(["u-0", "u-1", "u-2"]);
    expect((await list("status=available")).length).toBe(9);
    for (const status of ["redeemed", "expired", "revoked"]) {
      expect(await list(`status=${status}`)).toEqual([]);
    }
    const second = all.at(-1)?.batch_id ?? "";
    expect((await list(`batch_id=${second}`)).length).toBe(5);
    expect(await list("batch_id=bat_none")).toEqual([]);
    expect((await api.send(brand.secret, `GET ${path}?status=lost`)).status).toBe(422);
    expect((await api.listAll<Code>(brand.secret, path)).map(({ code }) => code)).toEqual(
      all.map(({ code }) => code),
    );
  });

  it("gives a cursor that is good for that list and filter only", async () => {
    const brand = await api.newBrand();
    const rival = await api.newBrand();
    const campaign = await api.newCampaign(brand, 3);
    await api.newCampaign(rival, 3);
    const path = `/v1/campaigns/${campaign}/codes`;
    const { body } = await api.send(brand.secret, `GET ${path}?limit=1`);
    const cursor = String(body["next_cursor"]);
    const use = (key: string, route: string) => api.send(key, `GET ${route}cursor=${cursor}`);
    expect((await use(brand.secret, `${path}?`)).status).toBe(200);
    for (const [key, route] of [
      [brand.secret, `${path}?status=available&`],
      [brand.secret, "/v1/campaigns/default/codes?"],
      [brand.secret, "/v1/campaigns?"],
      [rival.secret, "/v1/campaigns/default/codes?"],
    ] as const) {
      const answer = await use(key, route);
      expect([route, answer.status]).toEqual([route, 400]);
    }
  });
});

describe("stats", () => {
  it("count every code once, and a claim at once", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10);
    for (let i = 0; i < 4; i++) await api.claim(brand, campaign, `u-${i}`);
    const { body } = await api.send(brand.secret, `GET /v1/campaigns/${campaign}/stats`);
    expect(body).toMatchObject({
      totals: { codes: 10, available: 6, claimed: 4, redeemed: 0, expired: 0, revoked: 0 },
    });
  });

  it("count what became of a claim that D1 has not been told of by itself", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10, { code_lifetime_seconds: 60 });
    const pool = env.CODE_POOL.getByName(`${campaign}/0`);
    const codes: string[] = [];
    for (let i = 0; i < 4; i++) codes.push((await api.claim(brand, campaign, `u-${i}`)).body.code);
    await runInDurableObject(pool, (_pool, state) => state.storage.deleteAlarm());
    await api.send(brand.secret, "POST /v1/redemptions", { code: codes[0], order_id: "o" });
    await api.send(brand.secret, "POST /v1/codes/revoke", { codes: codes.slice(1, 3) });
    const totals = async () => {
      const stats = await api.send(brand.secret, `GET /v1/campaigns/${campaign}/stats`);
      return stats.body["totals"];
    };
    const counts = { codes: 10, available: 6, redeemed: 1, revoked: 2 };
    expect(await totals()).toEqual({ ...counts, claimed: 1, expired: 0 });
    vi.setSystemTime(Date.now() + 61_000);
    expect(await totals()).toEqual({ ...counts, claimed: 0, expired: 1 });
  });

  it("are not told while D1 cannot be told of claims, nor is an export begun", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10);
    const fault = { when: "before" as const, sql: /SET claim_id/, times: Infinity };
    await runInDurableObject(env.CODE_POOL.getByName(`${campaign}/0`), (pool) => {
      Object.assign(pool, { env: { ...env, DB: faultyD1(env.DB, [fault]) } });
    });
    await api.claim(brand, campaign, "u-1");
    const statuses = async () => {
      const answers = ["stats", "codes/export"].map((what) =>
        api.send(brand.secret, `GET /v1/campaigns/${campaign}/${what}`),
      );
      return (await Promise.all(answers)).map(({ status }) => status);
    };
    expect(await statuses()).toEqual([503, 503]);
    fault.times = 0;
    expect(await statuses()).toEqual([200, 200]);
  });
});
