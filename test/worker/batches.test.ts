import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { newId } from "../../src/db/new-id.ts";
import { BATCH_STEP } from "../../src/domain/batch.ts";
import { SHAPE_WAIT_MS } from "../../src/domain/code-shape-copies.ts";
import { inventoryOf } from "../../src/domain/inventory.ts";
import { listShapes, setUnchecked } from "../../src/db/code-shapes.ts";
import { endBatch, growBatch, startBatch } from "../../src/inventory/batches.ts";
import { rotateCheckKeys, shapeForCodes } from "../../src/inventory/shapes.ts";
import type { Brand } from "../support/api.ts";
import { faultyD1, type Fault } from "../support/faulty-d1.ts";
import { interceptedD1 } from "../support/intercepted-d1.ts";
import { api } from "../support/worker-api.ts";

interface Batch {
  id: string;
  status: string;
  requested: number;
  created: number;
  finished_at: string | null;
}

const MANY = 12_000;
const GROW = /INSERT INTO codes/;

const runnerOf = (brand: Brand) => env.BATCH_RUNNER.getByName(brand.id);

async function make(brand: Brand, campaign: string, count: number) {
  return api.send<Batch>(brand.secret, `POST /v1/campaigns/${campaign}/batches`, { count });
}

async function read(brand: Brand, id: string): Promise<Batch> {
  return (await api.send<Batch>(brand.secret, `GET /v1/batches/${id}`)).body;
}

/** Lets the runner's own D1 fail; everybody else's works. */
async function breakD1(brand: Brand, faults: Fault[]): Promise<void> {
  await runInDurableObject(runnerOf(brand), (runner) => {
    Object.assign(runner, { env: { ...env, DB: faultyD1(env.DB, faults) } });
  });
}

async function codesOf(brand: Brand, campaign: string): Promise<string[]> {
  const rows = await api.listAll<{ code: string }>(brand.secret, `/v1/campaigns/${campaign}/codes`);
  return rows.map(({ code }) => code);
}

/** Fires the runner's alarms until none is set. */
async function settle(brand: Brand): Promise<void> {
  while (await runDurableObjectAlarm(runnerOf(brand)));
}

async function expectExactly(brand: Brand, campaign: string, count: number): Promise<void> {
  const { results } = await env.DB.prepare(
    `SELECT count(*) AS codes, count(DISTINCT code) AS texts, count(DISTINCT match_key) AS meant FROM codes
     WHERE batch_id IN (SELECT id FROM batches WHERE campaign_id = ?)`,
  )
    .bind(campaign)
    .all();
  expect(results).toEqual([{ codes: count, texts: count, meant: count }]);
  expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, codes: count });
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a small batch", () => {
  it("is complete when it is answered, and says where it is", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const made = await make(brand, campaign, 10_000);
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      id: expect.stringMatching(/^bat_/),
      campaign_id: campaign,
      status: "complete",
      requested: 10_000,
      created: 10_000,
      created_at: expect.any(String),
      finished_at: expect.any(String),
    });
    expect(made.headers.get("Location")).toBe(`/v1/batches/${made.body.id}`);
    expect(await read(brand, made.body.id)).toEqual(made.body);
    await expectExactly(brand, campaign, 10_000);
  });

  it("is refused with 422 when its count is not 1–5,000,000", async () => {
    const brand = await api.newBrand();
    for (const count of [0, -1, 1.5, 5_000_001, 1e300, "10", null]) {
      const answer = await api.send(brand.secret, "POST /v1/campaigns/default/batches", { count });
      expect([count, answer.status]).toEqual([count, 422]);
    }
    expect(await api.listAll(brand.secret, "/v1/campaigns/default/batches")).toEqual([]);
  });

  it.each(["before", "after"] as const)(
    "that D1 fails %s a step took effect runs on, and makes not one code more",
    async (when) => {
      const brand = await api.newBrand();
      const campaign = await api.newCampaign(brand, 0);
      await breakD1(brand, [{ when, sql: GROW, times: 1 }]);
      const made = await make(brand, campaign, 50);
      expect(made.status).toBe(when === "before" ? 202 : 201);
      await settle(brand);
      expect(await read(brand, made.body.id)).toMatchObject({ status: "complete", created: 50 });
      await expectExactly(brand, campaign, 50);
    },
  );

  it("that is made is said to be made, though D1 fails when it is read back", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    await breakD1(brand, [{ when: "before", sql: /from "batches"/, times: 2 }]);
    expect(await make(brand, campaign, 50)).toMatchObject({ status: 201, body: { created: 50 } });
    await expectExactly(brand, campaign, 50);
  });

  it.each(["before", "after"] as const)("is noted once when D1 fails %s it was", async (when) => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    await breakD1(brand, [{ when, sql: /INSERT INTO batches/, times: 1 }]);
    expect((await make(brand, campaign, 50)).status).toBe(201);
    await expectExactly(brand, campaign, 50);
  });
});

describe("a batch of which nobody knows whether it was noted", () => {
  it("is made also when D1 notes it long after everybody gave up", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    await breakD1(brand, [{ when: "before", sql: /INSERT INTO batches/, times: 4 }]);
    expect((await make(brand, campaign, 50)).status).toBe(503);
    vi.setSystemTime(Date.now() + 3_000);
    await runDurableObjectAlarm(runnerOf(brand));
    await env.DB.prepare(
      `INSERT INTO batches (id, campaign_id, status, requested, created_at, shape_id)
       SELECT id || 'late', campaign_id, 'running', 50, 0, shape_id FROM batches WHERE campaign_id = ?`,
    )
      .bind(campaign)
      .run();
    vi.setSystemTime(Date.now() + 120_000);
    await settle(brand);
    await expectExactly(brand, campaign, 51);
  });
});

describe("a large batch", () => {
  it("begins at once, also while the alarm finds that another must wait", async () => {
    const brand = await api.newBrand();
    await api.newCampaign(brand, 1);
    const waiting = await api.newCampaign(brand, 0, { code_format: { length: 12 } });
    const campaign = await api.newCampaign(brand, 0);
    expect((await make(brand, waiting, 2)).status).toBe(202);
    let begun = false;
    const DB = interceptedD1(env.DB, async (sql, call) => {
      const answer = await call();
      if (!begun && sql.some((text) => text.includes("b.status = 'running'"))) {
        begun = true;
        await make(brand, campaign, MANY);
      }
      return answer;
    });
    await runInDurableObject(runnerOf(brand), (runner) => {
      Object.assign(runner, { env: { ...env, DB } });
    });
    await runDurableObjectAlarm(runnerOf(brand));
    const alarm = await runInDurableObject(runnerOf(brand), (_runner, { storage }) =>
      storage.getAlarm(),
    );
    expect([begun, (alarm ?? Infinity) - Date.now() < 1_000]).toEqual([true, true]);
    vi.setSystemTime(Date.now() + SHAPE_WAIT_MS);
    await settle(brand);
    await expectExactly(brand, campaign, MANY);
  });

  it("is answered with 202, grows, can be claimed from while it runs, and ends exact", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const made = await make(brand, campaign, MANY);
    expect(made.status).toBe(202);
    expect(made.headers.get("Location")).toBe(`/v1/batches/${made.body.id}`);
    expect(made.body).toMatchObject({ status: "running", requested: MANY, finished_at: null });
    await vi.waitUntil(async () => (await read(brand, made.body.id)).created > 0, 20_000);
    expect((await api.claim(brand, campaign, "u-early")).status).toBe(201);
    await vi.waitUntil(async () => (await read(brand, made.body.id)).status === "complete", 20_000);
    await expectExactly(brand, campaign, MANY);
  });

  it("goes on after its runner was evicted, from where D1 says it is", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    await breakD1(brand, [{ when: "before", sql: GROW, times: 1_000 }]);
    const made = await make(brand, campaign, MANY);
    expect(made.status).toBe(202);
    await runDurableObjectAlarm(runnerOf(brand));
    expect(await read(brand, made.body.id)).toMatchObject({ status: "running", created: 0 });
    await evictDurableObject(runnerOf(brand));
    await settle(brand);
    expect(await read(brand, made.body.id)).toMatchObject({ status: "complete", created: MANY });
    await expectExactly(brand, campaign, MANY);
  });

  it("makes exactly enough when D1's answers are lost again and again", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    await breakD1(brand, [
      { when: "after", sql: GROW, times: 2 },
      { when: "before", sql: GROW, times: 1 },
      { when: "after", sql: /SELECT b.id/, times: 1 },
    ]);
    await make(brand, campaign, MANY);
    await settle(brand);
    await expectExactly(brand, campaign, MANY);
  });

  it("takes a step once, however often it is asked to from the same sight of it", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const shape = await shapeForCodes(env.DB, inventoryOf(brand.id, "live"), null);
    const goal = { campaignId: campaign, brandId: brand.id, shards: 1, requested: 3 * MANY };
    const batch = { id: newId("batch"), ...goal, created: 0 };
    const wanted = { ...batch, count: batch.requested, shape, codesMax: 1e9, along: null };
    expect(await startBatch(env.DB, wanted)).toEqual({ kind: "started" });
    const steps = await Promise.all(
      [1, 2, 3].map(() => growBatch(env.DB, batch, shape, { hard: false })),
    );
    expect(steps.map(({ created }) => created)).toEqual(Array(3).fill(BATCH_STEP));
    expect(await startBatch(env.DB, wanted)).toEqual({ kind: "started" });
    await endBatch(env.DB, batch.id, "cancelled", null);
    expect(
      await growBatch(env.DB, { ...batch, created: BATCH_STEP }, shape, { hard: false }),
    ).toMatchObject({
      created: BATCH_STEP,
      isRunning: false,
    });
    await expectExactly(brand, campaign, BATCH_STEP);
  });

  it("can be cancelled: its codes so far stay, no more come, and cancelling twice changes nothing", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    // The first step is done, and of the second D1 keeps some rows that do not count yet.
    await breakD1(brand, [{ when: "before", sql: GROW, times: 1_000 }]);
    const { id } = (await make(brand, campaign, MANY)).body;
    await env.DB.prepare(
      "INSERT INTO codes (batch_id, ordinal, inventory, code, match_key) VALUES (?1, 0, ?2, 'A', 'A'), (?1, 7, ?2, 'C', 'C')",
    )
      .bind(id, brand.id)
      .run();
    await env.DB.prepare("UPDATE batches SET created = 1 WHERE id = ?").bind(id).run();
    const cancelled = await api.send<Batch>(brand.secret, `POST /v1/batches/${id}/cancel`);
    expect([cancelled.status, cancelled.body]).toEqual([
      200,
      expect.objectContaining({ status: "cancelled", created: 1, requested: MANY }),
    ]);
    const again = await api.send(brand.secret, `POST /v1/batches/${id}/cancel`);
    expect([again.status, again.body]).toEqual([200, cancelled.body]);
    await breakD1(brand, []);
    await settle(brand);
    await expectExactly(brand, campaign, 1);
    const other = await make(brand, campaign, 5);
    const late = await api.send(brand.secret, `POST /v1/batches/${other.body.id}/cancel`);
    expect([late.status, late.body["type"]]).toEqual([
      409,
      "http://codedrop.test/problems/batch-finished",
    ]);
  });

  it("of another campaign or brand takes turns with it", async () => {
    const brand = await api.newBrand();
    const campaigns = [await api.newCampaign(brand, 0), await api.newCampaign(brand, 0)];
    await breakD1(brand, [{ when: "before", sql: GROW, times: 1 }]);
    for (const campaign of campaigns) await make(brand, campaign, 4 * MANY);
    const order: string[] = [];
    await runInDurableObject(runnerOf(brand), (runner) => {
      const prepare = (sql: string) => env.DB.prepare(sql);
      const batch = async (statements: D1PreparedStatement[]) => {
        const results = await env.DB.batch<{ created?: number }>(statements);
        const created = results[3]?.results[0]?.created;
        if (results.length === 5) order.push(String(created));
        return results;
      };
      Object.assign(runner, { env: { ...env, DB: { prepare, batch } } });
    });
    await settle(brand);
    // Each step of one is followed by the same step of the other.
    expect(order.length).toBeGreaterThanOrEqual(9);
    const turns = order.slice(-10);
    for (let i = 0; i + 1 < turns.length; i += 2) expect(turns[i]).toBe(turns[i + 1]);
    for (const campaign of campaigns) await expectExactly(brand, campaign, 4 * MANY);
  });
});

describe("batches of one brand that come at once", () => {
  it("have one step under way at a time, so that others' calls to D1 need not wait", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    let underWay = 0;
    let most = 0;
    const DB = interceptedD1(env.DB, async (sql, call) => {
      if (!sql.some((text) => GROW.test(text))) return call();
      underWay += 1;
      most = Math.max(most, underWay);
      await scheduler.wait(5);
      return call().finally(() => (underWay -= 1));
    });
    await runInDurableObject(runnerOf(brand), (runner) => {
      Object.assign(runner, { env: { ...env, DB } });
    });
    const counts = [10_000, 300, 300, 300, 300];
    const made = await Promise.all(counts.map((count) => make(brand, campaign, count)));
    expect(made.map(({ status }) => status)).toEqual(Array(5).fill(201));
    expect(most).toBe(1);
    await expectExactly(brand, campaign, 11_200);
  });
});

describe("the list of batches", () => {
  it("shows a campaign's batches, newest first", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    await api.addCodes(brand, campaign, 2);
    await api.addCodes(brand, campaign, 3);
    const rows = await api.listAll<Batch>(brand.secret, `/v1/campaigns/${campaign}/batches`, 2);
    expect(rows.map(({ created }) => created)).toEqual([3, 2, 1]);
  });
});

describe("a code format", () => {
  it("shapes the codes that are made from then on", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    const change = { code_format: { prefix: "SPRING-", pattern: "####-####", suffix: "!" } };
    const changed = await api.send(brand.secret, `PATCH /v1/campaigns/${campaign}`, change);
    expect(changed.body).toMatchObject({ ...change, accept_guessable: false });
    await api.addCodes(brand, campaign, 3);
    const rows = await api.listAll<{ code: string }>(
      brand.secret,
      `/v1/campaigns/${campaign}/codes`,
    );
    const shapes = rows.map(({ code }) => code.replace(/[CDFGHJKMNPQRTVWXY2-9]/g, "x"));
    expect(shapes).toEqual(["xxxx-xxxx-xxxx", ...Array<string>(3).fill("SxxIxx-xxxx-xxxx!")]);
  });

  it("is refused with 422 and the place where it makes no sense", async () => {
    const brand = await api.newBrand();
    for (const [code_format, pointer] of [
      [{ pattern: "####", length: 4 }, "/code_format/length"],
      [{ pattern: "SUMMER" }, "/code_format/pattern"],
      [{ pattern: "" }, "/code_format/pattern"],
      [{ length: 0 }, "/code_format/length"],
      [{ length: 65 }, "/code_format/length"],
      [{ pattern: "#".repeat(65) }, "/code_format/pattern"],
      [{ alphabet: "A" }, "/code_format/alphabet"],
      [{ alphabet: "O0" }, "/code_format/alphabet"],
      [{ alphabet: "ABCA" }, "/code_format/alphabet"],
      [{ alphabet: "AB-" }, "/code_format/alphabet"],
      [{ prefix: "a b" }, "/code_format/prefix"],
      [{ prefix: "x".repeat(120) }, "/code_format/prefix"],
      [{ suffix: '"' }, "/code_format/suffix"],
      [{ letters: 4 }, "/code_format/letters"],
    ] as const) {
      const answer = await api.send(brand.secret, "POST /v1/campaigns", { name: "x", code_format });
      expect([code_format, answer.status]).toEqual([code_format, 422]);
      expect(JSON.stringify(answer.body["errors"])).toContain(`"pointer":"${pointer}"`);
    }
  });

  it("without room for the codes asked for is refused with the numbers, also in two batches", async () => {
    const brand = await api.newBrand();
    const digits = { code_format: { pattern: "####", alphabet: "0123456789" } };
    const campaign = await api.newCampaign(brand, 0, digits);
    const refused = await make(brand, campaign, 5_000);
    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({
      type: "http://codedrop.test/problems/code-space-too-small",
      detail:
        "The format gives 10,000 different texts, of which 0 are codes. With 5,000 more, 1 guess in 2 would be a code. At most 0 may be codes, so there is no room for any more.",
      texts: 10_000,
      codes: 0,
      requested: 5_000,
      codes_max: 0,
    });
    await api.send(brand.secret, `PATCH /v1/campaigns/${campaign}`, { accept_guessable: true });
    const both = await Promise.all([make(brand, campaign, 3_000), make(brand, campaign, 3_000)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([201, 422]);
    expect((await make(brand, campaign, 2_000)).status).toBe(201);
    expect((await make(brand, campaign, 1)).body).toMatchObject({ codes: 5_000, codes_max: 5_000 });
    await expectExactly(brand, campaign, 5_000);
    // Another campaign of the same format draws from the same texts.
    const second = await api.newCampaign(brand, 0, { ...digits, accept_guessable: true });
    expect((await make(brand, second, 1)).status).toBe(422);
  });

  it("whose texts the brand's own codes have taken ends as failed, and does not run for ever", async () => {
    const brand = await api.newBrand();
    const code_format = { pattern: "###", alphabet: "0123456789" };
    const fields = { code_format, accept_guessable: true };
    const campaign = await api.newCampaign(brand, 0, fields);
    await api.addCodes(brand, campaign, 2);
    // Of the rest a few stay free.
    const taken = new Set(await codesOf(brand, campaign));
    const own = Array.from({ length: 1_000 }, (_, i) => String(i).padStart(3, "0"));
    const codes = own.filter((code) => !taken.has(code)).slice(0, 990);
    const file = { codes };
    expect(
      (await api.send(brand.secret, "POST /v1/campaigns/default/imports", file)).body["accepted"],
    ).toBe(990);
    expect((await make(brand, campaign, 5)).body).toMatchObject({ status: "complete" });
    const failed = await make(brand, campaign, 7);
    expect([failed.status, failed.body]).toEqual([
      201,
      expect.objectContaining({ status: "failed", requested: 7, created: 0 }),
    ]);
    expect(failed.body.finished_at).not.toBeNull();
    // As a step of the alarm's, too.
    await breakD1(brand, [{ when: "before", sql: GROW, times: 1 }]);
    const { id } = (await make(brand, campaign, 7)).body;
    await settle(brand);
    expect(await read(brand, id)).toMatchObject({ status: "failed", created: 0 });
    await expectExactly(brand, campaign, 7);
    expect((await make(brand, campaign, 3)).body).toMatchObject({ status: "complete" });
  });

  it("shares its room with formats whose codes differ in what nobody types", async () => {
    const brand = await api.newBrand();
    const format = (code_format: object) => ({ code_format, accept_guessable: true });
    const first = format({ pattern: "X###", alphabet: "0123456789" });
    const campaign = await api.newCampaign(brand, 0, first);
    expect((await make(brand, campaign, 400)).status).toBe(201);
    for (const code_format of [
      { pattern: "x-##-#", alphabet: "9876543210" },
      { prefix: "X", length: 3, alphabet: "O123456789" },
    ]) {
      const alike = await api.newCampaign(brand, 0, format(code_format));
      const refused = await make(brand, alike, 101);
      expect([refused.status, refused.body]).toEqual([
        422,
        expect.objectContaining({ codes: 400, codes_max: 500 }),
      ]);
    }
    const other = await api.newCampaign(brand, 0, format({ ...first.code_format, prefix: "Y" }));
    expect((await make(brand, other, 500)).status).toBe(201);
    // Of two that come at once from two new formats, one is too many.
    const twins = [
      { prefix: "Z", length: 3, alphabet: "0123456789" },
      { prefix: "Z-", length: 3, alphabet: "0123456789" },
    ];
    const campaigns = [];
    for (const twin of twins) campaigns.push(await api.newCampaign(brand, 0, format(twin)));
    const both = await Promise.all(campaigns.map((twin) => make(brand, twin, 300)));
    expect(both.map(({ status }) => status).toSorted()).toEqual([201, 422]);
  });

  it("whose codes others would take for forged waits until everybody knows it", async () => {
    const brand = await api.newBrand();
    await api.newCampaign(brand, 1);
    const campaign = await api.newCampaign(brand, 0, { code_format: { length: 12 } });
    const made = await make(brand, campaign, 2);
    expect([made.status, made.body.created]).toEqual([202, 0]);
    await runDurableObjectAlarm(runnerOf(brand));
    expect((await read(brand, made.body.id)).created).toBe(0);
    vi.setSystemTime(Date.now() + SHAPE_WAIT_MS);
    await runDurableObjectAlarm(runnerOf(brand));
    expect(await read(brand, made.body.id)).toMatchObject({ status: "complete", created: 2 });
    // The next one of that format need not wait.
    expect((await make(brand, campaign, 2)).status).toBe(201);
  });

  it("waits from the moment that D1 has it, and also for shapes that were just opened", async () => {
    const brand = await api.newBrand();
    await api.newCampaign(brand, 1);
    const inventory = inventoryOf(brand.id, "live");
    const [first] = await listShapes(env.DB, inventory);
    await setUnchecked(env.DB, [first?.id ?? ""]);
    // The statement lies for long on its way to D1.
    const slow = interceptedD1(env.DB, async (sql, call) => {
      if (sql.some((text) => text.includes("insert into"))) await scheduler.wait(1_000);
      return call();
    });
    const shape = await shapeForCodes(slow, inventory, { length: 12 });
    expect(shape.usableFrom).toBeGreaterThan(Date.now() + SHAPE_WAIT_MS - 500);
    const { usableFrom } = await rotateCheckKeys(slow, inventory, null);
    expect(usableFrom).toBeGreaterThan(Date.now() + SHAPE_WAIT_MS - 500);
  });
});
