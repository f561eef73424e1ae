/** Repeated requests whose answer is not known when what they make is written. */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { IMPORT_SILENCE_MS } from "../../src/domain/import.ts";
import { unique, type Answer, type Brand } from "../support/api.ts";
import { faultyD1, type Fault } from "../support/faulty-d1.ts";
import { apiWith } from "../support/watched-api.ts";
import { api } from "../support/worker-api.ts";

interface Made {
  id: string;
  status: string;
  created: number;
  accepted: number;
  duplicates: number;
}

const GROW = /INSERT INTO codes/;
const SETTLE = /update "idempotency_records"/;
/** As often as a call is repeated. */
const ALWAYS = 1_000;

const slugOf = (answer: Answer<unknown>) =>
  String((answer.body as { type?: string }).type)
    .split("/")
    .at(-1);
const isReplay = (answer: Answer<unknown>) => answer.headers.get("Idempotent-Replayed") === "true";

async function newCampaign(): Promise<{ brand: Brand; campaign: string; key: string }> {
  const brand = await api.newBrand();
  return { brand, campaign: await api.newCampaign(brand, 0), key: unique("key") };
}

type World = Awaited<ReturnType<typeof newCampaign>>;

const through = (when: Fault["when"], sql: RegExp, times = ALWAYS) =>
  apiWith({ DB: faultyD1(env.DB, [{ when, sql, times }]) });

/** Lets the runner's own D1 fail; everybody else's works. */
async function breakRunner(brand: Brand, faults: Fault[]): Promise<void> {
  await runInDurableObject(env.BATCH_RUNNER.getByName(brand.id), (runner) => {
    Object.assign(runner, { env: { ...env, DB: faultyD1(env.DB, faults) } });
  });
}

const make = (world: World, count: number, sender = api) =>
  sender.send<Made>(
    world.brand.secret,
    `POST /v1/campaigns/${world.campaign}/batches`,
    { count },
    { "Idempotency-Key": world.key },
  );

const upload = (world: World, file: string, { sender = api, type = "text/csv", query = "" } = {}) =>
  sender.send<Made>(
    world.brand.secret,
    `POST /v1/campaigns/${world.campaign}/imports${query}`,
    file,
    { "Idempotency-Key": world.key, "Content-Type": type },
  );

const listOf = (world: World, what: "batches" | "imports") =>
  api.listAll<Made>(world.brand.secret, `/v1/campaigns/${world.campaign}/${what}`);

async function entriesOf({ brand }: World, action: string): Promise<number> {
  const log = await api.listAll<{ action: string }>(brand.secret, "/v1/audit-log");
  return log.filter((entry) => entry.action === action).length;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a batch under an Idempotency-Key", () => {
  it("is answered 202 again when it was, though it is complete by now", async () => {
    const world = await newCampaign();
    const first = await make(world, 10_001);
    expect(first.status).toBe(202);
    await vi.waitUntil(async () => (await listOf(world, "batches"))[0]?.status === "complete", {
      timeout: 20_000,
    });
    const again = await make(world, 10_001);
    expect([again.status, again.text, isReplay(again)]).toEqual([202, first.text, true]);
    expect(again.headers.get("Location")).toBe(`/v1/batches/${first.body.id}`);
    expect(await listOf(world, "batches")).toHaveLength(1);
  });

  it("whose answer was never written down is answered from what it is", async () => {
    const world = await newCampaign();
    const lost = await make(world, 5, through("before", SETTLE));
    expect(lost.status).toBe(503);
    const answer = await make(world, 5);
    expect([answer.status, answer.body.created, isReplay(answer)]).toEqual([201, 5, true]);
    const again = await make(world, 5);
    expect([again.status, again.text]).toEqual([201, answer.text]);
    expect(await listOf(world, "batches")).toHaveLength(1);
    expect(await entriesOf(world, "createBatch")).toBe(1);
  });

  it("that still runs is under way for some seconds, then answered as it is", async () => {
    const world = await newCampaign();
    await breakRunner(world.brand, [{ when: "before", sql: GROW, times: ALWAYS }]);
    expect((await make(world, 5, through("before", SETTLE))).status).toBe(503);
    const early = await make(world, 5);
    expect([early.status, slugOf(early)]).toEqual([409, "request-in-progress"]);
    expect(early.headers.get("Retry-After")).toBe("1");
    const began = Date.now();
    vi.spyOn(Date, "now").mockImplementation(() => began + 6_000);
    const late = await make(world, 5, apiWith({}));
    vi.restoreAllMocks();
    expect([late.status, late.body.status, isReplay(late)]).toEqual([202, "running", true]);
    await breakRunner(world.brand, []);
    const again = await make(world, 5);
    expect([again.status, again.text]).toEqual([202, late.text]);
    expect(await listOf(world, "batches")).toHaveLength(1);
  });

  it.each(["before", "after"] as const)(
    "is made once, with one entry, when the runner's D1 fails %s it was noted",
    async (when) => {
      const world = await newCampaign();
      await breakRunner(world.brand, [{ when, sql: /INSERT INTO batches/, times: 2 }]);
      const first = await make(world, 5);
      expect([first.status, isReplay(first)]).toEqual([201, false]);
      expect((await make(world, 5)).text).toBe(first.text);
      expect(await listOf(world, "batches")).toHaveLength(1);
      expect(await entriesOf(world, "createBatch")).toBe(1);
    },
  );

  it("that was noted is answered, though its runner never said so", async () => {
    const world = await newCampaign();
    await breakRunner(world.brand, [
      { when: "after", sql: /INSERT INTO batches/, times: 1 },
      { when: "before", sql: /INSERT INTO batches/, times: 3 },
    ]);
    const first = await make(world, 5);
    expect(first.status).toBe(202);
    await breakRunner(world.brand, []);
    expect((await make(world, 5)).text).toBe(first.text);
    expect(await listOf(world, "batches")).toHaveLength(1);
    expect(await entriesOf(world, "createBatch")).toBe(1);
  });

  it("that has no room is refused again alike, and never made", async () => {
    const world = await newCampaign();
    const format = { pattern: "###" };
    await api.send(world.brand.secret, `PATCH /v1/campaigns/${world.campaign}`, {
      code_format: format,
    });
    const first = await make(world, 5_000);
    expect([first.status, slugOf(first)]).toEqual([422, "code-space-too-small"]);
    const again = await make(world, 5_000);
    expect([again.status, again.text, isReplay(again)]).toEqual([422, first.text, true]);
    expect(await listOf(world, "batches")).toHaveLength(0);
    expect(await entriesOf(world, "createBatch")).toBe(0);
  });
});

describe("an import under an Idempotency-Key", () => {
  const CSV = "code\nOWN-1\nOWN-2\nOWN-1\n";

  it.each([
    ["text/csv", CSV, "code\nOWN-1\nOWN-3\nOWN-1\n"],
    ["application/x-ndjson", '{"code":"A-1"}\n{"code":"A-2"}', '{"code":"A-1"}\n{"code":"A-3"}'],
    ["application/json", '{"codes":["A-1","A-2"]}\n ', '{"codes":["A-1","A-2"]}\n'],
  ])("is the same for the same bytes of %s only", async (type, file, other) => {
    const world = await newCampaign();
    const first = await upload(world, file, { type });
    expect([first.status, first.body.accepted]).toEqual([201, 2]);
    const again = await upload(world, file, { type });
    expect([again.status, again.text, isReplay(again)]).toEqual([201, first.text, true]);
    for (const [bytes, options] of [
      [other, { type }],
      [file, { type, query: "?dry_run=true" }],
      [file, { type: `${type}; charset=utf-8` }],
    ] as const) {
      const refused = await upload(world, bytes, options);
      expect([refused.status, slugOf(refused)]).toEqual([422, "idempotency-key-reused"]);
    }
    expect(await listOf(world, "imports")).toHaveLength(1);
  });

  it("that is still coming in is under way; one that fell silent is made anew, once", async () => {
    const world = await newCampaign();
    // Its rows are taken, then it neither ends nor fails.
    const never = upload(world, CSV, { sender: through("never", SETTLE) });
    never.catch(() => undefined);
    await vi.waitUntil(async () => (await listOf(world, "imports"))[0]?.accepted === 2, 10_000);
    const early = await upload(world, CSV);
    expect([early.status, slugOf(early)]).toEqual([409, "request-in-progress"]);
    expect(await listOf(world, "imports")).toHaveLength(1);

    await env.DB.prepare("UPDATE imports SET touched_at = touched_at - ? WHERE campaign_id = ?")
      .bind(IMPORT_SILENCE_MS + 1_000, world.campaign)
      .run();
    const answers = await Promise.all(Array.from({ length: 5 }, () => upload(world, CSV)));
    const made = answers.filter((answer) => answer.status === 201 && !isReplay(answer));
    expect(made).toHaveLength(1);
    // What the first had taken is there.
    expect(made[0]?.body).toMatchObject({ accepted: 0, duplicates: 3 });
    for (const answer of answers) {
      if (answer.status === 201) expect(answer.text).toBe(made[0]?.text);
      else expect(slugOf(answer)).toBe("request-in-progress");
    }
    expect((await upload(world, CSV)).text).toBe(made[0]?.text);
    expect(await listOf(world, "imports")).toHaveLength(2);
  }, 30_000);

  it("that could not be read is told so, and read anew when it is sent again", async () => {
    const world = await newCampaign();
    const first = await upload(world, 'code\n"OWN-1');
    expect([first.status, isReplay(first)]).toEqual([201, false]);
    const broken = { ...world, key: unique("key") };
    const unreadable = await upload(broken, "a,b\n1,2\n");
    expect([unreadable.status, slugOf(unreadable)]).toEqual([422, "import-unreadable"]);
    const mended = await upload(broken, CSV);
    expect([mended.status, mended.body.accepted, isReplay(mended)]).toEqual([201, 2, false]);
    expect(isReplay(await upload(broken, CSV))).toBe(true);
  });

  it("is complete in the same moment in which it is answered", async () => {
    const world = await newCampaign();
    expect((await upload(world, CSV, { sender: through("before", SETTLE) })).status).toBe(503);
    expect(await listOf(world, "imports")).toMatchObject([{ status: "running", accepted: 2 }]);
    const lost = { ...world, key: unique("key") };
    const first = await upload(lost, CSV, { sender: through("after", SETTLE, 1) });
    expect(first.status).toBe(201);
    expect((await upload(lost, CSV)).text).toBe(first.text);
    expect(await entriesOf(world, "createImport")).toBe(2);
  });
});
