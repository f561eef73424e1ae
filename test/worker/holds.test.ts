import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Shop, slugOf, statuses } from "../support/checkout.ts";
import { api } from "../support/worker-api.ts";

const poolOf = (campaign: string) => env.CODE_POOL.getByName(`${campaign}/0`);

async function newShop(fields: object = {}) {
  const shop = new Shop(api, await api.newBrand());
  const campaign = await api.newCampaign(shop.brand, 10, fields);
  return { shop, campaign };
}

async function noAlarm(campaign: string): Promise<void> {
  await runInDurableObject(poolOf(campaign), (_pool, { storage }) => storage.deleteAlarm());
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a hold", () => {
  it("keeps a code for its order: others neither hold nor spend it", async () => {
    const { shop, campaign } = await newShop();
    const code = await shop.codeFor(campaign, "u-1");
    const held = await shop.hold(code, "o-1", 600, { user_id: "u-1" });
    expect(held.status).toBe(201);
    expect(held.body).toEqual({
      id: expect.stringMatching(/^hld_/),
      campaign_id: campaign,
      code,
      user_id: "u-1",
      order_id: "o-1",
      status: "open",
      created_at: expect.any(String),
      expires_at: new Date(Date.parse(held.body.created_at) + 600_000).toISOString(),
    });
    expect(held.headers.get("Location")).toBe(`/v1/holds/${held.body.id}`);
    const second = await shop.hold(code, "o-2");
    expect([second.status, slugOf(second), second.body.reason]).toEqual([409, "code-held", "held"]);
    const other = await shop.redeem(code, "o-2");
    expect([other.status, slugOf(other)]).toEqual([409, "code-held"]);
    expect(await shop.validate(code)).toMatchObject({ valid: false, reason: "held" });
    expect(await shop.validate(code, { order_id: "o-1" })).toMatchObject({ valid: true });
    expect((await shop.redeem(code, "o-1")).status).toBe(201);
    const read = await shop.send(`GET /v1/holds/${held.body.id}`);
    expect([read.status, read.body["status"]]).toEqual([200, "redeemed"]);
  });

  it("is had by one of many orders at once, and is the same for one that asks often", async () => {
    const { shop, campaign } = await newShop();
    const code = await shop.codeFor(campaign, "u-1");
    const all = Array.from({ length: 30 }, (_, i) => shop.hold(code, `o-${i}`));
    const answers = await Promise.all(all);
    expect(statuses(answers)).toEqual({ 201: 1, 409: 29 });
    const { body } = answers.find(({ status }) => status === 201) ?? {};
    const again = await Promise.all(
      Array.from({ length: 30 }, () => shop.hold(code, body?.order_id ?? "")),
    );
    expect(statuses(again)).toEqual({ 200: 30 });
    expect(new Set(again.map(({ body: { id } }) => id))).toEqual(new Set([body?.id]));
  });

  it("is lengthened by its order, never shortened", async () => {
    const { shop, campaign } = await newShop();
    const code = await shop.codeFor(campaign, "u-1");
    const first = await shop.hold(code, "o-1", 60);
    const longer = await shop.hold(code, "o-1", 600);
    expect(Date.parse(longer.body.expires_at)).toBeGreaterThan(Date.parse(first.body.expires_at));
    const shorter = await shop.hold(code, "o-1", 1);
    expect(shorter.body).toEqual(longer.body);
  });

  it("has lapsed at its end to the millisecond, though no job has run", async () => {
    const { shop, campaign } = await newShop();
    const code = await shop.codeFor(campaign, "u-1");
    const held = await shop.hold(code, "o-1", 5);
    await noAlarm(campaign);
    const end = Date.parse(held.body.expires_at);
    vi.setSystemTime(end - 1);
    expect((await shop.redeem(code, "o-2")).status).toBe(409);
    expect((await shop.hold(code, "o-2")).status).toBe(409);
    vi.setSystemTime(end);
    expect(await shop.validate(code)).toMatchObject({ valid: true });
    expect((await shop.redeem(code, "o-2")).status).toBe(201);
    const read = await shop.send(`GET /v1/holds/${held.body.id}`);
    expect(read.body["status"]).toBe("lapsed");
  });

  it("that has lapsed makes way for another, one of many", async () => {
    const { shop, campaign } = await newShop();
    const code = await shop.codeFor(campaign, "u-1");
    const first = await shop.hold(code, "o-1", 5);
    await noAlarm(campaign);
    vi.setSystemTime(Date.parse(first.body.expires_at));
    const all = Array.from({ length: 20 }, (_, i) => shop.hold(code, `o-${i + 2}`));
    expect(statuses(await Promise.all(all))).toEqual({ 201: 1, 409: 19 });
    // Letting go of the first lets nobody else in.
    expect((await shop.release(first.body.id)).status).toBe(204);
    expect((await shop.redeem(code, "o-1", { hold_id: first.body.id })).status).toBe(409);
  });

  it("lets an order spend the code that names it, also when the order got another number", async () => {
    const { shop, campaign } = await newShop();
    const code = await shop.codeFor(campaign, "u-1");
    const held = await shop.hold(code, "cart-1");
    const spent = await shop.redeem(code, "o-1", { hold_id: held.body.id });
    expect([spent.status, spent.body.order_id]).toEqual([201, "o-1"]);
    const again = await shop.redeem(code, "o-1", { hold_id: held.body.id });
    expect([again.status, again.body]).toEqual([200, spent.body]);
  });

  it("of another code opens nothing", async () => {
    const { shop, campaign } = await newShop();
    const [mine, theirs] = [
      await shop.codeFor(campaign, "u-1"),
      await shop.codeFor(campaign, "u-2"),
    ];
    const held = await shop.hold(theirs, "o-2");
    for (const hold_id of [held.body.id, "hld_none", "x", held.body.id.slice(0, -1) + "99"]) {
      const answer = await shop.redeem(mine, "o-1", { hold_id });
      expect([hold_id, answer.status, answer.text.includes("/hold_id")]).toEqual([
        hold_id,
        422,
        true,
      ]);
    }
    // It does not tell who guesses that there is such a code.
    const guessed = await shop.redeem(mine, "o-1", { hold_id: "hld_none", user_id: "u-9" });
    expect([guessed.status, slugOf(guessed)]).toEqual([409, "code-not-yours"]);
    expect((await shop.redeem(mine, "o-1")).status).toBe(201);
    expect((await shop.redeem(theirs, "o-9")).status).toBe(409);
  });

  it("of another campaign or shard opens nothing, though it has the same number", async () => {
    const { shop, campaign } = await newShop();
    const other = await api.newCampaign(shop.brand, 20, { shards: 2 });
    const here = await shop.hold(await shop.codeFor(campaign, "u-1"), "o-1");
    const there = new Map<string, string>();
    for (let i = 0; there.size < 2; i++) {
      const code = await shop.codeFor(other, `v-${i}`);
      const { body } = await shop.hold(code, `p-${i}`);
      if (body.id.endsWith("1")) there.set(body.id, code);
    }
    const [[first, code] = ["", ""], [second] = [""]] = there;
    for (const hold_id of [here.body.id, second]) {
      const answer = await shop.redeem(code, "o-9", { hold_id });
      expect([answer.status, answer.text.includes("/hold_id")]).toEqual([422, true]);
    }
    expect((await shop.redeem(code, "o-9", { hold_id: first })).status).toBe(201);
  });

  it("is let go, once and again, and then anybody's", async () => {
    const { shop, campaign } = await newShop();
    const code = await shop.codeFor(campaign, "u-1");
    const { body } = await shop.hold(code, "o-1");
    expect((await shop.release(body.id)).status).toBe(204);
    expect((await shop.release(body.id)).status).toBe(204);
    expect((await shop.send(`GET /v1/holds/${body.id}`)).body["status"]).toBe("released");
    const next = await shop.hold(code, "o-2");
    expect(next.status).toBe(201);
    expect((await shop.release(body.id)).status).toBe(204);
    expect((await shop.redeem(code, "o-1")).status).toBe(409);
    for (const id of [
      "hld_none",
      "hld_",
      body.id.slice(0, -1) + "77",
      body.id.slice(0, -3) + "z01",
    ]) {
      expect([id, (await shop.release(id)).status]).toEqual([id, 404]);
    }
  });

  it("survives the eviction of its pool", async () => {
    const { shop, campaign } = await newShop();
    const code = await shop.codeFor(campaign, "u-1");
    await shop.hold(code, "o-1");
    await evictDurableObject(poolOf(campaign));
    expect((await shop.redeem(code, "o-2")).status).toBe(409);
    expect((await shop.redeem(code, "o-1")).status).toBe(201);
  });

  it("ends with its code at the latest", async () => {
    const { shop, campaign } = await newShop({ code_lifetime_seconds: 60 });
    const code = await shop.codeFor(campaign, "u-1");
    const claimed = Date.now();
    const { body } = await shop.hold(code, "o-1", 3_600);
    expect(Date.parse(body.expires_at)).toBeLessThanOrEqual(claimed + 60_000);
    vi.setSystemTime(Date.parse(body.expires_at));
    const late = await shop.hold(code, "o-1");
    expect([late.status, slugOf(late)]).toEqual([409, "code-expired"]);
  });

  it("is refused for a code that is no good, with the reason", async () => {
    const { shop, campaign } = await newShop();
    const rows = await api.listAll<{ code: string }>(
      shop.brand.secret,
      `/v1/campaigns/${campaign}/codes`,
    );
    const free = rows[0]?.code ?? "";
    const code = await shop.codeFor(campaign, "u-1");
    expect(slugOf(await shop.hold("NO-SUCH-CODE", "o-1"))).toBe("code-unknown");
    const unheld = rows.find((row) => row.code !== code)?.code ?? free;
    expect(slugOf(await shop.hold(unheld, "o-1"))).toBe("code-not-claimed");
    expect(slugOf(await shop.hold(code, "o-1", 60, { user_id: "u-2" }))).toBe("code-not-yours");
    await shop.redeem(code, "o-1");
    expect(slugOf(await shop.hold(code, "o-1"))).toBe("code-already-redeemed");
    const other = await shop.codeFor(campaign, "u-2");
    await shop.send("POST /v1/codes/revoke", { codes: [other] });
    expect(slugOf(await shop.hold(other, "o-2"))).toBe("code-revoked");
    for (const seconds of [0, 3_601, 1.5]) {
      expect([seconds, (await shop.hold(code, "o-1", seconds)).status]).toEqual([seconds, 422]);
    }
  });

  it("is the same under its Idempotency-Key, whatever became of it", async () => {
    const { shop, campaign } = await newShop();
    const code = await shop.codeFor(campaign, "u-1");
    const key = "hold-1";
    const first = await shop.hold(code, "o-1", 600, { key });
    const again = await shop.hold(code, "o-1", 600, { key });
    expect([again.status, again.body.id]).toEqual([201, first.body.id]);
    expect(again.headers.get("Idempotent-Replayed")).toBe("true");
    const other = await shop.hold(code, "o-2", 600, { key });
    expect([other.status, slugOf(other)]).toEqual([422, "idempotency-key-reused"]);
    // A key means one call: the same for a redemption is another request.
    expect((await shop.redeem(code, "o-1", {}, { "Idempotency-Key": key })).status).toBe(201);
    const late = await shop.hold(code, "o-1", 600, { key });
    expect([late.status, late.body.id, late.body.status]).toEqual([201, first.body.id, "redeemed"]);
  });

  it("is nobody else's to see or let go", async () => {
    const { shop, campaign } = await newShop();
    const rival = new Shop(api, await api.newBrand());
    const code = await shop.codeFor(campaign, "u-1");
    const { body } = await shop.hold(code, "o-1");
    expect((await rival.release(body.id)).status).toBe(404);
    expect((await rival.send(`GET /v1/holds/${body.id}`)).status).toBe(404);
    expect(slugOf(await rival.hold(code, "o-1"))).toBe("code-unknown");
    expect((await shop.redeem(code, "o-2")).status).toBe(409);
  });

  it("leaves no more than a month of others behind it", async () => {
    const { shop, campaign } = await newShop();
    const code = await shop.codeFor(campaign, "u-1");
    const start = Date.now();
    vi.setSystemTime(start);
    for (let i = 0; i < 6; i++) {
      await shop.hold(code, `o-${i}`, 1);
      vi.setSystemTime(start + (i + 1) * 5_000);
    }
    vi.setSystemTime(start + 40 * 86_400_000);
    for (let i = 6; i < 10; i++) await shop.release((await shop.hold(code, `o-${i}`)).body.id);
    const kept = await runInDurableObject(poolOf(campaign), (_pool, { storage }) =>
      storage.sql.exec("SELECT order_id FROM holds ORDER BY number").toArray(),
    );
    expect(kept.map(({ order_id }) => order_id)).toEqual(["o-6", "o-7", "o-8", "o-9"]);
  });
});
