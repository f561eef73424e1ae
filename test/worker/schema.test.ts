import { env } from "cloudflare:workers";
import { getTableConfig } from "drizzle-orm/sqlite-core";
import { describe, expect, it } from "vitest";
import { findKey } from "../../src/db/api-keys.ts";
import { listUntold, tellMoments } from "../../src/db/campaign-clock.ts";
import { findCampaign, listLeasedCampaigns } from "../../src/db/campaigns.ts";
import type { CodeShapeRow } from "../../src/db/code-shapes.ts";
import { forgetUsers, listCodes } from "../../src/db/codes.ts";
import { database } from "../../src/db/database.ts";
import { eventToInsert, listBrandRuns, listCampaignRuns, listRuns } from "../../src/db/events.ts";
import {
  apiKeys,
  auditLog,
  batches,
  brands,
  campaignClock,
  campaigns,
  codes,
  codeShapes,
  campaignStock,
  eventRuns,
  idempotencyRecords,
  imports,
  keyOrigins,
  webhookEndpoints,
} from "../../src/db/schema.ts";
import { inventoryOf } from "../../src/domain/inventory.ts";
import { growBatch } from "../../src/inventory/batches.ts";
import { listRunningErasures } from "../../src/inventory/erasures.ts";
import {
  findEvents,
  findRunOf,
  oldestToForget,
  revocationsToInsert,
  type LedgerRun,
} from "../../src/inventory/event-log.ts";
import { findCodes, markRevoked } from "../../src/inventory/find-codes.ts";
import { findKnown, OwnCodes } from "../../src/inventory/imports.ts";
import { leaseBlock } from "../../src/inventory/leases.ts";
import { showClaims, showLog } from "../../src/inventory/projection.ts";
import { tellStock } from "../../src/inventory/tell-stock.ts";

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const tables = [
  apiKeys,
  auditLog,
  batches,
  brands,
  campaignClock,
  campaigns,
  codes,
  codeShapes,
  campaignStock,
  eventRuns,
  idempotencyRecords,
  imports,
  keyOrigins,
  webhookEndpoints,
];

describe.each(tables)("the drizzle table", (table) => {
  const { name, columns } = getTableConfig(table);
  it(`${name} has the columns of the migrations, with their types and NOT NULL`, async () => {
    const { results } = await env.DB.prepare(
      'SELECT name, lower(type) AS type, "notnull" OR pk > 0 AS required FROM pragma_table_info(?)',
    )
      .bind(name)
      .all();
    const expected = columns.map((column) => ({
      name: snake(column.name),
      type: column.getSQLType(),
      required: column.notNull || column.primary ? 1 : 0,
    }));
    const inDatabase = results.map((row) => ({
      name: String(row["name"]),
      type: row["type"],
      required: row["required"] ? 1 : 0,
    }));
    const byName = (one: { name: string }, other: { name: string }) =>
      one.name.localeCompare(other.name);
    expect(inDatabase.toSorted(byName)).toEqual(expected.toSorted(byName));
  });
});

/** The plans of the statements that `work` sends to D1. */
async function plansOf(work: (db: D1Database) => Promise<unknown>): Promise<string> {
  const sent: { sql: string; values: unknown[] }[] = [];
  const recorder = new Proxy(env.DB, {
    get(db, property) {
      if (property !== "prepare") {
        const value: unknown = Reflect.get(db, property);
        return typeof value === "function" ? (value.bind(db) as unknown) : value;
      }
      return (sql: string) => {
        const statement = db.prepare(sql);
        const bind = statement.bind.bind(statement);
        statement.bind = (...values: unknown[]) => {
          sent.push({ sql, values });
          return bind(...values);
        };
        return statement;
      };
    },
  });
  await work(recorder);
  const plans = await Promise.all(
    sent.map(({ sql, values }) =>
      env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...values)
        .all<{ detail: string }>(),
    ),
  );
  return plans.flatMap(({ results }) => results.map(({ detail }) => detail)).join("\n");
}

const run: LedgerRun = {
  campaignId: "cmp_none",
  type: "claim.created",
  shard: 0,
  from: 0,
  to: 1,
  count: 1,
};

describe("D1", () => {
  it("finds the codes of claims by key", async () => {
    const plan = await plansOf((db) => showClaims(db, run, []).catch(() => null));
    expect(plan).toMatch(/SEARCH codes USING PRIMARY KEY \(batch_id=\? AND ordinal=\?\)/);
    expect(plan).not.toMatch(/SCAN codes/);
  });

  it("looks at the stock without adding up batches, however many there are", async () => {
    const plan = await plansOf((db) => tellStock(db, "cmp_none"));
    expect(plan).toContain("SEARCH s USING PRIMARY KEY (campaign_id=?)");
    expect(plan).not.toMatch(/SCAN|batches|codes/);
  });

  it("looks up codes of a list one by one, and never walks through an inventory", async () => {
    const inventory = inventoryOf("brd_x", "live");
    const shape: CodeShapeRow = {
      id: "shp_x",
      inventory,
      number: 1,
      template: [12],
      alphabet: "CDFGHJKMNPQRTVWX",
      checkKey: "0".repeat(32),
      createdAt: 0,
      usableFrom: 0,
      uncheckedFrom: null,
    };
    const batch = { id: "bat_x", campaignId: "cmp_x", shards: 1, requested: 1, created: 0 };
    const own = [{ line: 1, code: "A", matchKey: "A" }];
    const importer = (db: D1Database) =>
      new OwnCodes({ db, importId: "imp_x", campaignId: "cmp_x", inventory });
    for (const work of [
      (db: D1Database) => findCodes(db, inventory, ["A"]),
      (db: D1Database) => findKnown(db, inventory, own),
      (db: D1Database) => growBatch(db, batch, shape, { hard: false }).catch(() => null),
      (db: D1Database) => markRevoked(db, [], { reason: null, now: 0 }, null),
      (db: D1Database) => showLog(db, run, []).catch(() => null),
      (db: D1Database) =>
        Promise.race([importer(db).take(own, { duplicates: 0, rejected: 0 }), scheduler.wait(50)]),
    ]) {
      const plan = await plansOf(work);
      expect(plan).toMatch(/codes_by_match_key \(inventory=\? AND match_key=\?|ordinal[=>]\?/);
      expect(plan).not.toMatch(/SCAN (c|codes)\b|codes_by_match_key \(inventory=\?\)/);
    }
  });

  it("finds whom to forget, and in which campaigns, without walking through any table", async () => {
    const forget = await plansOf((db) => {
      const [blank, clear] = forgetUsers(db, [{ batchId: "bat_none", ordinal: 0 }]);
      return database(db).batch([blank, clear]);
    });
    expect(forget).toMatch(/SEARCH codes USING PRIMARY KEY \(batch_id=\? AND ordinal=\?\)/);
    expect(forget).not.toMatch(/SCAN codes/);
    const scope = { brandId: "brd_none", mode: null };
    for (const work of [
      (db: D1Database) => listLeasedCampaigns(db, scope, { after: "cmp_x", limit: 25 }),
      (db: D1Database) => listRunningErasures(db, { brandId: "brd_none", after: "", limit: 20 }),
    ]) {
      expect(await plansOf(work)).not.toMatch(/SCAN|TEMP B-TREE/);
    }
  });

  it("finds the next lease without looking at spent batches", async () => {
    const lease = {
      leaseId: "lse_plan",
      campaignId: "cmp_none",
      shard: 0,
      shards: 2,
      sizeMax: 1,
      now: 0,
    };
    const plan = await plansOf((db) => leaseBlock(db, lease));
    expect(plan).toContain("SEARCH batches USING INDEX batches_with_stock");
    expect(plan).not.toMatch(/SCAN|TEMP B-TREE/);
  });

  it("pages codes in order from the cursor, without sorting", async () => {
    const filter = { campaignId: "cmp_none", now: 0, isOver: false, status: "claimed" as const };
    for (const after of [null, ["bat_x", 7] as [string, number]]) {
      const plan = await plansOf((db) => listCodes(db, filter, { after, limit: 21 }));
      expect(plan).toMatch(/SEARCH codes USING PRIMARY KEY \(batch_id=\? AND /);
      expect(plan).not.toMatch(/SCAN|TEMP B-TREE/);
    }
  });

  it("numbers an event by two looks at an index, and pages events without sorting", async () => {
    const event = {
      id: "evt_x",
      campaignId: "cmp_none",
      type: "user.erased" as const,
      timestamp: 0,
      data: { claim_ids: [] },
    };
    const page = { after: 5, limit: 21 };
    const scope = { brandId: "brd_none", mode: "test" as const };
    const revoked = { id: "evt_x", places: [{ batchId: "bat_x", ordinal: 1 }], now: 0 };
    for (const work of [
      (db: D1Database) => database(db).batch([eventToInsert(db, event)]),
      (db: D1Database) => revocationsToInsert(db, "cmp_none", revoked).run(),
      (db: D1Database) => listCampaignRuns(db, { campaignId: "cmp_none", type: null }, page),
      (db: D1Database) => listBrandRuns(db, { scope, type: null }, page),
      (db: D1Database) => findEvents(db, "cmp_none", [1, 2]),
      (db: D1Database) => findRunOf(db, scope, { subject: "none", sequence: 1 }),
      (db: D1Database) => oldestToForget(db, "cmp_none").run(),
    ]) {
      const plan = await plansOf(work);
      expect(plan).toMatch(/SEARCH (e|event_runs) USING/);
      expect(plan).not.toMatch(/SCAN (c|e|r|codes|event_runs)\b|TEMP B-TREE/);
    }
  });

  it("finds rare events, and those of test campaigns, without walking through the claims", async () => {
    const page = { after: 5, limit: 21 };
    const type = "campaign.ended" as const;
    const all = { brandId: "brd_none", mode: null };
    const test = { brandId: "brd_none", mode: "test" as const };
    for (const [work, index] of [
      [
        (db: D1Database) => listBrandRuns(db, { scope: all, type }, page),
        "event_runs_told (brand_id=? AND type=? AND position>?)",
      ],
      [
        (db: D1Database) => listBrandRuns(db, { scope: test, type: null }, page),
        "event_runs_of_test (brand_id=? AND position>?)",
      ],
      [
        (db: D1Database) => listRuns(db, test, page),
        "event_runs_of_test (brand_id=? AND position>?)",
      ],
    ] as const) {
      const plan = await plansOf(work);
      expect(plan).toContain(`SEARCH event_runs USING INDEX ${index}`);
      expect(plan).not.toMatch(/TEMP B-TREE/);
    }
  });

  it("finds what comes next without looking at what was told, and tells it by key", async () => {
    const moment = { campaignId: "cmp_none", type: "campaign.ended" as const, at: 5, createdAt: 0 };
    const next = await plansOf((db) => listUntold(db, "brd_none", 20));
    expect(next).toContain("USING COVERING INDEX campaign_clock_untold (brand_id=?)");
    const telling = await plansOf((db) => tellMoments(db, [moment]));
    expect(telling).toMatch(
      /campaign_clock USING PRIMARY KEY \(campaign_id=\? AND type=\? AND at=\?/,
    );
    for (const plan of [next, telling]) expect(plan).not.toMatch(/SCAN campaign|TEMP B-TREE/);
  });

  it("finds a key by its hash and a campaign by id or slug through an index", async () => {
    expect(await plansOf((db) => findKey(db, "cdk_live_x"))).not.toMatch(/SCAN/);
    const scope = { brandId: "brd_none", mode: null };
    expect(await plansOf((db) => findCampaign(db, scope, "x"))).not.toMatch(/SCAN/);
  });
});
