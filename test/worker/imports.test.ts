import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { SHAPE_WAIT_MS } from "../../src/domain/code-shape-copies.ts";
import { IMPORT_SILENCE_MS } from "../../src/domain/import.ts";
import { listShapes, ruleOf, setUnchecked } from "../../src/db/code-shapes.ts";
import { rulesForged } from "../../src/domain/code-format.ts";
import { inventoryOf } from "../../src/domain/inventory.ts";
import { matchKey } from "../../src/domain/match-key.ts";
import { rotateCheckKeys, shapeForCodes } from "../../src/inventory/shapes.ts";
import type { Answer, Brand } from "../support/api.ts";
import { faultyD1, type Fault } from "../support/faulty-d1.ts";
import { api } from "../support/worker-api.ts";
import { apiWith, measuringApi } from "../support/watched-api.ts";

interface Import {
  id: string;
  status: string;
  dry_run: boolean;
  rows: number;
  accepted: number;
  duplicates: number;
  rejected: number;
  errors: { line: number; code: string; reason: string }[];
}

const CSV = { "Content-Type": "text/csv" };

async function upload(
  brand: Brand,
  campaign: string,
  file: string,
  {
    headers = CSV,
    query = "",
    through = api,
  }: Partial<{
    headers: Record<string, string>;
    query: string;
    through: typeof api;
  }> = {},
): Promise<Answer<Import & { type: string; detail: string; import_id: string }>> {
  const route = `POST /v1/campaigns/${campaign}/imports${query}`;
  return through.send(brand.secret, route, file, headers);
}

async function codesOf(brand: Brand, campaign: string): Promise<string[]> {
  const rows = await api.listAll<{ code: string }>(brand.secret, `/v1/campaigns/${campaign}/codes`);
  return rows.map(({ code }) => code);
}

const verdicts = ({ errors }: Import) => errors.map(({ line, reason }) => [line, reason]);
const numbered = (word: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${word}-${i}`);

afterEach(() => {
  vi.useRealTimers();
});

describe("an import", () => {
  it("takes a brand's own codes as they are written, and they can be claimed and spent", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const own = ["Sümmer 20%", "лето-2027", "夏天", "=1+1", "a,b", "code", "x".repeat(128)];
    const file = `code\r\n${own.map((code) => `"${code}"`).join("\r\n")}\r\n`;
    const answer = await upload(brand, campaign, `\ufeff${file}`);
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^imp_/),
      campaign_id: campaign,
      status: "complete",
      dry_run: false,
      rows: own.length,
      accepted: own.length,
      duplicates: 0,
      rejected: 0,
      errors: [],
      created_at: expect.any(String),
      finished_at: expect.any(String),
    });
    expect(answer.headers.get("Location")).toBe(`/v1/imports/${answer.body.id}`);
    expect(await codesOf(brand, campaign)).toEqual(own);
    const given = [];
    for (let i = 0; i < own.length; i++) {
      const { code } = (await api.claim(brand, campaign, `u-${i}`)).body;
      given.push(code);
      const spent = await api.send(brand.secret, "POST /v1/redemptions", { code, order_id: "o" });
      expect([code, spent.status]).toEqual([code, 201]);
    }
    expect(given.toSorted()).toEqual(own.toSorted());
    expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, codes: own.length });
  });

  it("judges each row: faults, repeats in the file, and codes that the brand has", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    const elsewhere = await api.newCampaign(brand, 1);
    const [made = "", other = ""] = [
      ...(await codesOf(brand, campaign)),
      ...(await codesOf(brand, elsewhere)),
    ];
    const file = ["A-1", "A-2", "A-1", `${"x".repeat(129)}`, made, "a-1", other, "A-3"].join("\n");
    const { body } = await upload(brand, campaign, file);
    expect(body).toMatchObject({ rows: 8, accepted: 4, duplicates: 3, rejected: 1 });
    expect(verdicts(body)).toEqual([
      [3, "duplicate-in-file"],
      [4, "too-long"],
      [5, "duplicate"],
      [7, "duplicate"],
    ]);
    // Two that differ in case are two codes.
    expect(await codesOf(brand, campaign)).toEqual([made, "A-1", "A-2", "a-1", "A-3"]);
    const read = await api.send<Import>(brand.secret, `GET /v1/imports/${body.id}`);
    expect(read.body).toEqual(body);
    const errors = await api.listAll(brand.secret, `/v1/imports/${body.id}/errors`, 3);
    expect(errors).toEqual(body.errors);
    const list = await api.listAll<Import>(brand.secret, `/v1/campaigns/${campaign}/imports`);
    expect(list.map(({ id, accepted }) => [id, accepted])).toEqual([[body.id, 4]]);
    const { errors: _, ...summary } = body;
    expect(list).toEqual([summary]);
  });

  it("counts in steps and gives the same verdicts over their borders", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const first = numbered("B", 6_000);
    const file = [...first, ...first.slice(0, 1_500), "", "\u0001", ...numbered("C", 6_000)];
    const { body } = await upload(brand, campaign, file.join("\n"));
    expect(body).toMatchObject({
      rows: 13_501,
      accepted: 12_000,
      duplicates: 1_500,
      rejected: 1,
    });
    expect(body.errors.length).toBe(1_000);
    const errors = await api.listAll<{ line: number; reason: string }>(
      brand.secret,
      `/v1/imports/${body.id}/errors`,
    );
    expect(errors.map(({ line }) => line)).toEqual([
      ...Array.from({ length: 1_500 }, (_, i) => 6_001 + i),
      7_502,
    ]);
    expect(await codesOf(brand, campaign)).toEqual([...first, ...numbered("C", 6_000)]);
    const again = await upload(brand, campaign, file.join("\n"));
    expect(again.body).toMatchObject({ rows: 13_501, accepted: 0, duplicates: 13_500 });
    expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, codes: 12_000 });
  });

  it("takes NDJSON and JSON alike", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const ndjson =
      '{"code": "N-1"}\r\n\r\n{"code": "N-1", "note": 1}\nnope\n{"code": 5}\n{"code":"N-2"}';
    const lines = await upload(brand, campaign, ndjson, {
      headers: { "Content-Type": "application/x-ndjson; charset=utf-8" },
    });
    expect(lines.body).toMatchObject({ rows: 5, accepted: 2, duplicates: 1, rejected: 2 });
    expect(verdicts(lines.body)).toEqual([
      [3, "duplicate-in-file"],
      [4, "not-json"],
      [5, "no-code"],
    ]);
    const json = await upload(brand, campaign, '{"codes": ["J-1", "N-1", "J\\u002d2", ""]}', {
      headers: { "Content-Type": "application/json" },
    });
    expect(json.body).toMatchObject({ rows: 4, accepted: 2, duplicates: 1, rejected: 1 });
    expect(await codesOf(brand, campaign)).toEqual(["N-1", "N-2", "J-1", "J-2"]);
  });

  it.each([
    ["Han", "夏"],
    ["a ligature that is found by 15 letters", "\ufdfa"],
    ["symbols beyond the basic plane", "🎁"],
    ["quotes", '"'],
  ])("of codes as long as may be in %s sends D1 no parameter above 2 MB", async (_, letter) => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const { api: through, largest } = measuringApi();
    const json = { "Content-Type": "application/json" };
    const file = JSON.stringify({ codes: numbered(letter.repeat(123), 5_000) });
    for (const query of ["?dry_run=true", ""]) {
      const { body } = await upload(brand, campaign, file, { headers: json, query, through });
      expect(body).toMatchObject({ rows: 5_000, accepted: 5_000 });
    }
    expect(largest.bytes).toBeGreaterThan(1_000_000);
    expect(largest.bytes).toBeLessThanOrEqual(2_000_000);
  });

  it("run dry judges the same and takes nothing", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    const [made = ""] = await codesOf(brand, campaign);
    const file = [...numbered("D", 5_500), "D-3", made, "\u0001", "Ж"].join("\n");
    const dry = await upload(brand, campaign, file, { query: "?dry_run=true" });
    expect(dry.status).toBe(201);
    const counts = { rows: 5_504, accepted: 5_501, duplicates: 2, rejected: 1 };
    expect(dry.body).toMatchObject({ ...counts, dry_run: true, status: "complete" });
    expect(await codesOf(brand, campaign)).toEqual([made]);
    const real = await upload(brand, campaign, file, { query: "?dry_run=false" });
    expect(real.body).toMatchObject({ ...counts, dry_run: false, errors: dry.body.errors });
  });

  it("ends an exhausted campaign's exhaustion at once", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    expect((await api.claim(brand, campaign, "u-1")).status).toBe(409);
    await upload(brand, campaign, "T-1\n");
    expect((await api.claim(brand, campaign, "u-1")).body.code).toBe("T-1");
  });

  it("of two at once lets each code in once", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const file = numbered("E", 7_000).join("\n");
    const both = await Promise.all([upload(brand, campaign, file), upload(brand, campaign, file)]);
    expect(both.reduce((sum, { body }) => sum + body.accepted, 0)).toBe(7_000);
    expect(both.map(({ body }) => body.accepted + body.duplicates)).toEqual([7_000, 7_000]);
    expect(new Set(await codesOf(brand, campaign)).size).toBe(7_000);
    expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, codes: 7_000 });
  });

  it("belongs to its brand alone", async () => {
    const brand = await api.newBrand();
    const rival = await api.newBrand();
    const { body } = await upload(brand, "default", "R-1\nR-1\n");
    for (const path of [`/v1/imports/${body.id}`, `/v1/imports/${body.id}/errors`]) {
      expect((await api.send(rival.secret, `GET ${path}`)).status).toBe(404);
    }
    // Another brand may have the same code.
    expect((await upload(rival, "default", "R-1\n")).body.accepted).toBe(1);
    expect((await api.send(brand.secret, `GET /v1/batches/${body.id}`)).status).toBe(404);
  });
});

describe("an import under faults", () => {
  const STEP = /INSERT INTO codes/;

  it.each(["before", "after"] as const)(
    "gives the same verdicts when D1 fails %s a step took effect",
    async (when) => {
      const brand = await api.newBrand();
      const campaign = await api.newCampaign(brand, 0);
      const faults: Fault[] = [{ when, sql: STEP, times: 2 }];
      const through = apiWith({ DB: faultyD1(env.DB, faults) });
      const file = ["F-0", "F-0", "\u0001", ...numbered("F", 20)].join("\n");
      const { status, body } = await upload(brand, campaign, file, { through });
      expect([status, faults[0]?.times]).toEqual([201, 0]);
      expect(body).toMatchObject({ rows: 23, accepted: 20, duplicates: 2, rejected: 1 });
      expect(await codesOf(brand, campaign)).toEqual(numbered("F", 20));
      expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, codes: 20 });
    },
  );

  it.each(["", "?dry_run=true"])("%s is complete though D1 fails at its end", async (query) => {
    const brand = await api.newBrand();
    const faults: Fault[] = [
      { when: "after", sql: /update "imports" set "status"/, times: 1 },
      { when: "before", sql: /update "imports" set "status"/, times: 1 },
      { when: "before", sql: /json_each\(p.errors\)/, times: 2 },
    ];
    const through = apiWith({ DB: faultyD1(env.DB, faults) });
    const { status, body } = await upload(brand, "default", "H-1\nH-1\n", { query, through });
    expect([status, body.status, body.accepted, body.errors.length]).toEqual([
      201,
      "complete",
      1,
      1,
    ]);
  });

  it("that breaks off keeps what it took, says so, and is made good by sending the file again", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const broken = `{"codes": [${numbered("G", 12_000)
      .map((code) => `"${code}"`)
      .join()}, oops]}`;
    const json = { "Content-Type": "application/json" };
    const answer = await upload(brand, campaign, broken, { headers: json });
    expect([answer.status, answer.body.type]).toEqual([
      400,
      "http://codedrop.test/problems/malformed-json",
    ]);
    expect(answer.body.detail).toContain("What came before is kept");
    const dry = await upload(brand, campaign, broken, { headers: json, query: "?dry_run=true" });
    expect(dry.body.detail).toMatch(/Nothing was taken\.$/);
    const left = await api.send<Import>(brand.secret, `GET /v1/imports/${answer.body.import_id}`);
    expect(left.body).toMatchObject({ status: "failed", rejected: 0, duplicates: 0 });
    const mended = await upload(brand, campaign, broken.replace(", oops", ""), { headers: json });
    expect(mended.body).toMatchObject({ rows: 12_000, accepted: 12_000 - left.body.accepted });
    expect(new Set(await codesOf(brand, campaign)).size).toBe(12_000);
    expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, codes: 12_000 });
  });

  it("that nobody finished is called failed once it has been silent", async () => {
    const brand = await api.newBrand();
    const { body } = await upload(brand, "default", "S-1\n");
    await env.DB.prepare("UPDATE imports SET status = 'running' WHERE id = ?").bind(body.id).run();
    const status = async () =>
      (await api.send<Import>(brand.secret, `GET /v1/imports/${body.id}`)).body.status;
    expect(await status()).toBe("running");
    vi.setSystemTime(Date.now() + IMPORT_SILENCE_MS + 1_000);
    expect(await status()).toBe("failed");
  });
});

describe("a file that is not one", () => {
  it("is refused with what to change", async () => {
    const brand = await api.newBrand();
    const send = async (file: string, headers: Record<string, string>, query = "") => {
      const { status, body } = await upload(brand, "default", file, { headers, query });
      return [status, body.type.split("/").at(-1)];
    };
    expect(await send("name,price\na,1\n", CSV)).toEqual([422, "import-unreadable"]);
    const nothing = await upload(brand, "default", "name,price\na,1\n");
    expect(nothing.body.detail).toMatch(/Nothing was taken\.$/);
    expect(await send("A", { "Content-Type": "text/plain" })).toEqual([
      415,
      "unsupported-media-type",
    ]);
    expect(await send("A", { "Content-Type": "text/csv; charset=iso-8859-1" })).toEqual([
      415,
      "unsupported-media-type",
    ]);
    expect(await send("A", { ...CSV, "Content-Encoding": "gzip" })).toEqual([
      415,
      "unsupported-media-type",
    ]);
    expect(await send("A", CSV, "?dry_run=maybe")).toEqual([422, "validation-failed"]);
    const json = { "Content-Type": "application/json" };
    for (const file of ["[]", "null", '{"codes": {}}', '{"codes": ["A"], "x": 1}']) {
      expect([file, await send(file, json)]).toEqual([file, [422, "import-unreadable"]]);
    }
    for (const file of ["", "nope", "{", '{"codes": ["A"] oops}', '{"codes": oops}']) {
      expect([file, await send(file, json)]).toEqual([file, [400, "malformed-json"]]);
    }
    expect((await upload(brand, "default", "")).body).toMatchObject({
      rows: 0,
      status: "complete",
    });
    expect(await codesOf(brand, "default")).toEqual([]);
  });

  it("is refused above 100 MB, announced or not", async () => {
    const brand = await api.newBrand();
    // Blank lines are no rows: the bytes count.
    const chunk = new TextEncoder().encode(`${" ".repeat(9_999)}\n`.repeat(100));
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += chunk.byteLength;
        controller.enqueue(chunk);
        if (sent > 110_000_000) controller.close();
      },
    });
    const post = (init: { body: BodyInit; headers?: Record<string, string> }) =>
      exports.default.fetch(
        new Request("http://codedrop.test/v1/campaigns/default/imports", {
          method: "POST",
          ...init,
          headers: { ...CSV, Authorization: `Bearer ${brand.secret}`, ...init.headers },
        }),
      );
    const announced = await post({ body: "A\n", headers: { "Content-Length": "100000001" } });
    expect(announced.status).toBe(413);
    const unannounced = await post({ body });
    expect(unannounced.status).toBe(413);
    expect(await unannounced.json()).toMatchObject({ import_id: expect.stringMatching(/^imp_/) });
  });
});

describe.concurrent("codes that look like generated ones", () => {
  it("are taken once nobody would refuse them any more, and then no guess is refused by its looks", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    const own = "CDFG-HJKM-NPQR";
    const rules = async () => (await listShapes(env.DB, inventoryOf(brand.id, "live"))).map(ruleOf);
    expect(rulesForged(await rules(), matchKey(own)).length).toBe(1);
    const began = Date.now();
    const { body } = await upload(brand, campaign, `${own}\n`);
    expect(body).toMatchObject({ accepted: 1 });
    expect(Date.now() - began).toBeGreaterThanOrEqual(SHAPE_WAIT_MS - 100);
    expect(rulesForged(await rules(), matchKey(own))).toEqual([]);
    await api.claim(brand, campaign, "u-1");
    await api.claim(brand, campaign, "u-2");
    const verdict = await api.send(brand.secret, "POST /v1/codes/validate", { code: own });
    expect(verdict.body).toMatchObject({ valid: true });
  });

  it("wait also where another import has just found out, and may have broken off since", async () => {
    const brand = await api.newBrand();
    await api.addCodes(brand, "default", 1);
    const [shape] = await listShapes(env.DB, inventoryOf(brand.id, "live"));
    await setUnchecked(env.DB, [shape?.id ?? ""]);
    const noted = Date.now();
    await upload(brand, "default", "CDFG-HJKM-NPQR\n");
    expect(Date.now() - noted).toBeGreaterThanOrEqual(SHAPE_WAIT_MS - 100);
    const later = Date.now();
    await upload(brand, "default", "CDFG-HJKM-NPQT\n");
    expect(Date.now() - later).toBeLessThan(SHAPE_WAIT_MS);
  });

  it("wait also where only a shape excuses them that some do not know yet", async () => {
    const brand = await api.newBrand();
    await api.addCodes(brand, "default", 1);
    await env.DB.prepare("UPDATE code_shapes SET created_at = 0 WHERE inventory = ?")
      .bind(brand.id)
      .run();
    // Without check characters, and some of its texts look like those of the first.
    await shapeForCodes(env.DB, inventoryOf(brand.id, "live"), { pattern: "CDFGHJKM####" });
    const began = Date.now();
    await upload(brand, "default", "CDFG-HJKM-NPQR\n");
    expect(Date.now() - began).toBeGreaterThanOrEqual(SHAPE_WAIT_MS - 100);
  });

  it("are taken by a brand that has rotated its keys a hundred times", async () => {
    const brand = await api.newBrand();
    await api.addCodes(brand, "default", 1);
    const live = inventoryOf(brand.id, "live");
    for (let i = 0; i < 110; i++) await rotateCheckKeys(env.DB, live, null);
    const { status, body } = await upload(brand, "default", "CDFG-HJKM-NPQR\n");
    expect([status, body.accepted]).toEqual([201, 1]);
  });

  it("and were there before them, are never refused", async () => {
    const brand = await api.newBrand();
    const own = "CDFG-HJKM-NPQR";
    await upload(brand, "default", `${own}\n`);
    await api.addCodes(brand, "default", 3);
    for (let i = 0; i < 4; i++) await api.claim(brand, "default", `u-${i}`);
    const verdict = await api.send(brand.secret, "POST /v1/codes/validate", { code: own });
    expect(verdict.body).toMatchObject({ valid: true });
  });

  it("are judged again when a shape was added while they came", async () => {
    const brand = await api.newBrand();
    const own = "CDFG-HJKM-NPQR";
    let added = false;
    const DB = new Proxy(env.DB, {
      get(db, property) {
        if (property === "batch") {
          return async (statements: D1PreparedStatement[]) => {
            if (!added && statements.length > 5) {
              added = true;
              await api.addCodes(brand, "default", 1);
            }
            return db.batch(statements);
          };
        }
        const value: unknown = Reflect.get(db, property);
        return typeof value === "function" ? (value.bind(db) as unknown) : value;
      },
    });
    const { body } = await upload(brand, "default", `${own}\n`, { through: apiWith({ DB }) });
    expect(body).toMatchObject({ accepted: 1 });
    const rules = (await listShapes(env.DB, inventoryOf(brand.id, "live"))).map(ruleOf);
    expect([rules.length, rulesForged(rules, matchKey(own))]).toEqual([1, []]);
  });
});

describe("an import beside claims", () => {
  it("gives its codes while it runs", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const encoder = new TextEncoder();
    let early = 0;
    let pulls = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        pulls += 1;
        if (pulls === 60) {
          for (let i = 0; i < 5; i++) {
            if ((await api.claim(brand, campaign, `early-${i}`)).status === 201) early += 1;
          }
        }
        if (pulls > 80) controller.close();
        else controller.enqueue(encoder.encode(`${numbered(`W${pulls}`, 500).join("\n")}\n`));
      },
    });
    const answer = await exports.default.fetch(
      new Request(`http://codedrop.test/v1/campaigns/${campaign}/imports`, {
        method: "POST",
        headers: { ...CSV, Authorization: `Bearer ${brand.secret}` },
        body,
      }),
    );
    expect(await answer.json()).toMatchObject({ accepted: 40_000 });
    expect(early).toBe(5);
    while (await runDurableObjectAlarm(env.CODE_POOL.getByName(`${campaign}/0`)));
    await runInDurableObject(env.CODE_POOL.getByName(`${campaign}/0`), () => undefined);
    expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, codes: 40_000 });
  });
});
