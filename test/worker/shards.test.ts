import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { userKeyOf } from "../../src/code-pool/stub.ts";
import { findCampaign } from "../../src/db/campaigns.ts";
import { shardOf } from "../../src/domain/claim.ts";
import { leaseBlock, settleLease } from "../../src/inventory/leases.ts";
import type { Answer, Brand, ClaimBody } from "../support/api.ts";
import { faultyD1, type Fault } from "../support/faulty-d1.ts";
import { interceptedD1 } from "../support/intercepted-d1.ts";
import { api } from "../support/worker-api.ts";

const GIVE_BACK = /UPDATE leases SET shard = NULL/;

function users(count: number, word = "u"): string[] {
  return Array.from({ length: count }, (_, i) => `${word}-${i}`);
}

/** Claims for every user, `inFlight` at a time; a 503 is asked again, as callers should. */
async function claimAll(source: {
  brand: Brand;
  campaign: string;
  names: string[];
  inFlight: number;
}): Promise<Answer<ClaimBody>[]> {
  const { brand, campaign, names, inFlight } = source;
  const answers: Answer<ClaimBody>[] = [];
  let next = 0;
  async function work() {
    for (let i = next++; i < names.length; i = next++) {
      let answer = await api.claim(brand, campaign, names[i] ?? "");
      for (let again = 0; again < 20 && answer.status === 503; again++) {
        answer = await api.claim(brand, campaign, names[i] ?? "");
      }
      answers[i] = answer;
    }
  }
  await Promise.all(Array.from({ length: inFlight }, work));
  return answers;
}

function tally(answers: Answer<ClaimBody>[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** The pools of a campaign get a D1 that fails as told. */
async function breakD1(campaign: string, shards: number, faults: Fault[]): Promise<void> {
  for (let shard = 0; shard < shards; shard++) {
    await runInDurableObject(env.CODE_POOL.getByName(`${campaign}/${shard}`), (pool) => {
      Object.assign(pool, { env: { ...env, DB: faultyD1(env.DB, faults) } });
    });
  }
}

/** A user of a campaign of two shards whose claims that shard decides. */
async function userOf(brand: Brand, id: string, shard: number): Promise<string> {
  const campaign = await findCampaign(env.DB, { brandId: brand.id, mode: null }, id);
  for (const user of users(100)) {
    if (campaign && shardOf(await userKeyOf(campaign, user), 2) === shard) return user;
  }
  throw new Error(`No user of shard ${shard}`);
}

const sound = { ok: true, duplicate_codes: 0, duplicate_users: 0, stranded: 0, unprojected: 0 };

describe.each([
  { shards: 2, codes: 300, inFlight: 50 },
  { shards: 8, codes: 800, inFlight: 100 },
  { shards: 64, codes: 200, inFlight: 40 },
])("$codes codes over $shards shards", ({ shards, codes, inFlight }) => {
  it("all reach a user, each another, and then the campaign is exhausted", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, codes, { shards });
    const names = users(codes);
    const answers = await claimAll({ brand, campaign, names, inFlight });
    expect(tally(answers)).toEqual({ 201: codes });
    expect(new Set(answers.map(({ body }) => body.code)).size).toBe(codes);
    expect((await api.claim(brand, campaign, "one too many")).status).toBe(409);
    const again = await claimAll({ brand, campaign, names: names.slice(0, 50), inFlight: 10 });
    expect(again.map(({ body }) => body.code)).toEqual(
      answers.slice(0, 50).map(({ body }) => body.code),
    );
    expect(await api.integrity(brand, campaign)).toMatchObject({
      ...sound,
      codes,
      available: 0,
      leased: 0,
      claimed: codes,
    });
    const listed = await api.listAll<ClaimBody>(brand.secret, `/v1/campaigns/${campaign}/claims`);
    expect(new Set(listed.map(({ code }) => code)).size).toBe(codes);
  });
});

describe("more users than codes over 8 shards", () => {
  it("end with as many holders as codes, and refusals for the rest", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 150, { shards: 8 });
    const answers = await claimAll({ brand, campaign, names: users(220), inFlight: 220 });
    expect(tally(answers)).toEqual({ 201: 150, 409: 70 });
    expect(await api.integrity(brand, campaign)).toMatchObject({ ...sound, claimed: 150 });
  });

  it("get codes again at once after a top-up", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5, { shards: 8 });
    await claimAll({ brand, campaign, names: users(5), inFlight: 5 });
    for (let round = 0; round < 5; round++) {
      const refused = await claimAll({ brand, campaign, names: users(8, "late"), inFlight: 8 });
      expect(refused.filter(({ status }) => status === 409).length).toBe(8 - round);
      await api.addCodes(brand, campaign, 1);
      expect((await api.claim(brand, campaign, `late-${round}`)).status).toBe(201);
    }
  });
});

describe("a top-up while a shard proves that nothing is left", () => {
  it("is not hidden by the proof", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0, { shards: 2 });
    const perShard: Fault[][] = [];
    for (const shard of [0, 1]) {
      // The first question finds nothing; so does the second, whose answer takes its time.
      const faults: Fault[] = [
        { when: "count", sql: /INSERT INTO leases/, times: 1 },
        { when: "late", sql: /INSERT INTO leases/, times: 1 },
      ];
      perShard.push(faults);
      await runInDurableObject(env.CODE_POOL.getByName(`${campaign}/${shard}`), (pool) => {
        Object.assign(pool, { env: { ...env, DB: faultyD1(env.DB, faults) } });
      });
    }
    const early = api.claim(brand, campaign, "u-1");
    while (perShard.every((faults) => faults[1]?.times !== 0)) await scheduler.wait(5);
    await scheduler.wait(100);
    await api.addCodes(brand, campaign, 4);
    expect((await early).status).toBe(409);
    expect((await api.claim(brand, campaign, "u-1")).status).toBe(201);
  });
});

describe("a lease that reaches D1 after it was given up", () => {
  it("hides no code from a sibling, though its shard had been told of none before", async () => {
    const brand = await api.newBrand();
    const id = await api.newCampaign(brand, 0, { shards: 2 });
    let held: (() => Promise<unknown>) | null = null;
    const arrive = async () => held?.();
    await runInDurableObject(env.CODE_POOL.getByName(`${id}/1`), (pool) => {
      const DB = interceptedD1(env.DB, async (sql, call) => {
        if (held !== null || !sql.join().includes("INSERT INTO leases")) return call();
        held = call;
        throw new Error("D1_ERROR: Network connection lost");
      });
      Object.assign(pool, { env: { ...env, DB } });
    });
    const [ours, theirs] = [await userOf(brand, id, 0), await userOf(brand, id, 1)];
    expect((await api.claim(brand, id, theirs)).status).toBe(503);
    expect((await api.claim(brand, id, theirs)).status).toBe(409);
    await api.addCodes(brand, id, 1);
    await arrive();
    expect(held).not.toBeNull();
    expect((await api.claim(brand, id, ours)).status).toBe(201);
    expect(await api.integrity(brand, id)).toMatchObject({ ...sound, claimed: 1 });
  });

  it("is not granted any more once it was settled as lost", async () => {
    const brand = await api.newBrand();
    const campaignId = await api.newCampaign(brand, 3);
    const ask = { campaignId, shard: 0, shards: 1, sizeMax: 3, now: 0 };
    for (let again = 0; again < 2; again++) {
      expect(await settleLease(env.DB, "lse_lost")).toBeNull();
    }
    expect(await leaseBlock(env.DB, { ...ask, leaseId: "lse_lost" })).toBeNull();
    const granted = await leaseBlock(env.DB, { ...ask, leaseId: "lse_new" });
    expect(granted?.codes.length).toBe(3);
    for (let again = 0; again < 2; again++) {
      expect(await settleLease(env.DB, "lse_new")).toEqual(granted);
    }
  });
});

describe("the last codes, leased by a shard that never heard of it", () => {
  it("are found by a sibling in need", async () => {
    const brand = await api.newBrand();
    const id = await api.newCampaign(brand, 1, { shards: 2 });
    const lost: Fault[] = [{ when: "after", sql: /INSERT INTO leases/, times: 1 }];
    await breakD1(id, 2, lost);
    const [ours, theirs] = [await userOf(brand, id, 0), await userOf(brand, id, 1)];
    expect((await api.claim(brand, id, theirs)).status).toBe(503);
    expect(lost[0]?.times).toBe(0);
    expect((await api.claim(brand, id, ours)).status).toBe(201);
    expect(await api.integrity(brand, id)).toMatchObject({ ...sound, claimed: 1 });
  });
});

describe("a sold-out campaign whose shards were all thrown out of memory", () => {
  it("asks D1 a few times for each shard, not for each pair of them", async () => {
    const shards = 8;
    const brand = await api.newBrand();
    const id = await api.newCampaign(brand, 8, { shards });
    await claimAll({ brand, campaign: id, names: users(8), inFlight: 4 });
    await claimAll({ brand, campaign: id, names: users(40, "v"), inFlight: 8 });
    for (let shard = 0; shard < shards; shard++) {
      await evictDurableObject(env.CODE_POOL.getByName(`${id}/${shard}`));
    }
    const asked: Fault[] = [{ when: "count", sql: /_leases|INSERT INTO leases/, times: 10_000 }];
    await breakD1(id, shards, asked);
    const refused = await claimAll({ brand, campaign: id, names: users(40, "w"), inFlight: 40 });
    expect(tally(refused)).toEqual({ 409: 40 });
    // Each settles what it had asked for, and asks three times while it searches.
    expect(10_000 - (asked[0]?.times ?? 0)).toBeLessThanOrEqual(5 * shards);
  });
});

describe("one user of 8 shards with claims_per_user 3", () => {
  it("ends with exactly 3 codes after 50 parallel claims with keys of their own", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 100, { shards: 8, claims_per_user: 3 });
    const answers = await Promise.all(
      users(50, "key").map((key) => api.claim(brand, campaign, "u-1", { "Idempotency-Key": key })),
    );
    expect(tally(answers)).toEqual({ 200: 47, 201: 3 });
    expect(new Set(answers.map(({ body }) => body.code)).size).toBe(3);
  });

  it("gets a second code that no shard has leased yet, and a 503 while D1 does not answer", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1, { claims_per_user: 3 });
    const first = await api.claim(brand, campaign, "u-1", { "Idempotency-Key": "one" });
    expect(first.status).toBe(201);
    const none = await api.claim(brand, campaign, "u-1", { "Idempotency-Key": "two" });
    expect([none.status, none.body.code]).toEqual([200, first.body.code]);
    await api.addCodes(brand, campaign, 1);
    await breakD1(campaign, 1, [{ when: "before", sql: /leases/, times: 1 }]);
    const unknown = await api.claim(brand, campaign, "u-1", { "Idempotency-Key": "three" });
    expect(unknown.status).toBe(503);
    const second = await api.claim(brand, campaign, "u-1", { "Idempotency-Key": "three" });
    expect(second.status).toBe(201);
    expect(second.body.code).not.toBe(first.body.code);
  });
});

describe("codes given back by a shard", () => {
  for (const when of ["before", "after"] as const) {
    it(`are neither lost nor given twice when D1's answer is lost ${when} it took effect`, async () => {
      const brand = await api.newBrand();
      const campaign = await api.newCampaign(brand, 60, { shards: 4 });
      const names = users(60);
      const first = await claimAll({ brand, campaign, names: names.slice(0, 20), inFlight: 5 });
      const faults: Fault[] = [{ when, sql: GIVE_BACK, times: 5 }];
      await breakD1(campaign, 4, faults);
      const rest = await claimAll({ brand, campaign, names: names.slice(20), inFlight: 5 });
      // How many are given back depends on which shards the users meet.
      expect(faults[0]?.times).toBeLessThan(5);
      const answers = [...first, ...rest];
      expect(tally(answers)).toEqual({ 201: 60 });
      expect(new Set(answers.map(({ body }) => body.code)).size).toBe(60);
      expect((await api.claim(brand, campaign, "one too many")).status).toBe(409);
      expect(await api.integrity(brand, campaign)).toMatchObject({ ...sound, claimed: 60 });
    });
  }

  it("are not forgotten by the shard that gave them, when it is in need itself", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 2, { shards: 2 });
    for (let round = 0; round < 4; round++) {
      const names = [`u-${round}`];
      expect(tally(await claimAll({ brand, campaign, names, inFlight: 1 }))).toEqual({ 201: 1 });
      if (round < 2) await api.addCodes(brand, campaign, 2);
      await breakD1(campaign, 2, [{ when: "before", sql: GIVE_BACK, times: 2 }]);
      for (const shard of [0, 1]) await env.CODE_POOL.getByName(`${campaign}/${shard}`).giveBack();
    }
    const rest = await claimAll({ brand, campaign, names: users(2, "v"), inFlight: 1 });
    expect(tally(rest)).toEqual({ 201: 2 });
    expect((await api.claim(brand, campaign, "one too many")).status).toBe(409);
    expect(await api.integrity(brand, campaign)).toMatchObject({ ...sound, claimed: 6 });
  });

  it("reach D1 in the end, also when the shard that gave them is evicted at once", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 40, { shards: 2 });
    await claimAll({ brand, campaign, names: users(10), inFlight: 1 });
    await breakD1(campaign, 2, [{ when: "before", sql: GIVE_BACK, times: 1_000 }]);
    const pools = [0, 1].map((shard) => env.CODE_POOL.getByName(`${campaign}/${shard}`));
    for (const pool of pools) expect(await pool.giveBack()).toBeNull();
    for (const pool of pools) await evictDurableObject(pool);
    const rest = await claimAll({ brand, campaign, names: users(30, "v"), inFlight: 4 });
    expect(tally(rest)).toEqual({ 201: 30 });
    expect(await api.integrity(brand, campaign)).toMatchObject({ ...sound, claimed: 40 });
  });
});
