import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { MIGRATIONS } from "../../src/code-pool/migrations.ts";
import type { Brand } from "../support/api.ts";
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
async function downgrade(campaign: string, count: number): Promise<void> {
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
