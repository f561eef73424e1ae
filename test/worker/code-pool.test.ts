import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { CodePool } from "../../src/code-pool/code-pool.ts";
import type { Brand } from "../support/api.ts";
import { faultyD1, type Fault } from "../support/faulty-d1.ts";
import { staleRequest } from "../support/pool-requests.ts";
import { api } from "../support/worker-api.ts";

const LEASE = /INSERT INTO (ended_)?leases/;
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
          "INSERT INTO claims (slot, user_key, nth, user_id, code, claimed_at, attempt) VALUES (?, ?, ?, 'x', 'x', 0, 'x')",
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

  it("takes two written rows for a claim, and none for a repeat", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    await api.claim(brand, campaign, "u-1");
    await runInDurableObject(poolOf(campaign), async (pool, state) => {
      const { sql } = state.storage;
      const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
      const exec = sql.exec.bind(sql);
      Object.defineProperty(sql, "exec", {
        configurable: true,
        value: (...parameters: Parameters<typeof exec>) => {
          const cursor = exec(...parameters);
          cursors.push(cursor);
          return cursor;
        },
      });
      const rowsOf = async (userKey: string) => {
        cursors.length = 0;
        await pool.claim(staleRequest(campaign, { userKey }));
        return cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
      };
      expect([await rowsOf("k1"), await rowsOf("k2"), await rowsOf("k1")]).toEqual([2, 2, 0]);
      Reflect.deleteProperty(sql, "exec");
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
    await api.send(brand.secret, `POST /v1/campaigns/${campaign}/pause`);
    const outcome = await poolOf(campaign).claim(staleRequest(campaign));
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

  it("that never gets an answer is given up, and asked for again", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    await breakD1(campaign, [{ when: "never", sql: LEASE, times: 1 }]);
    expect((await api.claim(brand, campaign, "u-1")).status).toBe(503);
    expect((await api.claim(brand, campaign, "u-1")).status).toBe(201);
  });

  it("is asked for ahead of need, but not again and again while D1 has none or fails", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 100);
    const asked: Fault[] = [{ when: "count", sql: LEASE, times: 1_000 }];
    await breakD1(campaign, asked);
    const began = Date.now();
    for (const user of users(30)) await api.claim(brand, campaign, user);
    // One brought the 100 codes; one, ahead of need, found no more, and then rests for 5 s.
    const restsOf = (ms: number) => Math.floor((Date.now() - began) / ms);
    expect(1_000 - (asked[0]?.times ?? 0)).toBeLessThanOrEqual(2 + restsOf(5_000));

    const other = await api.newCampaign(brand, 100);
    await api.claim(brand, other, "first");
    const failing: Fault[] = [{ when: "before", sql: LEASE, times: 1_000 }];
    await breakD1(other, failing);
    await evictDurableObject(poolOf(other));
    await breakD1(other, failing);
    for (const user of users(30)) await api.claim(brand, other, user);
    expect(1_000 - (failing[0]?.times ?? 0)).toBeLessThanOrEqual(2 + restsOf(1_000));
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

  it("leaves a failing D1 in peace for a while, however many claims arrive", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 100);
    await api.claim(brand, campaign, "first");
    await drain(campaign);
    const faults: Fault[] = [{ when: "before", sql: SHOW, times: 1_000 }];
    await breakD1(campaign, faults);
    const end = Date.now() + 2_500;
    for (let i = 0; Date.now() < end; i++) {
      await api.claim(brand, campaign, `u-${i % 90}`);
      await scheduler.wait(10);
    }
    // At 0.2 s, then 1 s and 2 s and 4 s later. Without a rest it would be 12.
    expect(1_000 - (faults[0]?.times ?? 0)).toBeLessThanOrEqual(4);
  });

  it("goes on by itself in an object that lost its alarm", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 3);
    await breakD1(campaign, [{ when: "before", sql: SHOW, times: 1_000 }]);
    await api.claim(brand, campaign, "u-1");
    await runDurableObjectAlarm(poolOf(campaign));
    await runInDurableObject(poolOf(campaign), (_pool, state) => state.storage.deleteAlarm());
    await evictDurableObject(poolOf(campaign));
    await poolOf(campaign).ping();
    while ((await shown(brand, campaign)).length === 0) await scheduler.wait(50);
  });

  it("behind a long backlog is shown in several goes, each within what D1 takes of one", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    await api.claim(brand, campaign, "u-1");
    await drain(campaign);
    const backlog = 50_000;
    const calls: Fault[] = [{ when: "count", sql: SHOW, times: 1_000 }];
    await breakD1(campaign, calls);
    await runInDurableObject(poolOf(campaign), (_pool, { storage: { sql } }) => {
      // Codes that D1 has not: only how they are told is looked at.
      sql.exec("INSERT INTO blocks VALUES (2, 'lse_x', 'bat_x', 0, ?, '[]')", backlog);
      sql.exec(
        `WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= ?)
         INSERT INTO claims (slot, user_key, nth, user_id, code, claimed_at, attempt)
         SELECT i, 'k' || i, 1, 'u', 'C', 0, '' FROM n`,
        backlog,
      );
    });
    expect(await poolOf(campaign).showClaims()).toBe(false);
    expect(1_000 - (calls[0]?.times ?? 0)).toBeLessThanOrEqual(80);
    const count = () =>
      env.DB.prepare(
        "SELECT sum(count) AS claims FROM event_runs WHERE subject_id = ? AND type = 'claim.created'",
      )
        .bind(campaign)
        .first("claims");
    // The alarm goes on by itself.
    while (Number(await count()) < backlog + 1) await scheduler.wait(50);
    expect(await poolOf(campaign).showClaims()).toBe(true);
    expect(await count()).toBe(backlog + 1);
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

describe("a claim passed on twice", () => {
  it("because its answer was lost, gives one code, and the answer of the first time", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 9, { claims_per_user: 3 });
    const settings = { ...staleRequest(campaign).campaign, claimsPerUser: 3 };
    const request = staleRequest(campaign, { campaign: settings });
    const first = await poolOf(campaign).claim(request);
    const again = await poolOf(campaign).claim(request);
    expect(first.kind).toBe("granted");
    expect(again).toEqual(first);
    const next = await poolOf(campaign).claim(staleRequest(campaign, { campaign: settings }));
    expect(next).toMatchObject({ kind: "granted", claim: { nth: 1 } });
  });
});

describe("integrity", () => {
  it("reads a ledger full of contact data", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1_500);
    const attributes = Object.fromEntries(users(20, "k").map((name) => [name, "x".repeat(500)]));
    for (let wave = 0; wave < 6; wave++) {
      await Promise.all(
        users(250, `${"\u4e00".repeat(240)}-${wave}`).map((id) =>
          api.send(brand.secret, `POST /v1/campaigns/${campaign}/claims`, {
            user: { id, attributes },
            consent: { share_contact: true, version: "1" },
          }),
        ),
      );
    }
    expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, claimed: 1_500 });
  });

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
      "a claim whose block a pool lost",
      (state) => state.storage.sql.exec("DELETE FROM blocks"),
      { stranded: 13 },
    ],
    [
      "a code that the inventory lost",
      (_state, campaign) =>
        env.DB.prepare(
          "DELETE FROM codes WHERE ordinal = 9 AND batch_id IN (SELECT id FROM batches WHERE campaign_id = ?)",
        )
          .bind(campaign)
          .run(),
      { codes: 9 },
    ],
    [
      "a claim above the limit, while D1 does not show it yet",
      (state) => state.storage.sql.exec("UPDATE claims SET nth = 1 WHERE slot = 3"),
      { duplicate_users: 1 },
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
