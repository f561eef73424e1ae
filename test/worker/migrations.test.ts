import { applyD1Migrations, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { newId, randomBytes } from "../../src/db/new-id.ts";
import type { KeyMode } from "../../src/domain/api-key.ts";
import { drawCodes, shapeOf, type CodeFormat } from "../../src/domain/code-format.ts";
import { matchKey } from "../../src/domain/match-key.ts";
import { SIPHASH_KEY_BYTES } from "../../src/domain/siphash.ts";
import { newSecretKey } from "../support/brand-key.ts";
import { api } from "../support/worker-api.ts";

/** The last migration of the databases that are filled here. */
const FILLED_AT = "0009";

async function rows<Row>(sql: string, ...values: unknown[]): Promise<Row[]> {
  return (
    await env.DB.prepare(sql)
      .bind(...values)
      .all<Row>()
  ).results;
}

async function insert(table: string, row: Record<string, unknown>): Promise<void> {
  const columns = Object.keys(row);
  await env.DB.prepare(
    `INSERT INTO ${table} (${columns.join()}) VALUES (${columns.map(() => "?").join()})`,
  )
    .bind(...Object.values(row))
    .run();
}

async function dropAll(): Promise<void> {
  const tables = await rows<{ name: string }>(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_cf_*'
     ORDER BY name = 'code_shapes', rowid DESC`,
  );
  for (const { name } of tables) await env.DB.prepare(`DROP TABLE ${name}`).run();
}

/** A brand as releases before 0015 left it: live and test campaigns share what is the brand's. */
class OldBrand {
  readonly id = newId("brand");
  readonly #shapes = new Map<string, { format: CodeFormat | null; key: Uint8Array }>();

  async open(): Promise<this> {
    const { id } = this;
    await insert("brands", { id, slug: id, name: "Old", status: "active", created_at: 0 });
    return this;
  }

  async campaign(
    mode: KeyMode,
    format: CodeFormat | null = null,
    fields: Record<string, string | number> = {},
  ): Promise<string> {
    const id = newId("campaign");
    await insert("campaigns", {
      id,
      brand_id: this.id,
      slug: id,
      name: "Old",
      mode,
      status: "active",
      code_format: format && JSON.stringify(format),
      user_key_secret: "0".repeat(64),
      created_at: 0,
      ...fields,
    });
    return id;
  }

  async shape(format: CodeFormat | null, uncheckedFrom: number | null = null): Promise<string> {
    const id = newId("codeShape");
    const key = randomBytes(SIPHASH_KEY_BYTES);
    const { template, alphabet } = shapeOf(format);
    this.#shapes.set(id, { format, key });
    await insert("code_shapes", {
      id,
      brand_id: this.id,
      number: this.#shapes.size,
      template: JSON.stringify(template),
      alphabet,
      check_key: key.toHex(),
      created_at: 0,
      usable_from: 0,
      unchecked_from: uncheckedFrom,
    });
    return id;
  }

  /** Codes at places 0, 1, …, of which the first `created` count. */
  async batch(
    campaign: string,
    shape: string,
    made: { requested: number; created?: number; rows?: number },
  ): Promise<{ id: string; codes: string[] }> {
    const { requested, created = requested, rows: count = created } = made;
    const { format = null, key = randomBytes(0) } = this.#shapes.get(shape) ?? {};
    const id = newId("batch");
    const status = created === requested ? "complete" : "running";
    const codes = drawCodes({ shape: shapeOf(format), key }, count, randomBytes);
    await this.#codes(id, campaign, { requested, created, status, shape_id: shape }, codes);
    return { id, codes: codes.map(({ code }) => code) };
  }

  async import(campaign: string, code: string): Promise<void> {
    const id = newId("import");
    const drawn = { code, matchKey: matchKey(code) };
    const counts = { requested: 1, created: 1, status: "complete" };
    await insert("imports", {
      id,
      campaign_id: campaign,
      status: "complete",
      dry_run: 0,
      rows: 1,
      accepted: 1,
      created_at: 0,
      touched_at: 0,
    });
    await this.#codes(id, campaign, counts, [drawn]);
    await env.DB.prepare("INSERT INTO imported_lengths VALUES (?, ?) ON CONFLICT DO NOTHING")
      .bind(this.id, drawn.matchKey.length)
      .run();
  }

  async #codes(
    id: string,
    campaign: string,
    batch: Record<string, unknown>,
    codes: { code: string; matchKey: string }[],
  ): Promise<void> {
    await insert("batches", { id, campaign_id: campaign, created_at: 0, ...batch });
    for (const [ordinal, { code, matchKey: key }] of codes.entries()) {
      const place = { batch_id: id, ordinal, brand_id: this.id };
      await insert("codes", { ...place, code, match_key: key });
    }
  }
}

const SHORT = { length: 10 };
const LONG = { length: 14 };

let old: OldBrand;
let other: OldBrand;
let campaigns: { live: string; test: string; unfinished: string };
let shapes: { both: string; live: string; test: string };
let live: { id: string; codes: string[] };
let test: { id: string; codes: string[] };
let unfinished: { id: string; codes: string[] };
let clocked: { running: string; over: string };
let keys: { live: string; test: string };

beforeAll(async () => {
  await dropAll();
  const at = env.MIGRATIONS.findLastIndex(({ name }) => name.startsWith(FILLED_AT)) + 1;
  await applyD1Migrations(env.DB, env.MIGRATIONS.slice(0, at));
  old = await new OldBrand().open();
  campaigns = {
    live: await old.campaign("live"),
    test: await old.campaign("test"),
    unfinished: await old.campaign("test", LONG),
  };
  shapes = {
    both: await old.shape(null),
    live: await old.shape(SHORT, 7),
    test: await old.shape(LONG),
  };
  live = await old.batch(campaigns.live, shapes.both, { requested: 3 });
  await old.batch(campaigns.live, shapes.live, { requested: 2 });
  test = await old.batch(campaigns.test, shapes.both, { requested: 3 });
  const half = { requested: 6, created: 2, rows: 3 };
  unfinished = await old.batch(campaigns.unfinished, shapes.test, half);
  await old.import(campaigns.live, "OWN-LIVE");
  await old.import(campaigns.test, "OWN-TESTED");
  other = await new OldBrand().open();
  const theirs = await other.campaign("live");
  const theirBatch = await other.batch(theirs, await other.shape(null), { requested: 2 });
  await env.DB.prepare("UPDATE codes SET revoked_at = 1 WHERE batch_id = ? AND ordinal = 0")
    .bind(theirBatch.id)
    .run();
  await other.import(theirs, "OWN-LIVE");
  const [past, future] = [1, Date.now() + 86_400_000];
  clocked = {
    running: await other.campaign("live", null, { starts_at: past, ends_at: future }),
    over: await other.campaign("test", null, { ends_at: past }),
  };
  await other.campaign("live", null, { ends_at: future, status: "ended" });
  keys = { live: await newSecretKey(old.id, "live"), test: await newSecretKey(old.id, "test") };

  await applyD1Migrations(env.DB, env.MIGRATIONS);
});

describe("a database from before live and test inventories were two", () => {
  it("keeps every reference, and every code in the inventory of its campaign's mode", async () => {
    expect(await rows("PRAGMA foreign_key_check")).toEqual([]);
    const found = await rows(
      `SELECT k.brand_id AS brand, k.mode, c.inventory, count(*) AS codes FROM codes AS c
       JOIN batches AS b ON b.id = c.batch_id JOIN campaigns AS k ON k.id = b.campaign_id
       GROUP BY 1, 2, 3 ORDER BY 1, 2`,
    );
    expect(found).toEqual([
      { brand: old.id, mode: "live", inventory: old.id, codes: 6 },
      { brand: old.id, mode: "test", inventory: `${old.id}/test`, codes: 7 },
      { brand: other.id, mode: "live", inventory: other.id, codes: 3 },
    ]);
    await expect(
      env.DB.prepare("UPDATE batches SET shape_id = 'shp_none' WHERE id = ?").bind(live.id).run(),
    ).rejects.toThrow(/FOREIGN KEY/);
  });

  it("gives test batches copies of their shapes, and leaves the live ones as they were", async () => {
    const found = await rows<{ id: string; check_key: string }>(
      "SELECT id, inventory, number, unchecked_from, check_key FROM code_shapes WHERE inventory GLOB ? ORDER BY inventory, number",
      `${old.id}*`,
    );
    const keyOf = new Map(found.map((row) => [row.id, row.check_key]));
    const testInventory = `${old.id}/test`;
    expect(found).toMatchObject([
      { id: shapes.both, inventory: old.id, number: 1, unchecked_from: null },
      { id: shapes.live, inventory: old.id, number: 2, unchecked_from: 7 },
      { id: shapes.test, inventory: old.id, number: 3, unchecked_from: null },
      { id: `${shapes.both}/test`, inventory: testInventory, number: 1, unchecked_from: null },
      { id: `${shapes.test}/test`, inventory: testInventory, number: 2, unchecked_from: null },
    ]);
    for (const id of [shapes.both, shapes.test])
      expect(keyOf.get(`${id}/test`)).toBe(keyOf.get(id));
    const shapeOfBatch = async (id: string) =>
      (await rows<{ shape_id: string }>("SELECT shape_id FROM batches WHERE id = ?", id))[0]
        ?.shape_id;
    expect(await shapeOfBatch(live.id)).toBe(shapes.both);
    expect(await shapeOfBatch(test.id)).toBe(`${shapes.both}/test`);
    expect(await shapeOfBatch(unfinished.id)).toBe(`${shapes.test}/test`);
  });

  it("knows in both inventories how long imported codes may be, where there was a test import", async () => {
    expect(
      await rows("SELECT inventory, length FROM imported_lengths ORDER BY inventory, length"),
    ).toEqual(
      [
        { inventory: old.id, length: 7 },
        { inventory: old.id, length: 9 },
        { inventory: `${old.id}/test`, length: 7 },
        { inventory: `${old.id}/test`, length: 9 },
        { inventory: other.id, length: 7 },
      ].toSorted((a, b) => (a.inventory < b.inventory ? -1 : a.inventory > b.inventory ? 1 : 0)),
    );
  });

  it("has codes that are good with a key of their mode, and unknown with the other", async () => {
    const cases = [
      { mode: "live", other: "test", campaign: campaigns.live, codes: [...live.codes, "OWN-LIVE"] },
      {
        mode: "test",
        other: "live",
        campaign: campaigns.test,
        codes: [...test.codes, "OWN-TESTED"],
      },
    ] as const;
    for (const { mode, other: foreign, campaign, codes } of cases) {
      const given = new Set<string>();
      for (let i = 0; i < 6; i++) {
        const body = { user: { id: `u-${i}` } };
        const claim = await api.send<{ code: string }>(
          keys[mode],
          `POST /v1/campaigns/${campaign}/claims`,
          body,
        );
        if (claim.status === 201) given.add(claim.body.code);
      }
      for (const code of codes) {
        expect(given).toContain(code);
        const spend = (key: string) =>
          api.send(key, "POST /v1/redemptions", { code, order_id: "o-1" });
        expect((await spend(keys[foreign])).status).toBe(404);
        expect((await spend(keys[mode])).status).toBe(201);
      }
    }
  });

  it("goes on with a test batch that was running, and takes new ones of every format", async () => {
    const make = (campaign: string) =>
      api.send(keys.live, `POST /v1/campaigns/${campaign}/batches`, { count: 2 });
    for (const campaign of [campaigns.live, campaigns.test]) {
      expect((await make(campaign)).status).toBe(201);
    }
    while (await runDurableObjectAlarm(env.BATCH_RUNNER.getByName(old.id)));
    const { body } = await api.send(keys.test, `GET /v1/batches/${unfinished.id}`);
    expect(body).toMatchObject({ status: "complete", created: 6 });
    const codes = await api.listAll<{ code: string }>(
      keys.test,
      `/v1/campaigns/${campaigns.unfinished}/codes`,
    );
    expect(new Set(codes.map(({ code }) => code)).size).toBe(6);
    // The one that had not been counted is among them.
    for (const code of unfinished.codes) expect(codes.map((row) => row.code)).toContain(code);
    for (const mode of ["live", "test"] as const) {
      const made = await api.send(keys[mode], "POST /v1/campaigns", {
        name: "New",
        code_format: { length: 16 },
      });
      expect((await make(String(made.body["id"]))).status).toBe(201);
    }
    expect(await rows("PRAGMA foreign_key_check")).toEqual([]);
  });
});

describe("a database from before stock was counted", () => {
  it("knows how many codes each campaign has, and goes on counting", async () => {
    const [campaign = {}] = await rows<Record<string, unknown>>(
      `SELECT b.campaign_id, sum(b.created) AS codes FROM batches AS b JOIN campaigns AS c
         ON c.id = b.campaign_id WHERE c.brand_id = ? GROUP BY 1`,
      other.id,
    );
    const counted = () => rows("SELECT * FROM campaign_stock WHERE campaign_id = ?", campaignId);
    const campaignId = String(campaign["campaign_id"]);
    const stock = { campaign_id: campaignId, claimed: 0, withdrawn: 1, told: "{}", is_due: 0 };
    expect(campaign["codes"]).toBe(3);
    expect(await counted()).toEqual([{ ...stock, codes: 3, most: 2 }]);
    const key = await newSecretKey(other.id, "live");
    await api.send(key, `POST /v1/campaigns/${campaignId}/batches`, { count: 2 });
    await api.send(key, "POST /v1/codes/revoke", { codes: ["OWN-LIVE"] });
    // And somebody has looked since.
    const told = expect.any(String);
    expect(await counted()).toEqual([{ ...stock, codes: 5, withdrawn: 2, most: 3, told }]);
  });
});

describe("a database from before campaigns had rules for the checkout", () => {
  it("keeps the promise that codes have a life of their own; a new campaign makes none", async () => {
    const key = await newSecretKey(other.id, "live");
    const was = await api.send(key, `GET /v1/campaigns/${clocked.running}`);
    const usual = { reveal: "at_claim", reveal_within_seconds: 900, holder_only: false };
    const rules = { ...usual, redeem_unclaimed: false };
    expect(was.body).toMatchObject({ ...rules, codes_outlive_campaign: true });
    const made = await api.send(key, "POST /v1/campaigns", { name: "New" });
    expect(made.body).toMatchObject({ ...rules, codes_outlive_campaign: false });
  });

  it("takes no rule that there is not", async () => {
    const set = (rule: string) =>
      env.DB.prepare(`UPDATE campaigns SET ${rule} WHERE id = ?`).bind(clocked.running).run();
    for (const rule of [
      "reveal = 'later'",
      "reveal_within_seconds = 9",
      "reveal_within_seconds = 604801",
      "holder_only = 2",
      "redeem_unclaimed = 2",
      "codes_outlive_campaign = 2",
    ]) {
      await expect(set(rule)).rejects.toThrow(/CHECK/);
    }
  });
});

describe("a database from before campaigns were told of their times", () => {
  it("tells what is still to come, and nothing that is past", async () => {
    const herald = env.HERALD.getByName(other.id);
    await herald.expect(other.id);
    while (await runDurableObjectAlarm(herald)) {
      const [next] = await rows<{ at: number }>(
        "SELECT at FROM campaign_clock WHERE is_told = 0 ORDER BY at LIMIT 1",
      );
      if ((next?.at ?? 0) > Date.now()) break;
    }
    expect(
      await rows(
        "SELECT * FROM event_runs WHERE brand_id = ? AND type LIKE 'campaign.%'",
        other.id,
      ),
    ).toEqual([]);
    const clock = await rows(
      "SELECT campaign_id, type, is_told FROM campaign_clock ORDER BY campaign_id, at",
    );
    expect(clock).toEqual([
      { campaign_id: clocked.running, type: "campaign.started", is_told: 1 },
      { campaign_id: clocked.running, type: "campaign.ended", is_told: 0 },
      { campaign_id: clocked.over, type: "campaign.ended", is_told: 1 },
    ]);
  });
});
