import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { drawText } from "../../src/domain/code-format.ts";
import { randomBytes } from "../../src/db/new-id.ts";
import type { Brand } from "../support/api.ts";
import { faultyD1 } from "../support/faulty-d1.ts";
import { Random } from "../support/random.ts";
import { api } from "../support/worker-api.ts";
import { apiWith, countingApi, measuringApi } from "../support/watched-api.ts";

interface Validation {
  valid: boolean;
  reason: string | null;
  campaign_id: string | null;
  discount_amount?: number;
}

interface Redemption {
  id: string;
  code: string;
  user_id: string;
  order_id: string;
  discount_amount: number | null;
}

const poolOf = (campaign: string, shard = 0) => env.CODE_POOL.getByName(`${campaign}/${shard}`);

async function validate(brand: Brand, code: string, more: object = {}): Promise<Validation> {
  const answer = await api.send<Validation>(brand.secret, "POST /v1/codes/validate", {
    code,
    ...more,
  });
  expect(answer.status).toBe(200);
  return answer.body;
}

async function redeem(brand: Brand, code: string, order = "o-1", more: object = {}) {
  const body = { code, order_id: order, ...more };
  return api.send<Redemption & { type: string; reason: string }>(
    brand.secret,
    "POST /v1/redemptions",
    body,
  );
}

async function revoke(brand: Brand, ...codes: string[]): Promise<string[]> {
  const answer = await api.send<{ data: { code: string; result: string }[] }>(
    brand.secret,
    "POST /v1/codes/revoke",
    { codes, reason: "leaked" },
  );
  expect([answer.status, answer.body.data.map(({ code }) => code)]).toEqual([200, codes]);
  return answer.body.data.map(({ result }) => result);
}

async function lookUp(brand: Brand, code: string) {
  return api.send<{ history: { event: string }[] }>(brand.secret, "POST /v1/codes/lookup", {
    code,
  });
}

async function codesOf(brand: Brand, campaign: string): Promise<string[]> {
  const rows = await api.listAll<{ code: string }>(brand.secret, `/v1/campaigns/${campaign}/codes`);
  return rows.map(({ code }) => code);
}

/** Shows D1 all that the campaign's one pool knows. */
async function shown(campaign: string): Promise<void> {
  while (await runDurableObjectAlarm(poolOf(campaign)));
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a code at the checkout", () => {
  it("is spent once: the same order again gets the same redemption, another is refused", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5, {
      discount: { type: "percentage", value: 15 },
    });
    const claim = (await api.claim(brand, campaign, "u-1")).body;
    const order = { amount: 4_990, currency: "EUR" };
    expect(await validate(brand, claim.code, { order })).toEqual({
      valid: true,
      reason: null,
      campaign_id: campaign,
      discount: { type: "percentage", value: 15 },
      discount_amount: 749,
    });
    const spent = await redeem(brand, claim.code, "o-1", { order, user_id: "u-1" });
    expect(spent.status).toBe(201);
    expect(spent.body).toEqual({
      id: expect.stringMatching(/^rdm_/),
      campaign_id: campaign,
      claim_id: claim.id,
      code: claim.code,
      user_id: "u-1",
      order_id: "o-1",
      status: "redeemed",
      order,
      discount: { type: "percentage", value: 15 },
      discount_amount: 749,
      redeemed_at: expect.any(String),
      rolled_back_at: null,
      rollback_reason: null,
    });
    expect(spent.headers.get("Location")).toBe(`/v1/redemptions/${spent.body.id}`);
    const read = await api.send(brand.secret, `GET /v1/redemptions/${spent.body.id}`);
    expect([read.status, read.body]).toEqual([200, spent.body]);
    const again = await redeem(brand, claim.code, "o-1");
    expect([again.status, again.body]).toEqual([200, spent.body]);
    const other = await redeem(brand, claim.code, "o-2");
    expect([other.status, other.body.reason]).toEqual([409, "redeemed"]);
    expect(other.body.type).toMatch(/code-already-redeemed$/);
    expect(await validate(brand, claim.code)).toMatchObject({ valid: false, reason: "redeemed" });
    const shownNow = await api.send(brand.secret, `GET /v1/claims/${claim.id}`);
    expect(shownNow.body).toMatchObject({ status: "redeemed" });
    await shown(campaign);
    const rows = await api.listAll(brand.secret, `/v1/campaigns/${campaign}/codes?status=redeemed`);
    expect(rows).toEqual([
      expect.objectContaining({ code: claim.code, redeemed_at: spent.body["redeemed_at" as "id"] }),
    ]);
    const stats = await api.send(brand.secret, `GET /v1/campaigns/${campaign}/stats`);
    expect(stats.body["totals"]).toMatchObject({ codes: 5, available: 4, redeemed: 1, claimed: 0 });
    expect((await api.integrity(brand, campaign)).ok).toBe(true);
  });

  it("is spent by one of many orders that come at once", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 2);
    const { code } = (await api.claim(brand, campaign, "u-1")).body;
    const orders = Array.from({ length: 40 }, (_, i) => `o-${i}`);
    const answers = await Promise.all(orders.map((order) => redeem(brand, code, order)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201).length).toBe(1);
    expect(statuses.filter((status) => status === 409).length).toBe(39);
  });

  it("is known at once, whatever D1 shows of its claim, and after its pool was evicted", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 40, { shards: 4 });
    for (let i = 0; i < 12; i++) {
      const { code } = (await api.claim(brand, campaign, `u-${i}`)).body;
      expect(await validate(brand, code)).toMatchObject({ valid: true });
      if (i % 3 === 0) {
        for (let shard = 0; shard < 4; shard++) {
          await poolOf(campaign, shard).ping();
          await evictDurableObject(poolOf(campaign, shard));
        }
      }
      expect((await redeem(brand, code, `o-${i}`)).status).toBe(201);
    }
    expect((await api.integrity(brand, campaign)).ok).toBe(true);
  });

  it("is refused with the reason", async () => {
    const brand = await api.newBrand();
    const rival = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5, { code_lifetime_seconds: 60 });
    const { code } = (await api.claim(brand, campaign, "u-1")).body;
    const free = (await codesOf(brand, campaign)).find((other) => other !== code) ?? "";
    const refusal = async (owner: Brand, text: string, more: object = {}) => {
      const { valid, reason } = await validate(owner, text, more);
      const answer = await redeem(owner, text, "o-1", more);
      expect([valid, answer.body.reason]).toEqual([false, reason]);
      return [answer.status, answer.body.type.split("/").at(-1)];
    };
    expect(await refusal(brand, "NO-SUCH-CODE")).toEqual([404, "code-unknown"]);
    expect(await refusal(rival, code)).toEqual([404, "code-unknown"]);
    expect(await refusal(brand, free)).toEqual([409, "code-not-claimed"]);
    expect(await refusal(brand, code, { user_id: "u-2" })).toEqual([409, "code-not-yours"]);
    vi.setSystemTime(Date.now() + 60_000);
    expect(await refusal(brand, code)).toEqual([409, "code-expired"]);
    vi.useRealTimers();
    await revoke(brand, code, free);
    expect(await refusal(brand, code)).toEqual([409, "code-revoked"]);
    expect(await refusal(brand, free)).toEqual([409, "code-revoked"]);
  });

  it("is meant however it is typed", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0, {
      code_format: { alphabet: "01ADEF", length: 16, prefix: "GO-" },
    });
    await api.addCodes(brand, campaign, 20);
    const { code } = (await api.claim(brand, campaign, "u-1")).body;
    const typed = code.toLowerCase().replaceAll("0", "o").replaceAll("1", "l").replace("-", " – ");
    expect(typed).not.toBe(code);
    expect((await redeem(brand, ` ${typed} `)).body).toMatchObject({ code, user_id: "u-1" });
  });

  it("that is a guess is refused without asking D1 or a pool", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10);
    const { code } = (await api.claim(brand, campaign, "u-1")).body;
    const { api: watched, calls } = countingApi();
    const guess = (text: string) =>
      watched.send<Validation>(brand.secret, "POST /v1/codes/validate", { code: text });
    expect((await guess(code)).body.valid).toBe(true);
    Object.assign(calls, { d1: 0, objects: 0 });
    const letters = "CDFGHJKMNPQRTVWXY23456789";
    for (let i = 0; i < 50; i++) {
      const last = code.endsWith("C") ? "D" : "C";
      const text = i === 0 ? code.slice(0, -1) + last : drawText(12, letters, randomBytes);
      const answer = await guess(text);
      expect([answer.status, answer.body.reason]).toEqual([200, "unknown"]);
    }
    // 1 guess in 625 passes for a code, and is looked for in D1.
    expect(calls.d1).toBeLessThanOrEqual(3);
    expect(calls.objects).toBe(0);
    Object.assign(calls, { d1: 0 });
    const spent = await watched.send(brand.secret, "POST /v1/redemptions", {
      code: code.slice(0, -1) + (code.endsWith("C") ? "D" : "C"),
      order_id: "o-1",
    });
    expect([spent.status, calls]).toEqual([404, { d1: 0, objects: 0 }]);
    Object.assign(calls, { d1: 0 });
    expect((await guess(code)).body.valid).toBe(true);
    expect(calls).toEqual({ d1: 1, objects: 1 });
  });

  it("is not called unknown while D1 is down", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const { code } = (await api.claim(brand, campaign, "u-1")).body;
    const down = apiWith({
      DB: faultyD1(env.DB, [{ when: "before", sql: /match_key/, times: 9 }]),
    });
    for (const [route, body] of [
      ["POST /v1/codes/validate", { code }],
      ["POST /v1/redemptions", { code, order_id: "o-1" }],
    ] as const) {
      const answer = await down.send(brand.secret, route, body);
      expect([route, answer.status]).toEqual([route, 503]);
    }
  });
});

describe("a rotated check key", () => {
  it("seals new codes once everybody knows it, and old ones stay good", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 3);
    const old = (await api.claim(brand, campaign, "u-1")).body.code;
    const rotated = await api.send(brand.secret, "POST /v1/brand/rotate-check-key");
    expect([rotated.status, rotated.body]).toEqual([
      200,
      { shapes: 1, in_use_from: expect.any(String) },
    ]);
    const shapesUsed = async () =>
      (
        await env.DB.prepare(
          "SELECT count(DISTINCT shape_id) AS shapes FROM batches WHERE campaign_id = ?",
        )
          .bind(campaign)
          .first<{ shapes: number }>()
      )?.shapes;
    await api.addCodes(brand, campaign, 3);
    expect(await shapesUsed()).toBe(1);
    vi.setSystemTime(Date.parse(String(rotated.body["in_use_from"])));
    await api.addCodes(brand, campaign, 3);
    expect(await shapesUsed()).toBe(2);
    for (let i = 2; i <= 9; i++) {
      const { code } = (await api.claim(brand, campaign, `u-${i}`)).body;
      expect([i, (await validate(brand, code)).valid]).toEqual([i, true]);
    }
    expect((await validate(brand, old)).valid).toBe(true);
  });
});

describe("a revoked code", () => {
  it("is never given, wherever it lay: in D1, in a pool, or on its way", async () => {
    const brand = await api.newBrand();
    for (const shards of [1, 3]) {
      const campaign = await api.newCampaign(brand, 30, { shards });
      const codes = await codesOf(brand, campaign);
      // Some lie in D1, then the rest of a block in a pool.
      expect(await revoke(brand, ...codes.slice(0, 5))).toEqual(Array(5).fill("revoked"));
      const first = (await api.claim(brand, campaign, "u-0")).body.code;
      const free = codes.filter((code) => code !== first);
      expect(await revoke(brand, ...free.slice(4, 14))).toContain("revoked");
      const dead = new Set([...codes.slice(0, 5), ...free.slice(4, 14)]);
      const users = Array.from({ length: 40 }, (_, i) => `u-${i}`);
      const answers = await Promise.all(users.map((user) => api.claim(brand, campaign, user)));
      const given = answers.filter(({ status }) => status < 300).map(({ body }) => body.code);
      expect(new Set(given).size).toBe(30 - dead.size);
      expect(given.filter((code) => dead.has(code) && code !== first)).toEqual([]);
      expect(answers.filter(({ status }) => status === 409).length).toBe(10 + dead.size);
      const report = await api.integrity(brand, campaign);
      expect(report).toMatchObject({
        ok: true,
        codes: 30,
        claimed: 30 - dead.size,
        revoked: dead.size,
        available: 0,
        leased: 0,
      });
      const stats = await api.send(brand.secret, `GET /v1/campaigns/${campaign}/stats`);
      expect(stats.body["totals"]).toMatchObject({ codes: 30, revoked: dead.size, available: 0 });
    }
  });

  it("that comes back to another shard with its block stays revoked", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 8, { shards: 2 });
    const codes = await codesOf(brand, campaign);
    await api.claim(brand, campaign, "u-x");
    const last = codes.slice(4);
    await revoke(brand, ...last);
    const answers = [];
    for (let i = 0; i < 20; i++) answers.push(await api.claim(brand, campaign, `u-${i}`));
    const given = answers.filter(({ status }) => status < 300).map(({ body }) => body.code);
    expect(given.filter((code) => last.includes(code))).toEqual([]);
    expect(await api.integrity(brand, campaign)).toMatchObject({
      ok: true,
      revoked: 4,
      claimed: 4,
    });
  });

  it("is revoked also when its block is leased while the revocation is under way", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10);
    const codes = await codesOf(brand, campaign);
    // The lease's answer was lost: D1 has granted it, the pool does not know.
    await runInDurableObject(poolOf(campaign), (pool) => {
      const faults = [{ when: "after" as const, sql: /INSERT INTO leases/, times: 1 }];
      Object.assign(pool, { env: { ...env, DB: faultyD1(env.DB, faults) } });
    });
    expect((await api.claim(brand, campaign, "u-0")).status).toBe(503);
    expect(await revoke(brand, ...codes.slice(0, 9))).toEqual(Array(9).fill("revoked"));
    const users = Array.from({ length: 5 }, (_, i) => `u-${i}`);
    const answers = await Promise.all(users.map((user) => api.claim(brand, campaign, user)));
    const given = answers.filter(({ status }) => status < 300).map(({ body }) => body.code);
    expect(given).toEqual([codes[9]]);
    expect(await api.integrity(brand, campaign)).toMatchObject({
      ok: true,
      revoked: 9,
      claimed: 1,
    });
  });

  it("is no good from the moment that D1 calls it so, though its pool could not be told", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 4);
    const claims = [];
    for (const user of ["u-1", "u-2"]) claims.push((await api.claim(brand, campaign, user)).body);
    const codes = claims.map(({ code }) => code);
    const CODE_POOL = {
      getByName: () => ({ revoke: () => Promise.reject(new Error("lost")) }),
    } as unknown as Env["CODE_POOL"];
    const route = "POST /v1/codes/revoke";
    const broken = await apiWith({ CODE_POOL }).send(brand.secret, route, { codes });
    expect(broken.status).toBe(500);
    for (const code of codes) {
      expect(await validate(brand, code)).toMatchObject({ valid: false, reason: "revoked" });
      expect((await lookUp(brand, code)).body).toMatchObject({ status: "revoked" });
    }
    const [code = ""] = codes;
    expect((await redeem(brand, code)).body.reason).toBe("revoked");
    // Whoever asks for it learns of it too.
    const again = await api.claim(brand, campaign, "u-1");
    expect(again.body).toMatchObject({ code, status: "revoked" });
    expect(await revoke(brand, ...codes)).toEqual(["already-revoked", "already-revoked"]);
  });

  it("stays with its holder, revoked, and is no good at the checkout", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 4);
    const claim = (await api.claim(brand, campaign, "u-1")).body;
    const spent = (await api.claim(brand, campaign, "u-2")).body.code;
    await redeem(brand, spent);
    expect(await revoke(brand, claim.code, spent, "NOPE", claim.code.toLowerCase())).toEqual([
      "revoked",
      "redeemed",
      "unknown",
      "revoked",
    ]);
    expect(await revoke(brand, claim.code)).toEqual(["already-revoked"]);
    expect((await redeem(brand, claim.code)).body.reason).toBe("revoked");
    expect((await redeem(brand, spent)).status).toBe(200);
    const again = await api.claim(brand, campaign, "u-1");
    expect([again.status, again.body]).toEqual([200, { ...claim, status: "revoked" }]);
    expect(await api.integrity(brand, campaign)).toMatchObject({
      ok: true,
      claimed: 2,
      revoked: 0,
    });
    const rival = await api.newBrand();
    expect(await revoke(rival, claim.code)).toEqual(["unknown"]);
  });

  it.each([1, 2, 3, 4])(
    "among claims, lost answers and lost pools is neither given nor in the way (run %i)",
    async (seed) => {
      const random = new Random(seed);
      const brand = await api.newBrand();
      const shards = random.int(1, 4);
      const count = random.int(40, 80);
      const campaign = await api.newCampaign(brand, count, { shards });
      const codes = await codesOf(brand, campaign);
      const dead = new Set<string>();
      const holders = new Map<string, string>();
      const claim = async (user: string) => {
        const deadBefore = new Set(dead);
        for (;;) {
          const { status, body } = await api.claim(brand, campaign, user);
          if (status === 503) continue;
          if (status === 201) expect(deadBefore).not.toContain(body.code);
          if (status < 300) expect([undefined, user]).toContain(holders.get(body.code));
          if (status < 300) holders.set(body.code, user);
          return;
        }
      };
      const ignored = () => undefined;
      const work: (() => Promise<unknown>)[] = [
        async () => {
          const some = Array.from({ length: random.int(1, 5) }, () => random.pick(codes));
          await revoke(brand, ...some);
          for (const code of some) dead.add(code);
        },
        // An object that is evicted while it is called tells its callers; here they do not mind.
        async () => evictDurableObject(poolOf(campaign, random.int(0, shards - 1))).catch(ignored),
        async () => {
          const when = random.pick(["before", "after", "late"] as const);
          const faults = [{ when, sql: /leases/, times: random.int(1, 3) }];
          await runInDurableObject(poolOf(campaign, random.int(0, shards - 1)), (pool) => {
            Object.assign(pool, { env: { ...env, DB: faultyD1(env.DB, faults) } });
          }).catch(ignored);
        },
      ];
      for (let round = 0; round < 10; round++) {
        const claims = Array.from({ length: 7 }, (_, i) => claim(`u-${round}-${i}`));
        const others = work.filter(() => random.chance(0.5)).map((some) => some());
        await Promise.all([...claims, ...others]);
      }
      for (let i = 0; i < count; i++) await claim(`last-${i}`);
      const revokedFree = codes.filter((code) => dead.has(code) && !holders.has(code)).length;
      expect(holders.size + revokedFree).toBe(count);
      expect(await api.integrity(brand, campaign)).toMatchObject({
        ok: true,
        codes: count,
        available: 0,
        leased: 0,
        claimed: holders.size,
        revoked: revokedFree,
      });
      const { body } = await api.send(brand.secret, `GET /v1/campaigns/${campaign}/stats`);
      const totals = { codes: count, available: 0, redeemed: 0, expired: 0 };
      const claimed = count - dead.size;
      expect(body["totals"]).toEqual({ ...totals, claimed, revoked: dead.size });
    },
  );

  it("is found however long the texts are by which codes are found", async () => {
    const brand = await api.newBrand();
    const { api: measured, largest } = measuringApi();
    // Each is found by 15 letters in place of one, and the body has 256 KB.
    const codes = Array.from({ length: 340 }, (_, i) => `${"\ufdfa".repeat(250)}${i}`);
    const route = "POST /v1/codes/revoke";
    const answer = await measured.send<{ data: unknown[] }>(brand.secret, route, { codes });
    expect([answer.status, answer.body.data.length]).toEqual([200, 340]);
    expect(largest.bytes).toBeGreaterThan(1_000_000);
    expect(largest.bytes).toBeLessThanOrEqual(2_000_000);
  });

  it("is one of 1–1,000 in a call", async () => {
    const brand = await api.newBrand();
    for (const codes of [[], Array(1_001).fill("X"), [""], ["a\u0000"], "X"]) {
      const answer = await api.send(brand.secret, "POST /v1/codes/revoke", { codes });
      expect(answer.status).toBe(422);
    }
    expect(await revoke(brand, ...Array<string>(1_000).fill("X"))).toContain("unknown");
  });
});

describe("the look-up of a code", () => {
  it("tells what became of it, whichever campaign it is of", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 3);
    const claim = (await api.claim(brand, campaign, "u-1")).body;
    const spent = (await redeem(brand, claim.code)).body;
    await revoke(brand, claim.code);
    const found = await lookUp(brand, claim.code.replaceAll("-", "").toLowerCase());
    expect(found.status).toBe(200);
    expect(found.body).toMatchObject({
      code: claim.code,
      status: "redeemed",
      campaign_id: campaign,
      claim_id: claim.id,
      user_id: "u-1",
      redemption_id: spent.id,
      order_id: "o-1",
      revoked_reason: "leaked",
    });
    expect(found.body.history.map(({ event }) => event)).toEqual([
      "made",
      "claimed",
      "redeemed",
      "revoked",
    ]);
    const free = (await codesOf(brand, campaign)).find((code) => code !== claim.code) ?? "";
    expect((await lookUp(brand, free)).body).toMatchObject({ status: "available", user_id: null });
    expect((await lookUp(await api.newBrand(), free)).status).toBe(404);
  });
});
