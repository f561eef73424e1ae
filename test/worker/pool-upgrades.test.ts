import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MIGRATIONS } from "../../src/code-pool/migrations.ts";
import type { Brand } from "../support/api.ts";
import { Shop } from "../support/checkout.ts";
import { api } from "../support/worker-api.ts";

/** Settings of a pool before any were added. */
const FIRST_SETTINGS = new Set([
  "id",
  "version",
  "status",
  "startsAt",
  "endsAt",
  "claimsPerUser",
  "shards",
  "codeLifetimeSeconds",
  "consent",
]);

const poolOf = (campaign: string) => env.CODE_POOL.getByName(`${campaign}/0`);

/** Children before parents. */
function tablesOf(sql: SqlStorage): string[] {
  return sql
    .exec<{ name: string }>(
      `SELECT name FROM sqlite_schema WHERE type = 'table'
         AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_cf_*' AND name <> 'schema_version'
       ORDER BY name = 'claims', name`,
    )
    .toArray()
    .map(({ name }) => name);
}

const columnsOf = (sql: SqlStorage, table: string) =>
  sql
    .exec<{ name: string }>("SELECT name FROM pragma_table_info(?)", table)
    .toArray()
    .map(({ name }) => name);

/** The object as a release with the first `count` migrations left it, as far as that knew of it. */
async function downgrade(campaign: string, count: number, last = "SELECT 1"): Promise<void> {
  await runInDurableObject(poolOf(campaign), (_pool, { storage }) => {
    const { sql } = storage;
    const names = tablesOf(sql);
    const held = new Map(names.map((name) => [name, sql.exec(`SELECT * FROM ${name}`).toArray()]));
    for (const name of names) sql.exec(`DROP TABLE ${name}`);
    for (const migration of MIGRATIONS.slice(0, count)) sql.exec(migration);
    for (const name of tablesOf(sql).toReversed()) {
      sql.exec(`DELETE FROM ${name}`);
      const known = columnsOf(sql, name);
      for (const row of held.get(name) ?? []) {
        const columns = Object.keys(row).filter((column) => known.includes(column));
        sql.exec(
          `INSERT INTO ${name} (${columns.join()}) VALUES (${columns.map(() => "?").join()})`,
          ...columns.map((column) => row[column] ?? null),
        );
      }
    }
    const { campaign: settings } = sql
      .exec<{ campaign: string }>("SELECT campaign FROM pool")
      .one();
    const first = Object.entries(JSON.parse(settings) as object).filter(([name]) =>
      FIRST_SETTINGS.has(name),
    );
    sql.exec("UPDATE pool SET campaign = ?", JSON.stringify(Object.fromEntries(first)));
    sql.exec("DELETE FROM schema_version WHERE version > ?", count);
    sql.exec(last);
  });
  await evictDurableObject(poolOf(campaign));
}

const claim = (brand: Brand, campaign: string, userId: string, key: string) =>
  api.send(
    brand.secret,
    `POST /v1/campaigns/${campaign}/claims`,
    { user: { id: userId } },
    { "Idempotency-Key": key },
  );

afterEach(() => {
  vi.useRealTimers();
});

describe.each(MIGRATIONS.slice(1).map((_, i) => i + 1))(
  "a pool that has run %i of its migrations",
  (count) => {
    it("goes on: claims, repeats, redemptions, erasures and the breaker", async () => {
      const brand = await api.newBrand();
      const campaign = await api.newCampaign(brand, 10);
      const [first, second] = [
        await api.claim(brand, campaign, "u-1"),
        await api.claim(brand, campaign, "u-2"),
      ];
      expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, unprojected: 0 });
      await downgrade(campaign, count);
      const again = await api.claim(brand, campaign, "u-1");
      expect([again.status, again.body]).toEqual([200, first.body]);
      const third = await claim(brand, campaign, "u-3", "k");
      expect([third.status, (await claim(brand, campaign, "u-3", "k")).text]).toEqual([
        201,
        third.text,
      ]);
      const spent = { code: second.body.code, order_id: "o-1" };
      expect((await api.send(brand.secret, "POST /v1/redemptions", spent)).status).toBe(201);
      const erased = await api.send(brand.secret, "DELETE /v1/users/u-2");
      expect(erased.body).toMatchObject({ status: "complete", claims: 1 });
      const set = { max_claims_per_minute: 4 };
      await api.send(brand.secret, `PATCH /v1/campaigns/${campaign}`, set);
      expect((await api.claim(brand, campaign, "u-4")).status).toBe(201);
      expect((await api.claim(brand, campaign, "u-5")).status).toBe(409);
      expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, claimed: 4 });
    });

    it("says by its settings of then why it is closed", async () => {
      const brand = await api.newBrand();
      const campaign = await api.newCampaign(brand, 10);
      await api.claim(brand, campaign, "u-1");
      await api.send(brand.secret, `POST /v1/campaigns/${campaign}/pause`);
      await downgrade(campaign, count);
      const refused = await api.claim(brand, campaign, "u-2");
      expect([refused.status, refused.body]).toMatchObject([
        409,
        { detail: "The campaign is paused." },
      ]);
    });
  },
);

it("a pool of before rollbacks knows its redemptions, tells none again, and rolls them back", async () => {
  const shop = new Shop(api, await api.newBrand());
  const campaign = await api.newCampaign(shop.brand, 10, { code_lifetime_seconds: 3_600 });
  const told = async () => {
    await shop.send(`GET /v1/campaigns/${campaign}/stats`);
    const events = await api.listAll<{ type: string; data: { order_id?: string } }>(
      shop.brand.secret,
      `/v1/events?campaign_id=${campaign}`,
      100,
    );
    return events.flatMap(({ type, data }) => (data.order_id ? [[type, data.order_id]] : []));
  };
  const [one, two] = [await shop.codeFor(campaign, "u-1"), await shop.codeFor(campaign, "u-2")];
  const first = await shop.redeem(one, "o-1");
  expect(await told()).toEqual([["code.redeemed", "o-1"]]);
  const second = await shop.redeem(two, "o-2");
  await downgrade(campaign, 6, "UPDATE pool SET projected_redemption = 1");
  expect((await shop.redeem(one, "o-1")).body).toEqual(first.body);
  expect((await shop.redeem(one, "o-9")).status).toBe(409);
  expect((await shop.rollBack(second.body.id)).status).toBe(200);
  expect((await shop.redeem(two, "o-3")).status).toBe(201);
  expect(await told()).toEqual([
    ["code.redeemed", "o-1"],
    ["code.redeemed", "o-2"],
    ["redemption.rolled_back", "o-2"],
    ["code.redeemed", "o-3"],
  ]);
  expect((await api.integrity(shop.brand, campaign)).ok).toBe(true);
});

it("a pool of before ends were told tells them in their time, whatever lives its codes got", async () => {
  const shop = new Shop(api, await api.newBrand());
  const campaign = await api.newCampaign(shop.brand, 10);
  const live = (seconds: number | null) =>
    shop.send(`PATCH /v1/campaigns/${campaign}`, { code_lifetime_seconds: seconds });
  const told = async () => {
    for (let i = 0; i < 5; i++) {
      await runDurableObjectAlarm(poolOf(campaign));
      await scheduler.wait(5);
    }
    const path = `/v1/events?campaign_id=${campaign}&type=code.expired`;
    const events = await api.listAll<{ data: { code: string } }>(shop.brand.secret, path);
    return events.map(({ data }) => data.code);
  };
  await shop.codeFor(campaign, "endless");
  await live(600);
  const long = [await shop.codeFor(campaign, "u-1"), await shop.codeFor(campaign, "u-2")];
  await live(60);
  const short = await shop.codeFor(campaign, "u-3");
  await live(6_000);
  await api.integrity(shop.brand, campaign);
  await downgrade(campaign, 6);
  await live(6_000);
  const last = await shop.codeFor(campaign, "u-4");
  const start = Date.now();
  vi.setSystemTime(start + 66_000);
  expect(await told()).toEqual([short]);
  vi.setSystemTime(start + 606_000);
  expect(await told()).toEqual([short, ...long]);
  vi.setSystemTime(start + 6_006_000);
  expect(await told()).toEqual([short, ...long, last]);
});
