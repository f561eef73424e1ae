import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { IDEMPOTENCY_KEPT_MS } from "../../src/code-pool/requests.ts";
import { userKeyOf } from "../../src/code-pool/stub.ts";
import { findCampaign } from "../../src/db/campaigns.ts";
import { shardOf } from "../../src/domain/claim.ts";
import { base32 } from "../../src/domain/id.ts";
import type { Answer, Brand, ClaimBody } from "../support/api.ts";
import { newSecretKey } from "../support/brand-key.ts";
import { staleRequest } from "../support/pool-requests.ts";
import { api } from "../support/worker-api.ts";

const REPLAYED = "Idempotent-Replayed";

const poolOf = (campaign: string, shard = 0) => env.CODE_POOL.getByName(`${campaign}/${shard}`);

const claim = (brand: Brand, campaign: string, key: string, body: object) =>
  api.send<ClaimBody & { type: string }>(
    brand.secret,
    `POST /v1/campaigns/${campaign}/claims`,
    body,
    { "Idempotency-Key": key },
  );

const redeem = (brand: Brand, key: string, body: object) =>
  api.send<{ id: string; type: string }>(brand.secret, "POST /v1/redemptions", body, {
    "Idempotency-Key": key,
  });

const hold = (brand: Brand, key: string, body: object) =>
  api.send<{ id: string; type: string }>(brand.secret, "POST /v1/holds", body, {
    "Idempotency-Key": key,
  });

const user = (id: string) => ({ user: { id } });

/** Everything that an answer with a key is held to: the same but for the marks of a repeat. */
function expectReplay(again: Answer<object>, first: Answer<object>): void {
  expect([again.status, again.text]).toEqual([first.status, first.text]);
  expect([first.headers.get(REPLAYED), again.headers.get(REPLAYED)]).toEqual([null, "true"]);
  expect(again.headers.get("Location")).toBe(first.headers.get("Location"));
}

function expectReused(answer: Answer<{ type: string }>): void {
  expect([answer.status, answer.body.type.split("/").at(-1)]).toEqual([
    422,
    "idempotency-key-reused",
  ]);
  expect(answer.headers.get(REPLAYED)).toBeNull();
}

async function keysKept(object: string): Promise<number> {
  return runInDurableObject(
    env.CODE_POOL.getByName(object),
    (_pool, { storage }) =>
      storage.sql.exec<{ kept: number }>("SELECT count(*) AS kept FROM requests").one().kept,
  );
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a claim with an Idempotency-Key", () => {
  it("gets its first answer again, 201 and all, quoted or not and in any order of fields", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10, { claims_per_user: 3 });
    const body = {
      user: { id: "u-1", name: "Ann" },
      consent: { share_contact: true, version: "1" },
    };
    const first = await claim(brand, campaign, "abc", body);
    expect([first.status, first.headers.get(REPLAYED)]).toEqual([201, null]);
    const next = await claim(brand, campaign, "abd", body);
    expect(next.status).toBe(201);
    expect(next.body.code).not.toBe(first.body.code);
    await evictDurableObject(poolOf(campaign));
    expectReplay(await claim(brand, campaign, '"abc"', body), first);
    const turned = {
      consent: { version: "1", share_contact: true },
      user: { name: "Ann", id: "u-1" },
    };
    expectReplay(await claim(brand, campaign, "abc", turned), first);
    expect((await api.integrity(brand, campaign)).claimed).toBe(2);
  });

  it("gets it whatever became of the claim since", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10);
    const first = await claim(brand, campaign, "k-1", user("u-1"));
    const second = await claim(brand, campaign, "k-2", user("u-2"));
    await redeem(brand, "k", { code: first.body.code, order_id: "o-1" });
    await api.send(brand.secret, "POST /v1/codes/revoke", { codes: [second.body.code] });
    await api.send(brand.secret, `POST /v1/campaigns/${campaign}/end`);
    expectReplay(await claim(brand, campaign, "k-1", user("u-1")), first);
    expectReplay(await claim(brand, campaign, "k-2", user("u-2")), second);
    // Another key, or none, gets what is now; and from then on that.
    const now = await claim(brand, campaign, "k-3", user("u-1"));
    expect([now.status, now.body.status, now.headers.get(REPLAYED)]).toEqual([
      200,
      "redeemed",
      null,
    ]);
    expectReplay(await claim(brand, campaign, "k-3", user("u-1")), now);
  });

  it("shows the campaign's present discount", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    const first = await claim(brand, campaign, "k", user("u-1"));
    const discount = { type: "percentage", value: 30 };
    await api.send(brand.secret, `PATCH /v1/campaigns/${campaign}`, { discount });
    const again = await claim(brand, campaign, "k", user("u-1"));
    expect([again.status, again.body]).toEqual([201, { ...first.body, discount }]);
  });

  it("that got 200 stays with that code, though another one is due later", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1, { claims_per_user: 2 });
    const held = await claim(brand, campaign, "k-1", user("u-1"));
    const none = await claim(brand, campaign, "k-2", user("u-1"));
    expect([none.status, none.body.code]).toEqual([200, held.body.code]);
    await api.addCodes(brand, campaign, 1);
    expectReplay(await claim(brand, campaign, "k-2", user("u-1")), none);
    expect((await claim(brand, campaign, "k-3", user("u-1"))).status).toBe(201);
  });

  it("is refused with another body, and free in another campaign or for another brand", async () => {
    const brand = await api.newBrand();
    const rival = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10);
    const first = await claim(brand, campaign, "k", user("u-1"));
    expectReused(await claim(brand, campaign, "k", user("u-2")));
    expectReused(await claim(brand, campaign, "k", { user: { id: "u-1", name: "Ann" } }));
    expectReplay(await claim(brand, campaign, "k", user("u-1")), first);
    const other = await api.newCampaign(brand, 1);
    await api.addCodes(rival, "default", 1);
    for (const answer of [
      await claim(brand, other, "k", user("u-2")),
      await claim(rival, "default", "k", user("u-2")),
    ]) {
      expect([answer.status, answer.headers.get(REPLAYED)]).toEqual([201, null]);
    }
    expect((await api.integrity(brand, campaign)).claimed).toBe(1);
  });

  it("is judged anew after a refusal", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    expect((await claim(brand, campaign, "k", user("u-1"))).status).toBe(409);
    await api.addCodes(brand, campaign, 1);
    await api.send(brand.secret, `POST /v1/campaigns/${campaign}/pause`);
    expect((await claim(brand, campaign, "k", user("u-1"))).status).toBe(409);
    await api.send(brand.secret, `POST /v1/campaigns/${campaign}/resume`);
    expect((await claim(brand, campaign, "k", user("u-1"))).status).toBe(201);
  });

  it.each([1, 4])(
    "has one effect and one answer when it comes 50 times at once (%i shards)",
    async (shards) => {
      const brand = await api.newBrand();
      const campaign = await api.newCampaign(brand, 60, { claims_per_user: 5, shards });
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => claim(brand, campaign, "k", user("u-1"))),
      );
      expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
      expect(answers[0]?.status).toBe(201);
      const fresh = answers.filter(({ headers }) => headers.get(REPLAYED) === null);
      expect(fresh.length).toBe(1);
      expect((await api.integrity(brand, campaign)).claimed).toBe(1);
    },
  );

  it("means one request also where its users meet different shards", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 60, { shards: 4 });
    for (let round = 0; round < 8; round++) {
      const bodies = Array.from({ length: 8 }, (_, i) => user(`u-${round}-${i}`));
      const answers = await Promise.all(
        bodies.map((body) => claim(brand, campaign, `k-${round}`, body)),
      );
      const won = answers.flatMap(({ status }, i) => (status === 201 ? [i] : []));
      expect(won.length).toBe(1);
      answers.filter((_, i) => i !== won[0]).forEach(expectReused);
      const winner = won[0] ?? -1;
      const again = await claim(brand, campaign, `k-${round}`, bodies[winner] ?? {});
      expectReplay(again, answers[winner] as Answer<object>);
    }
    expect((await api.integrity(brand, campaign)).claimed).toBe(8);
  });

  it("writes one row more than one without", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    await api.claim(brand, campaign, "u-1");
    await runInDurableObject(poolOf(campaign), async (pool, { storage }) => {
      const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
      const { sql } = storage;
      const exec = sql.exec.bind(sql);
      Object.defineProperty(sql, "exec", {
        configurable: true,
        value: (...parameters: Parameters<typeof exec>) => {
          const cursor = exec(...parameters);
          cursors.push(cursor);
          return cursor;
        },
      });
      const rowsOf = async (userKey: string, hash: string) => {
        cursors.length = 0;
        await pool.claim(staleRequest(campaign, { userKey, key: { hash, fingerprint: userKey } }));
        return cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
      };
      expect([await rowsOf("k1", "a"), await rowsOf("k1", "a"), await rowsOf("k1", "b")]).toEqual([
        3, 0, 1,
      ]);
      Reflect.deleteProperty(sql, "exec");
    });
  });

  it("that is passed on twice by the Worker is no repeat by the caller", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const request = staleRequest(campaign, { key: { hash: "a", fingerprint: "f" } });
    const first = await poolOf(campaign).claim(request);
    expect(first).toMatchObject({ kind: "granted", isReplay: false });
    expect(await poolOf(campaign).claim(request)).toEqual(first);
    const attempt = "another";
    expect(await poolOf(campaign).claim({ ...request, attempt })).toEqual({
      ...first,
      isReplay: true,
    });
  });

  it("is kept in such a way that nothing of key or body can be read", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    await claim(brand, campaign, "ann@example.com", user("u-1"));
    await runInDurableObject(poolOf(campaign), (_pool, { storage }) => {
      const rows = storage.sql.exec("SELECT * FROM requests").toArray();
      expect(rows).toMatchObject([{ key_hash: expect.stringMatching(/^[0-9a-z]{52}$/) }]);
      expect(JSON.stringify(rows)).not.toMatch(/ann|u-1/);
    });
  });

  it("is forgotten after 30 days, and then deleted by the alarm", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5, { claims_per_user: 3 });
    const started = Date.now();
    const first = await claim(brand, campaign, "k", user("u-1"));
    await runDurableObjectAlarm(poolOf(campaign));
    vi.setSystemTime(started + IDEMPOTENCY_KEPT_MS - 60_000);
    await runDurableObjectAlarm(poolOf(campaign));
    expect(await keysKept(`${campaign}/0`)).toBe(1);
    expectReplay(await claim(brand, campaign, "k", user("u-1")), first);
    vi.setSystemTime(started + IDEMPOTENCY_KEPT_MS + 60_000);
    const anew = await claim(brand, campaign, "k", user("u-1"));
    expect([anew.status, anew.headers.get(REPLAYED)]).toEqual([201, null]);
    expect(anew.body.code).not.toBe(first.body.code);
    await claim(brand, campaign, "fresh", user("u-2"));
    vi.setSystemTime(started + 2 * IDEMPOTENCY_KEPT_MS);
    await claim(brand, campaign, "fresher", user("u-3"));
    // The alarm comes once more for what was kept.
    expect(await runDurableObjectAlarm(poolOf(campaign))).toBe(true);
    expect(await keysKept(`${campaign}/0`)).toBe(3);
    vi.setSystemTime(started + 2 * IDEMPOTENCY_KEPT_MS + 2 * 86_400_000);
    expect(await runDurableObjectAlarm(poolOf(campaign))).toBe(true);
    expect(await keysKept(`${campaign}/0`)).toBe(1);
  });

  it("is looked for in parts, so that no alarm takes long", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    await api.claim(brand, campaign, "u-1");
    await runInDurableObject(poolOf(campaign), (_pool, { storage }) => {
      storage.sql.exec(
        `INSERT INTO requests (key_hash, fingerprint, kind, made_at)
         SELECT 'h' || value, 'f', 'bound', CASE WHEN value % 2 THEN 0 ELSE ? END
         FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 12000) SELECT value FROM n)`,
        Date.now(),
      );
    });
    const kept = [];
    for (let run = 0; run < 4; run++) {
      await runDurableObjectAlarm(poolOf(campaign));
      kept.push(await keysKept(`${campaign}/0`));
      await scheduler.wait(1_050);
    }
    expect(Math.abs((kept[0] ?? 0) - 9_500)).toBeLessThan(10);
    expect(kept.at(-1)).toBe(6_000);
  });
});

describe("a key that is bound", () => {
  it("keeps its request although that was refused, and its own shard knows it", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0, { shards: 2 });
    const row = await findCampaign(env.DB, { brandId: brand.id, mode: null }, campaign);
    if (row === null) throw new Error("No campaign");
    const shards = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => shardOf(await userKeyOf(row, `u-${i}`), 2)),
    );
    expect(new Set(shards).size).toBe(2);
    for (let i = 0; i < 20; i++) {
      expect((await claim(brand, campaign, `k-${i}`, user(`u-${i}`))).status).toBe(409);
    }
    const kept = [await keysKept(`${campaign}/0`), await keysKept(`${campaign}/1`)];
    // Only where the user's shard is not the key's.
    expect(kept[0] ?? 0).toBeLessThan(20);
    await api.addCodes(brand, campaign, 20);
    for (let i = 0; i < 20; i++) {
      expect((await claim(brand, campaign, `k-${i}`, user(`u-${i}`))).status).toBe(201);
      expectReused(await claim(brand, campaign, `k-${i}`, user(`u-${(i + 1) % 20}`)));
    }
  });
});

describe("a redemption with an Idempotency-Key", () => {
  it("gets its first answer again, also 50 times at once", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const { code } = (await api.claim(brand, campaign, "u-1")).body;
    const body = { code, order_id: "o-1" };
    const answers = await Promise.all(Array.from({ length: 50 }, () => redeem(brand, "k", body)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    const fresh = answers.filter(({ headers }) => headers.get(REPLAYED) === null);
    expect(fresh.map(({ status }) => status)).toEqual([201]);
    await api.send(brand.secret, "POST /v1/codes/revoke", { codes: [code] });
    await evictDurableObject(poolOf(campaign));
    expectReplay(await redeem(brand, '"k"', body), fresh[0] as Answer<object>);
    // By another key, or none, it is the repeat of an order.
    const repeated = await redeem(brand, "k-2", body);
    expect([repeated.status, repeated.headers.get(REPLAYED)]).toEqual([200, null]);
    expectReplay(await redeem(brand, "k-2", body), repeated);
  });

  it("is refused with another order, and with a code of another campaign", async () => {
    const brand = await api.newBrand();
    const one = await api.newCampaign(brand, 5);
    const other = await api.newCampaign(brand, 5, { shards: 3 });
    const { code } = (await api.claim(brand, one, "u-1")).body;
    const { code: otherCode } = (await api.claim(brand, other, "u-1")).body;
    expect((await redeem(brand, "k", { code, order_id: "o-1" })).status).toBe(201);
    expectReused(await redeem(brand, "k", { code, order_id: "o-2" }));
    expectReused(await redeem(brand, "k", { code: otherCode, order_id: "o-1" }));
    const free = await redeem(brand, "k-2", { code: otherCode, order_id: "o-1" });
    expect(free.status).toBe(201);
    // The key of a claim is another: it belongs to another call.
    expect((await claim(brand, one, "k", user("u-2"))).status).toBe(201);
  });

  it("is another with a key of the other mode", async () => {
    const brand = await api.newBrand();
    const tester = { ...brand, secret: await newSecretKey(brand.id, "test") };
    const testCode = await api.claim(tester, await api.newCampaign(tester, 1), "u-1");
    const liveCode = await api.claim(brand, await api.newCampaign(brand, 1), "u-1");
    const test = await redeem(tester, "k", { code: testCode.body.code, order_id: "o-1" });
    expect(test.status).toBe(201);
    const live = await redeem(brand, "k", { code: liveCode.body.code, order_id: "o-1" });
    expect([live.status, live.headers.get(REPLAYED)]).toEqual([201, null]);
    expectReused(await redeem(tester, "k", { code: testCode.body.code, order_id: "o-2" }));
  });

  it("is kept in such a way that nobody can try out whose request it was", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const { code } = (await api.claim(brand, campaign, "u-1")).body;
    const body = { code, order_id: "o-1", user_id: "u-1" };
    expect((await redeem(brand, "k", body)).status).toBe(201);
    expectReused(await redeem(brand, "k", { code, order_id: "o-1" }));
    await api.send(brand.secret, "DELETE /v1/users/u-1");
    // What anybody could compute who reads the pool and guesses the user.
    const guess = new TextEncoder().encode(
      JSON.stringify([brand.id, "POST /v1/redemptions", JSON.stringify(body)]),
    );
    const guessed = base32(new Uint8Array(await crypto.subtle.digest("SHA-256", guess)));
    await runInDurableObject(poolOf(campaign), (_pool, { storage }) => {
      const rows = storage.sql.exec("SELECT fingerprint FROM requests").toArray();
      expect(rows.length).toBe(1);
      expect(rows).not.toEqual([{ fingerprint: guessed }]);
    });
    expect((await redeem(brand, "k", body)).status).toBe(201);
  });

  it("is judged anew after a refusal", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    const [free] = await api.listAll<{ code: string }>(
      brand.secret,
      `/v1/campaigns/${campaign}/codes`,
    );
    const body = { code: free?.code, order_id: "o-1" };
    expect((await redeem(brand, "k", body)).status).toBe(409);
    await api.claim(brand, campaign, "u-1");
    expect((await redeem(brand, "k", body)).status).toBe(201);
  });

  it("is asked of one of 1–255 visible ASCII characters", async () => {
    const brand = await api.newBrand();
    for (const key of ['""', "k".repeat(256), "a b"]) {
      const answer = await redeem(brand, key, { code: "X", order_id: "o" });
      expect([key, answer.status]).toEqual([key, 400]);
    }
  });
});

describe("a hold with an Idempotency-Key", () => {
  it("gets its first answer again, also 50 times at once, and is there once", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 2);
    const { code } = (await api.claim(brand, campaign, "u-1")).body;
    const body = { code, order_id: "o-1", ttl_seconds: 600 };
    const answers = await Promise.all(Array.from({ length: 50 }, () => hold(brand, "k", body)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    const [fresh, ...others] = answers.filter(({ headers }) => headers.get(REPLAYED) === null);
    expect([fresh?.status, others]).toEqual([201, []]);
    await evictDurableObject(poolOf(campaign));
    expectReplay(await hold(brand, '"k"', body), fresh as Answer<object>);
    // By another key it is the repeat of an order.
    const repeated = await hold(brand, "k-2", body);
    expect([repeated.status, repeated.body.id]).toEqual([200, fresh?.body.id]);
  });

  it("is refused with another order or time, and free for the redemption of the code", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 2);
    const { code } = (await api.claim(brand, campaign, "u-1")).body;
    const body = { code, order_id: "o-1", ttl_seconds: 600 };
    const made = await hold(brand, "k", body);
    expect(made.status).toBe(201);
    expectReused(await hold(brand, "k", { ...body, order_id: "o-2" }));
    expectReused(await hold(brand, "k", { ...body, ttl_seconds: 601 }));
    const held = await api.send(brand.secret, `GET /v1/holds/${made.body.id}`);
    expect(held.body).toEqual(made.body);
    // The key of a redemption is another: it belongs to another call.
    expect((await redeem(brand, "k", { code, order_id: "o-1" })).status).toBe(201);
  });

  it("that is refused is judged anew, and refuses what is no key", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    const [free] = await api.listAll<{ code: string }>(
      brand.secret,
      `/v1/campaigns/${campaign}/codes`,
    );
    const body = { code: free?.code, order_id: "o-1", ttl_seconds: 600 };
    expect((await hold(brand, "k", body)).status).toBe(409);
    await api.claim(brand, campaign, "u-1");
    expect((await hold(brand, "k", body)).status).toBe(201);
    expect((await hold(brand, "a b", body)).status).toBe(400);
  });
});
