import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { CodePool } from "../../src/code-pool/code-pool.ts";
import type { Brand } from "../support/api.ts";
import { faultyD1, type Fault } from "../support/faulty-d1.ts";
import { api } from "../support/worker-api.ts";

const LEASE = /INSERT INTO leases/;
const SHOW = /UPDATE codes SET claim_id/;

function poolOf(campaign: string) {
  return env.CODE_POOL.getByName(`${campaign}/0`);
}

/** Lets the pool's own D1 fail; everybody else's works. */
async function breakD1(campaign: string, faults: Fault[]): Promise<void> {
  await runInDurableObject(poolOf(campaign), (pool) => {
    Object.assign(pool, { env: { ...env, DB: faultyD1(env.DB, faults) } });
  });
}

async function claimAll(brand: Brand, campaign: string, names: string[]) {
  return Promise.all(names.map((user) => api.claim(brand, campaign, user)));
}

function users(count: number, word = "u"): string[] {
  return Array.from({ length: count }, (_, i) => `${word}-${i}`);
}

describe("the pool's storage", () => {
  it("refuses a second claim of a slot, and a second nth claim of a user, whatever the code above does", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    await api.claim(brand, campaign, "u-1");
    await runInDurableObject(poolOf(campaign), (_pool, state) => {
      const insert = (slot: number, userKey: string, nth: number) => () =>
        state.storage.sql.exec(
          "INSERT INTO claims (slot, user_key, nth, user_id, code, claimed_at) VALUES (?, ?, ?, 'x', 'x', 0)",
          slot,
          userKey,
          nth,
        );
      const { user_key } = state.storage.sql
        .exec<{ user_key: string }>("SELECT user_key FROM claims")
        .one();
      expect(insert(1, "somebody else", 0)).toThrow(/UNIQUE constraint failed: claims.slot/);
      expect(insert(2, user_key, 0)).toThrow(
        /UNIQUE constraint failed: claims.user_key, claims.nth/,
      );
      state.storage.sql.exec("DELETE FROM pending_lease");
      expect(() =>
        state.storage.sql.exec(
          `INSERT INTO blocks (first_slot, lease_id, batch_id, from_ordinal, size, codes)
           SELECT 1000, 'lse_other', batch_id, from_ordinal, size, codes FROM blocks`,
        ),
      ).toThrow(/UNIQUE constraint failed: blocks.batch_id, blocks.from_ordinal/);
    });
  });

  it("writes two rows for a claim", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    await api.claim(brand, campaign, "u-1");
    await runInDurableObject(poolOf(campaign), (_pool, state) => {
      const { rowsWritten } = state.storage.sql.exec(
        "INSERT INTO claims (slot, user_key, nth, user_id, code, claimed_at) VALUES (2, 'k', 0, 'u', 'c', 0)",
      );
      expect(rowsWritten).toBe(2);
      state.storage.sql.exec("DELETE FROM claims WHERE slot = 2");
    });
  });

  it("holds all there is: an evicted object goes on where it was", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 4);
    const first = await api.claim(brand, campaign, "u-1");
    await api.send(brand.secret, `POST /v1/campaigns/${campaign}/pause`);
    await evictDurableObject(poolOf(campaign));
    expect((await api.claim(brand, campaign, "u-1")).body).toEqual(first.body);
    expect((await api.claim(brand, campaign, "u-2")).status).toBe(409);
    await api.send(brand.secret, `POST /v1/campaigns/${campaign}/resume`);
    await evictDurableObject(poolOf(campaign));
    const answers = await claimAll(brand, campaign, ["u-2", "u-3", "u-4", "u-5"]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 201, 409]);
  });

  it("keeps the newest settings: an older copy that arrives late does not reopen a paused campaign", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 4);
    const settings = {
      id: campaign,
      version: 1,
      status: "active" as const,
      startsAt: null,
      endsAt: null,
      claimsPerUser: 1,
      codeLifetimeSeconds: null,
      consentRequired: false,
    };
    await api.send(brand.secret, `POST /v1/campaigns/${campaign}/pause`);
    const outcome = await poolOf(campaign).claim({
      campaign: settings,
      shard: 0,
      userKey: "k".repeat(26),
      userId: "u-1",
      idempotencyKey: null,
      consent: null,
      contact: null,
    });
    expect(outcome).toMatchObject({ kind: "closed", reason: "paused" });
  });
});

describe("a lease", () => {
  it("whose answer was lost is asked for again, and no code is lost or leased twice", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 20);
    const faults: Fault[] = [{ when: "after", sql: LEASE, times: 2 }];
    await breakD1(campaign, faults);
    const lost = await api.claim(brand, campaign, "u-1");
    expect(lost.status).toBe(503);
    expect(lost.headers.get("Retry-After")).toBe("1");
    expect(lost.body).toMatchObject({ type: expect.stringMatching(/\/pool-overloaded$/) });
    expect((await api.claim(brand, campaign, "u-1")).status).toBe(503);
    expect(await api.integrity(brand, campaign)).toMatchObject({
      ok: true,
      leased: 20,
      stranded: 0,
    });
    expect((await api.claim(brand, campaign, "u-1")).status).toBe(201);
    expect(faults[0]?.times).toBe(0);
    const answers = await claimAll(brand, campaign, users(25));
    expect(answers.filter(({ status }) => status === 201).length).toBe(19);
    expect(await api.integrity(brand, campaign)).toMatchObject({
      ok: true,
      claimed: 20,
      stranded: 0,
    });
  });

  it("whose answer was lost survives the object", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 20);
    await breakD1(campaign, [{ when: "after", sql: LEASE, times: 1 }]);
    expect((await api.claim(brand, campaign, "u-1")).status).toBe(503);
    await evictDurableObject(poolOf(campaign));
    expect((await api.claim(brand, campaign, "u-1")).status).toBe(201);
    expect(await api.integrity(brand, campaign)).toMatchObject({
      ok: true,
      leased: 19,
      claimed: 1,
    });
  });

  it("that D1 never saw is no reason to say exhausted", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    await breakD1(campaign, [{ when: "before", sql: LEASE, times: 3 }]);
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await api.claim(brand, campaign, "u-1")).status);
    expect(statuses).toEqual([503, 503, 503, 201]);
  });

  it("is not waited for while codes are left", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1_000);
    await api.claim(brand, campaign, "first");
    await breakD1(campaign, [{ when: "before", sql: LEASE, times: 1_000 }]);
    const answers = await claimAll(brand, campaign, users(499));
    expect(answers.every(({ status }) => status === 201)).toBe(true);
    // The leased block is spent and D1 does not answer: unknown, never "exhausted".
    expect((await api.claim(brand, campaign, "late")).status).toBe(503);
  });

  it("that found nothing before a top-up does not speak for who comes after it", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    await api.claim(brand, campaign, "u-0");
    const faults: Fault[] = [{ when: "late", sql: LEASE, times: 1 }];
    await breakD1(campaign, faults);
    const early = api.claim(brand, campaign, "early");
    while (faults[0]?.times !== 0) await scheduler.wait(5);
    await scheduler.wait(100);
    await api.addCodes(brand, campaign, 1);
    expect((await api.claim(brand, campaign, "after")).status).toBe(201);
    expect((await early).status).toBe(409);
  });

  it("is asked for anew by whoever came after the last answer, so a top-up is never missed", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    await api.claim(brand, campaign, "u-0");
    for (let round = 0; round < 10; round++) {
      const losers = claimAll(brand, campaign, users(10, `loser-${round}`));
      await api.addCodes(brand, campaign, 30);
      const after = await claimAll(brand, campaign, users(20, `after-${round}`));
      expect(after.map(({ status }) => status)).toEqual(after.map(() => 201));
      const early = (await losers).filter(({ status }) => status === 201).length;
      // Spend the rest, so that the next round starts from an empty pool.
      const rest = await claimAll(brand, campaign, users(10 - early, `rest-${round}`));
      expect(rest.every(({ status }) => status === 201)).toBe(true);
    }
    expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, claimed: 301 });
  });
});

describe("the projection", () => {
  const shown = async (brand: Brand, campaign: string) =>
    api.listAll(brand.secret, `/v1/campaigns/${campaign}/codes?status=claimed`);

  async function drain(campaign: string) {
    while (await runDurableObjectAlarm(poolOf(campaign)));
  }

  it("shows every claim with its user, by the alarm that the claim set", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 3);
    const { body } = await api.claim(brand, campaign, "u-1");
    await drain(campaign);
    expect(await shown(brand, campaign)).toMatchObject([
      { code: body.code, status: "claimed", user_id: "u-1", redeemed_at: null },
    ]);
  });

  it("repeats itself without harm when D1's answer was lost", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10);
    await claimAll(brand, campaign, users(5));
    const faults: Fault[] = [{ when: "after", sql: SHOW, times: 1 }];
    await breakD1(campaign, faults);
    await drain(campaign);
    await drain(campaign);
    expect(faults[0]?.times).toBe(0);
    expect((await shown(brand, campaign)).length).toBe(5);
    expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, unprojected: 0 });
  });

  it("waits out a D1 that is down for longer than an alarm is retried, while claims go on", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 20);
    await api.claim(brand, campaign, "first");
    const faults: Fault[] = [{ when: "before", sql: SHOW, times: 12 }];
    await breakD1(campaign, faults);
    for (let i = 0; faults[0]?.times !== 0; i++) {
      expect((await api.claim(brand, campaign, `u-${i % 15}`)).status).toBeLessThan(300);
      await runDurableObjectAlarm(poolOf(campaign));
    }
    await drain(campaign);
    const { claimed, unprojected, ok } = await api.integrity(brand, campaign);
    expect({ ok, unprojected }).toEqual({ ok: true, unprojected: 0 });
    expect((await shown(brand, campaign)).length).toBe(claimed);
  });

  it("is counted as outstanding, not as a fault, while D1 refuses it", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 3);
    await api.claim(brand, campaign, "first");
    await drain(campaign);
    await breakD1(campaign, [{ when: "before", sql: SHOW, times: 1_000 }]);
    await api.claim(brand, campaign, "second");
    expect(await api.integrity(brand, campaign)).toMatchObject({
      ok: true,
      claimed: 2,
      unprojected: 1,
    });
  });
});

describe("integrity", () => {
  const damage: [string, (state: DurableObjectState, campaign: string) => unknown, object][] = [
    [
      "a code that two users hold",
      (state) =>
        state.storage.sql.exec(
          "UPDATE claims SET code = (SELECT code FROM claims WHERE slot = 1) WHERE slot = 2",
        ),
      { duplicate_codes: 1 },
    ],
    [
      "a code that the inventory shows as another user's",
      (_state, campaign) =>
        env.DB.prepare(
          "UPDATE codes SET claim_id = 'clm_other' WHERE claim_id IS NOT NULL AND user_id = 'u-0' AND batch_id IN (SELECT id FROM batches WHERE campaign_id = ?)",
        )
          .bind(campaign)
          .run(),
      { duplicate_codes: 1 },
    ],
    [
      "a user with two codes",
      (_state, campaign) =>
        env.DB.prepare(
          "UPDATE codes SET user_id = 'u-0' WHERE user_id = 'u-1' AND batch_id IN (SELECT id FROM batches WHERE campaign_id = ?)",
        )
          .bind(campaign)
          .run(),
      { duplicate_users: 1 },
    ],
    [
      "a block that a pool lost",
      (state) => {
        state.storage.sql.exec("DELETE FROM claims");
        state.storage.sql.exec("DELETE FROM blocks");
      },
      { stranded: 10 },
    ],
    [
      "a claim that a pool forgot",
      (state) => state.storage.sql.exec("DELETE FROM claims WHERE slot = 3"),
      { claimed: 2 },
    ],
  ];
  for (const [fault, make, expected] of damage) {
    it(`finds ${fault}`, async () => {
      const brand = await api.newBrand();
      const campaign = await api.newCampaign(brand, 10);
      for (const user of users(3)) await api.claim(brand, campaign, user);
      expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, claimed: 3 });
      await runInDurableObject(poolOf(campaign), (_pool: CodePool, state) => make(state, campaign));
      expect(await api.integrity(brand, campaign)).toMatchObject({ ok: false, ...expected });
    });
  }
});
