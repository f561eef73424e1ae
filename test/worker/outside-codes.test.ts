/** Codes that were handed out elsewhere, and are brought to the checkout. */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { PoolCampaign } from "../../src/domain/claim.ts";
import type { ToldEvent } from "../../src/domain/event.ts";
import { Shop, slugOf, statuses } from "../support/checkout.ts";
import { faultyD1 } from "../support/faulty-d1.ts";
import { apiWith } from "../support/watched-api.ts";
import { api } from "../support/worker-api.ts";

const poolOf = (campaign: string, shard = 0) => env.CODE_POOL.getByName(`${campaign}/${shard}`);

async function newShop(codes: string[], fields: object = {}) {
  const shop = new Shop(api, await api.newBrand());
  const campaign = await api.newCampaign(shop.brand, 0, { redeem_unclaimed: true, ...fields });
  const imported = await shop.send(`POST /v1/campaigns/${campaign}/imports`, { codes });
  if (imported.status !== 201) throw new Error(imported.text);
  return { shop, campaign };
}

const own = (count: number, word = "PRINT") =>
  Array.from({ length: count }, (_, i) => `${word}-${1000 + i}-QX`);

async function claimAll(shop: Shop, campaign: string, count: number): Promise<string[]> {
  const users = Array.from({ length: count }, (_, i) => `u-${i}`);
  const answers = await Promise.all(users.map((user) => api.claim(shop.brand, campaign, user)));
  return answers.filter(({ status }) => status === 201).map(({ body }) => body.code);
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a code that was handed out elsewhere", () => {
  it("is refused unless the campaign allows it", async () => {
    const { shop } = await newShop(["LEAFLET-1"], { redeem_unclaimed: false });
    expect(await shop.validate("LEAFLET-1")).toMatchObject({ reason: "not-claimed" });
    expect(slugOf(await shop.redeem("LEAFLET-1", "o-1"))).toBe("code-not-claimed");
    expect(slugOf(await shop.hold("LEAFLET-1", "o-1"))).toBe("code-not-claimed");
  });

  it("is spent once, by one of many orders, and its order gets the same redemption", async () => {
    for (const shards of [1, 4]) {
      const { shop, campaign } = await newShop(own(6), { shards });
      const code = "PRINT-1003-QX";
      expect(await shop.validate(code)).toMatchObject({ valid: true, reason: null });
      const all = Array.from({ length: 30 }, (_, i) => shop.redeem(code, `o-${i}`));
      const answers = await Promise.all(all);
      expect(statuses(answers)).toEqual({ 201: 1, 409: 29 });
      const won = answers.find(({ status }) => status === 201)?.body;
      expect(won).toMatchObject({ code, claim_id: null, user_id: null, status: "redeemed" });
      expect((await shop.redeem(code, won?.order_id ?? "")).body).toEqual(won);
      expect(await shop.validate(code)).toMatchObject({ reason: "redeemed" });
      expect((await shop.send(`GET /v1/redemptions/${won?.id}`)).body).toEqual(won);
      expect(await api.integrity(shop.brand, campaign)).toMatchObject({ ok: true, codes: 6 });
    }
  });

  it("is given to nobody from then on, wherever it lay", async () => {
    for (const shards of [1, 3]) {
      for (const isLeased of [false, true]) {
        const { shop, campaign } = await newShop(own(12), { shards });
        const given = isLeased ? await claimAll(shop, campaign, 1) : [];
        const spent = own(12)
          .filter((code) => !given.includes(code))
          .slice(2, 7);
        for (const [i, code] of spent.entries()) {
          expect((await shop.redeem(code, `o-${i}`)).status).toBe(201);
        }
        const users = Array.from({ length: 20 }, (_, i) => `v-${i}`);
        const answers = await Promise.all(
          users.map((user) => api.claim(shop.brand, campaign, user)),
        );
        const codes = answers.filter(({ status }) => status === 201).map(({ body }) => body.code);
        expect(codes.length).toBe(12 - spent.length - given.length);
        expect(codes.filter((code) => spent.includes(code))).toEqual([]);
        expect(await api.integrity(shop.brand, campaign)).toMatchObject({
          ok: true,
          claimed: 12 - spent.length,
          revoked: spent.length,
          available: 0,
          leased: 0,
        });
        const stats = await shop.send(`GET /v1/campaigns/${campaign}/stats`);
        expect(stats.body["totals"]).toMatchObject({ codes: 12, redeemed: 5, available: 0 });
      }
    }
  });

  it("and users who claim at the same moment never meet in a code", async () => {
    for (const shards of [1, 2]) {
      const { shop, campaign } = await newShop(own(30), { shards });
      const claims = Array.from({ length: 40 }, (_, i) =>
        api.claim(shop.brand, campaign, `u-${i}`),
      );
      const orders = own(30).map((code, i) => shop.redeem(code, `o-${i}`, { user_id: "nobody" }));
      const [claimed, spent] = await Promise.all([Promise.all(claims), Promise.all(orders)]);
      const given = claimed.filter(({ status }) => status === 201).map(({ body }) => body.code);
      const bought = spent.filter(({ status }) => status === 201).map(({ body }) => body.code);
      expect(new Set(given).size).toBe(given.length);
      expect(bought.filter((code) => given.includes(code))).toEqual([]);
      expect(given.length + bought.length).toBe(30);
      expect((await api.integrity(shop.brand, campaign)).ok).toBe(true);
    }
  });

  it("is held, let go, spent, rolled back and spent again, and that is told and shown", async () => {
    const { shop, campaign } = await newShop(own(3));
    const code = "PRINT-1001-QX";
    const held = await shop.hold(code, "o-1");
    expect([held.status, held.body]).toMatchObject([201, { code, user_id: null }]);
    expect((await shop.redeem(code, "o-2")).status).toBe(409);
    expect((await api.claim(shop.brand, campaign, "u-1")).body.code).not.toBe(code);
    await shop.release(held.body.id);
    const first = await shop.redeem(code, "o-2");
    await shop.rollBack(first.body.id);
    const second = await shop.redeem(code, "o-3");
    expect(second.status).toBe(201);
    await shop.send(`GET /v1/campaigns/${campaign}/stats`);
    const events = await api.listAll<ToldEvent>(
      shop.brand.secret,
      `/v1/events?campaign_id=${campaign}`,
      100,
    );
    const told = events.flatMap(({ type, data }) =>
      "redemption_id" in data ? [[type, data.order_id, data.claim_id, data.code]] : [],
    );
    expect(told).toEqual([
      ["code.redeemed", "o-2", null, code],
      ["redemption.rolled_back", "o-2", null, code],
      ["code.redeemed", "o-3", null, code],
    ]);
    const rows = await api.listAll<{ code: string; status: string }>(
      shop.brand.secret,
      `/v1/campaigns/${campaign}/codes`,
    );
    expect(rows.find((row) => row.code === code)?.status).toBe("redeemed");
    const seen = await shop.send("POST /v1/codes/lookup", { code });
    expect(seen.body).toMatchObject({ status: "redeemed", claim_id: null, order_id: "o-3" });
  });

  it("that was revoked is refused, whoever was told first", async () => {
    const { shop, campaign } = await newShop(own(5));
    const revoke = (code: string) => shop.send("POST /v1/codes/revoke", { codes: [code] });
    const [a, b, c, d] = own(5) as [string, string, string, string];
    await revoke(a);
    expect(slugOf(await shop.redeem(a, "o-1"))).toBe("code-revoked");
    const spent = await shop.redeem(b, "o-2");
    await revoke(b);
    await shop.rollBack(spent.body.id);
    expect(slugOf(await shop.redeem(b, "o-3"))).toBe("code-revoked");
    // Marked in D1, and the call to the pool was lost: the pool hears of the revocation first.
    await env.DB.prepare("UPDATE codes SET outside_shard = 0 WHERE code = ?").bind(c).run();
    await revoke(c);
    expect(slugOf(await shop.redeem(c, "o-4"))).toBe("code-revoked");
    const answers = await Promise.all([shop.redeem(d, "o-5"), revoke(d)]);
    const late = await shop.redeem(d, "o-6");
    expect([answers[0].status === 201 ? "code-already-redeemed" : "code-revoked"]).toContain(
      slugOf(late),
    );
    expect((await api.integrity(shop.brand, campaign)).ok).toBe(true);
  });

  it("stays revoked when its pool heard of that before its first order, which knew nothing of it", async () => {
    const { shop, campaign } = await newShop(own(4));
    await claimAll(shop, campaign, 1);
    const place = await env.DB.prepare(
      `SELECT batch_id AS batchId, ordinal, code FROM codes JOIN batches ON batches.id = batch_id
       WHERE campaign_id = ? ORDER BY ordinal DESC LIMIT 1`,
    )
      .bind(campaign)
      .first<{ batchId: string; ordinal: number; code: string }>();
    if (place === null) throw new Error("No code");
    const outcome = await runInDurableObject(poolOf(campaign), (pool, { storage }) => {
      const { campaign: settings } = storage.sql
        .exec<{ campaign: string }>("SELECT campaign FROM pool")
        .one();
      pool.revoke([place]);
      // As an order whose look into D1 came before the revocation, and its call after it.
      const of = { campaign: JSON.parse(settings) as PoolCampaign, shard: 0 };
      const late = { userKey: null, revokedAt: null, isOutside: true, refusal: null, key: null };
      const terms = { order: null, discount: null, discountAmount: null };
      return pool.redeem(of, [
        { ...late, place, code: place.code, orderId: "o-1", attempt: "a", holdNumber: null, terms },
      ]);
    });
    expect(outcome).toEqual([{ kind: "refused", reason: "revoked" }]);
  });

  it("is marked, and then not spent, when its pool cannot be reached: again does it", async () => {
    const { shop, campaign } = await newShop(own(4));
    const down = new Shop(
      apiWith({
        CODE_POOL: {
          getByName: () => ({ redeem: () => Promise.reject(new Error("gone")) }),
        } as unknown as Env["CODE_POOL"],
      }),
      shop.brand,
    );
    const code = "PRINT-1002-QX";
    expect((await down.redeem(code, "o-1")).status).toBeGreaterThanOrEqual(500);
    expect(await claimAll(shop, campaign, 6)).toHaveLength(3);
    expect((await shop.redeem(code, "o-1")).status).toBe(201);
    expect((await api.integrity(shop.brand, campaign)).ok).toBe(true);
  });

  it("is not spent when D1 cannot say that nobody is given it", async () => {
    for (const when of ["before", "after"] as const) {
      const { shop, campaign } = await newShop(own(4));
      const faults = [{ when, sql: /outside_shard = coalesce/, times: 1 }];
      const half = new Shop(apiWith({ DB: faultyD1(env.DB, faults) }), shop.brand);
      const code = "PRINT-1002-QX";
      expect((await half.redeem(code, "o-1")).status).toBe(503);
      expect((await half.redeem(code, "o-1")).status).toBe(201);
      const given = await claimAll(shop, campaign, 6);
      expect(given).toHaveLength(3);
      expect(given).not.toContain(code);
    }
  });

  it("has no holder, so it is nobody's where codes are their holder's only", async () => {
    const { shop } = await newShop(own(2), { holder_only: true });
    for (const more of [{}, { user_id: "u-1" }]) {
      expect(slugOf(await shop.redeem("PRINT-1000-QX", "o-1", more))).toBe("code-not-claimed");
    }
  });

  it("is refused as any other once the campaign allows it no more, unless it was spent", async () => {
    const { shop, campaign } = await newShop(own(3));
    const [undone, spent] = own(3) as [string, string];
    await shop.rollBack((await shop.redeem(undone, "o-1")).body.id);
    const kept = await shop.redeem(spent, "o-2");
    await shop.send(`PATCH /v1/campaigns/${campaign}`, { redeem_unclaimed: false });
    expect(slugOf(await shop.redeem(undone, "o-1"))).toBe("code-not-claimed");
    expect(slugOf(await shop.hold(undone, "o-1"))).toBe("code-not-claimed");
    expect(await shop.validate(undone)).toMatchObject({ valid: false, reason: "not-claimed" });
    expect((await shop.redeem(spent, "o-2")).body).toEqual(kept.body);
    expect(slugOf(await shop.redeem(spent, "o-3"))).toBe("code-already-redeemed");
  });

  it("stays in the stock when its order is refused", async () => {
    const { shop, campaign } = await newShop(own(2), {
      discount: { type: "percentage", value: 10, currency: "EUR", minimum_order_amount: 1_000 },
    });
    for (const code of own(2)) {
      const order = { amount: 999, currency: "EUR" };
      expect((await shop.redeem(code, "o-1", { order })).body.reason).toBe("order-too-small");
    }
    expect(await claimAll(shop, campaign, 1)).toHaveLength(1);
    const [free] = own(2).slice(1);
    expect((await shop.redeem(free ?? "", "o-2")).body.reason).toBe("order-required");
    expect(await claimAll(shop, campaign, 3)).toHaveLength(1);
    expect((await api.integrity(shop.brand, campaign)).ok).toBe(true);
  });

  it("expires with its campaign", async () => {
    const end = Date.now() + 60_000;
    const { shop } = await newShop(own(2), { ends_at: new Date(end).toISOString() });
    vi.setSystemTime(end);
    expect(await shop.validate("PRINT-1000-QX")).toMatchObject({ reason: "expired" });
    expect(slugOf(await shop.redeem("PRINT-1000-QX", "o-1"))).toBe("code-expired");
  });

  it("is given to nobody by a shard to which its block comes later", async () => {
    const { shop, campaign } = await newShop(own(8), { shards: 2 });
    expect((await shop.redeem("PRINT-1005-QX", "o-1")).status).toBe(201);
    const withdrawn = async (shard: number) =>
      runInDurableObject(poolOf(campaign, shard), (_pool, { storage }) =>
        storage.sql.exec("SELECT ordinal FROM withdrawn").toArray(),
      );
    await claimAll(shop, campaign, 12);
    expect([await withdrawn(0), await withdrawn(1)].flat()).toContainEqual({ ordinal: 5 });
    expect((await api.integrity(shop.brand, campaign)).ok).toBe(true);
  });
});
