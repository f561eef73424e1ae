/** Every administrative change leaves one entry in its brand's log, and nobody can alter it. */

import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { entryAfter, verifyChain } from "../../src/db/audit-log.ts";
import { callOf, CALLS, NOT_ADMINISTRATIVE, sendCall } from "../support/administration.ts";
import { unique, type Brand } from "../support/api.ts";
import { faultyD1, type Fault } from "../support/faulty-d1.ts";
import { apiWith } from "../support/watched-api.ts";
import { api } from "../support/worker-api.ts";

interface Entry {
  id: string;
  number: number;
  at: string;
  actor: string;
  action: string;
  target: string;
  fields: string[];
  request_id: string;
  address_prefix: string | null;
  previous_hash: string | null;
  hash: string;
}

interface Verdict {
  ok: boolean;
  entries: number;
  head: { number: number; hash: string } | null;
  broken_at: number | null;
  checked_at: string;
}

interface Operation {
  operationId: string;
  security: Record<string, string[]>[];
}

const { paths } = (await (
  await exports.default.fetch("http://codedrop.test/openapi.json")
).json()) as { paths: Record<string, Record<string, Operation>> };

/** Everything in the reference that changes something, by the operator or a key that may write. */
const administrative = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods)
    .filter(([method, { security }]) => {
      const [entry = {}] = security;
      const mayWrite = entry["secretKey"]?.some((scope) => scope.endsWith(":write")) ?? false;
      return method !== "get" && (mayWrite || "operatorToken" in entry);
    })
    .map(([method, { operationId }]) => ({
      name: `${method.toUpperCase()} ${path}`,
      operationId,
    }))
    .filter(({ name }) => !NOT_ADMINISTRATIVE.includes(name)),
);

const { OPERATOR_TOKEN: operatorToken } = env;
const worldOf = async () => ({ api, operatorToken, brand: await api.newBrand() });
const logOf = (bearer: string) => api.listAll<Entry>(bearer, "/v1/audit-log");
const verify = async (brand: Brand, query = "") =>
  (await api.send<Verdict>(brand.secret, `GET /v1/audit-log/verify${query}`)).body;
/** The API over a D1 that fails when a change is written. */
const failing = (when: Fault["when"]) =>
  apiWith({ DB: faultyD1(env.DB, [{ when, sql: /INSERT INTO "audit_log"/i, times: 1 }]) });

describe("the calls of these tests", () => {
  it("are those of the reference that change something, each once", () => {
    expect(Object.keys(CALLS).toSorted()).toEqual(
      administrative.map(({ name }) => name).toSorted(),
    );
  });
});

describe.each(administrative)("$name", ({ name, operationId }) => {
  it("leaves exactly one entry, which names the caller, the call, the thing and its fields", async () => {
    const world = await worldOf();
    const { brand } = world;
    const call = await callOf(world, name);
    const before = await logOf(brand.secret);
    const answer = await sendCall(api, name, call, {
      "CF-Connecting-IP": "203.0.113.77",
      "X-Forwarded-For": "198.51.100.1",
    });
    expect(answer.status).toBeLessThan(300);
    const isNewBrand = name === "POST /v1/brands";
    const { id = "", keys } = (answer.body ?? {}) as {
      id?: string;
      keys?: { secret: string };
    };
    const log = await logOf(keys?.secret ?? brand.secret);
    expect(log).toHaveLength(isNewBrand ? 1 : before.length + 1);
    const [entry] = log;
    const isOperators = call.bearer === operatorToken;
    expect(entry).toMatchObject({
      action: operationId,
      actor: isOperators ? "operator" : expect.stringMatching(/^key_/),
      id: expect.stringMatching(/^aud_/),
      request_id: answer.headers.get("X-Request-Id"),
      address_prefix: "203.0.113.0/24",
      fields: typeof call.body === "object" && call.body !== null ? Object.keys(call.body) : [],
    });
    const inPath = /(?:brd|key|cmp|bat|whe)_\w+/.exec(call.path)?.[0];
    const mine = [id, inPath, brand.id, `${inPath}/${id}`].filter(Boolean);
    if (name !== "POST /v1/codes/revoke") expect(mine).toContain(entry?.target);
    expect(await verify(keys === undefined ? brand : { ...brand, secret: keys.secret })).toEqual({
      ok: true,
      entries: log.length,
      head: { number: log.length, hash: entry?.hash },
      broken_at: null,
      checked_at: expect.any(String),
    });
  });

  it("is done, with one entry, when D1 fails after it has written", async () => {
    // What has an object see it through is written by a D1 of that object.
    if (["createBatch", "eraseUser"].includes(operationId)) return;
    const world = await worldOf();
    const call = await callOf(world, name);
    const before = await logOf(world.brand.secret);
    const answer = await sendCall(failing("after"), name, call);
    expect([answer.text, answer.status < 300]).toEqual([answer.text, true]);
    const added = operationId === "createBrand" ? 0 : 1;
    expect(await logOf(world.brand.secret)).toHaveLength(before.length + added);
  });

  it("is not done, and leaves no entry, when D1 fails before it has written", async () => {
    if (["createBatch", "eraseUser"].includes(operationId)) return;
    const world = await worldOf();
    const call = await callOf(world, name);
    const before = await logOf(world.brand.secret);
    const answer = await sendCall(failing("before"), name, call);
    expect([answer.status, answer.body["type"]]).toEqual([
      503,
      "http://codedrop.test/problems/service-unavailable",
    ]);
    expect(await logOf(world.brand.secret)).toEqual(before);
    // It can be done afterwards, so it was not.
    expect((await sendCall(api, name, call)).status).toBeLessThan(300);
  });
});

describe("the audit log", () => {
  it("has no entry of what was refused, nor of what changed nothing", async () => {
    const { brand } = await worldOf();
    const rival = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1, { slug: "spring" });
    const send = (route: string, body?: unknown, bearer = brand.secret) =>
      api.send<{ id: string; key: string }>(bearer, route, body);
    const reader = await send("POST /v1/keys", {
      kind: "secret",
      mode: "live",
      name: "Reader",
      scopes: ["campaigns:read"],
    });
    const gone = await send("POST /v1/keys", { kind: "secret", mode: "live", name: "Gone" });
    await send(`DELETE /v1/keys/${gone.body.id}`);
    await send(`POST /v1/campaigns/${campaign}/pause`);
    const before = await logOf(brand.secret);
    const refused: [string, unknown, number, string?][] = [
      ["POST /v1/campaigns", { name: "Spring", slug: "spring" }, 409],
      [`POST /v1/keys/${gone.body.id}/rotate`, { overlap_seconds: 0 }, 409],
      ["POST /v1/campaigns", { name: "" }, 422],
      [`PATCH /v1/campaigns/${campaign}`, { claims_per_user: 0 }, 422],
      ["PATCH /v1/campaigns/none", { name: "x" }, 404],
      [`PATCH /v1/campaigns/${campaign}`, { name: "x" }, 404, rival.secret],
      [`DELETE /v1/keys/${gone.body.id}`, undefined, 404, rival.secret],
      ["PATCH /v1/brand", { name: "x" }, 403, reader.body.key],
      // Nothing to do any more, or at all.
      [`DELETE /v1/keys/${gone.body.id}`, undefined, 204],
      [`POST /v1/campaigns/${campaign}/pause`, undefined, 200],
      [`PATCH /v1/campaigns/${campaign}`, {}, 200],
      [`PATCH /v1/keys/${reader.body.id}`, {}, 200],
      ["PATCH /v1/brand", {}, 200],
      ["POST /v1/codes/revoke", { codes: ["NOSUCHCODE"] }, 200],
    ];
    for (const [route, body, status, bearer] of refused) {
      expect([route, (await send(route, body, bearer)).status]).toEqual([route, status]);
    }
    expect(await logOf(brand.secret)).toEqual(before);
  });

  it("has no entry of claims, redemptions and questions", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    const before = await logOf(brand.secret);
    const { code } = (await api.claim(brand, campaign, "u-1")).body;
    await api.send(brand.secret, "POST /v1/codes/validate", { code });
    await api.send(brand.secret, "POST /v1/redemptions", { code, order_id: "o-1" });
    await api.send(brand.secret, "POST /v1/codes/lookup", { code });
    expect(await logOf(brand.secret)).toEqual(before);
  });

  it("is one chain without a gap, whatever comes at once", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        i % 3 === 0
          ? api.send(brand.secret, `POST /v1/campaigns/${campaign}/batches`, { count: 1 })
          : api.send(brand.secret, "POST /v1/campaigns", { name: `Of many ${i}` }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(201));
    const log = await logOf(brand.secret);
    // The brand and its campaign come first.
    expect(log.map(({ number }) => number)).toEqual(Array.from({ length: 32 }, (_, i) => 32 - i));
    expect(new Set(log.map(({ target }) => target)).size).toBe(32);
    expect(await verify(brand)).toMatchObject({ ok: true, entries: 32 });
  });

  it("holds no value, key, code, address or name", async () => {
    const brand = await api.newBrand();
    const secrets = ["Very private name", "ann@shop.example", "https://partner.example"];
    const key = await api.send<{ key: string; id: string }>(
      brand.secret,
      "POST /v1/keys",
      {
        kind: "publishable",
        mode: "live",
        name: secrets[0],
        allowed_origins: [secrets[2]],
      },
      { "CF-Connecting-IP": "2001:db8:1:2:3:4:5:6" },
    );
    const campaign = await api.newCampaign(brand, 1, { metadata: { mail: secrets[1] } });
    const [code] = await api.listAll<{ code: string }>(
      brand.secret,
      `/v1/campaigns/${campaign}/codes`,
    );
    await api.send(brand.secret, "POST /v1/codes/revoke", {
      codes: [code?.code],
      reason: secrets[0],
    });
    const { results } = await env.DB.prepare("SELECT * FROM audit_log WHERE brand_id = ?")
      .bind(brand.id)
      .all();
    const text = JSON.stringify(results);
    for (const secret of [...secrets, key.body.key, brand.secret, code?.code, "3:4:5:6"]) {
      expect(text).not.toContain(secret);
    }
    expect(text).toContain("2001:db8:1::/48");
    expect(text).toContain("metadata");
  });

  it("of a brand is read by its own keys only, and by none of test mode", async () => {
    const [brand, rival] = [await api.newBrand(), await api.newBrand()];
    const theirs = await logOf(rival.secret);
    expect(theirs.map(({ target }) => target)).toEqual([rival.id]);
    const key = { kind: "secret", mode: "test", name: "Tests" };
    const { body } = await api.send<{ key: string }>(brand.secret, "POST /v1/keys", key);
    for (const path of ["/v1/audit-log", "/v1/audit-log/verify"]) {
      expect((await api.send(body.key, `GET ${path}`)).status).toBe(403);
    }
    // A cursor is good for its own list.
    await api.send(brand.secret, "PATCH /v1/brand", { name: unique("brand") });
    const page = await api.send(brand.secret, "GET /v1/audit-log?limit=1");
    const cursor = String(page.body["next_cursor"]);
    const foreign = await api.send(rival.secret, `GET /v1/audit-log?cursor=${cursor}`);
    expect(foreign.status).toBe(400);
  });

  it("cannot be altered or deleted by a statement", async () => {
    const brand = await api.newBrand();
    for (const sql of [
      "UPDATE audit_log SET actor = 'nobody' WHERE brand_id = ?",
      "DELETE FROM audit_log WHERE brand_id = ?",
    ]) {
      await expect(env.DB.prepare(sql).bind(brand.id).run()).rejects.toThrow(/only added to/);
    }
    expect(await verify(brand)).toMatchObject({ ok: true, entries: 1 });
  });
});

type Row = Record<string, string | number | null>;

/** A brand with a log of `count` entries whose guards are taken away, as from a file. */
async function tamperable(count: number) {
  const brand = await api.newBrand();
  for (let i = 1; i < count; i++) {
    await api.send(brand.secret, "PATCH /v1/brand", { name: `Name ${i}` });
  }
  await env.DB.batch([
    env.DB.prepare("DROP TRIGGER IF EXISTS audit_log_stays"),
    env.DB.prepare("DROP TRIGGER IF EXISTS audit_log_remains"),
  ]);
  const run = (sql: string, ...values: unknown[]) =>
    env.DB.prepare(sql)
      .bind(brand.id, ...values)
      .run();
  const rowOf = async (number: number) => {
    const query = "SELECT * FROM audit_log WHERE brand_id = ? AND number = ?";
    const row = await env.DB.prepare(query).bind(brand.id, number).first<Row>();
    if (row === null) throw new Error(`There is no entry ${number}`);
    return row;
  };
  /** Puts one row in the place of another. */
  const put = (before: Row, row: Row) =>
    env.DB.batch([
      env.DB.prepare("DELETE FROM audit_log WHERE id = ?").bind(before["id"]),
      env.DB.prepare(
        `INSERT INTO audit_log (${Object.keys(row).join()}) VALUES (${Object.keys(row)
          .map(() => "?")
          .join()})`,
      ).bind(...Object.values(row)),
    ]);
  return { brand, run, rowOf, put };
}

describe("verification", () => {
  it("finds a changed byte in every column, one by one", async () => {
    const { brand, rowOf, put } = await tamperable(4);
    const other = await api.newBrand();
    const row = await rowOf(2);
    expect(Object.keys(row)).toHaveLength(12);
    for (const [name, value] of Object.entries(row)) {
      const broken =
        name === "brand_id"
          ? other.id
          : typeof value === "number"
            ? value + 1
            : value === null
              ? "203.0.113.0/24"
              : value.slice(0, -1) + (value.endsWith("a") ? "b" : "a");
      // The next number is another entry's.
      const wrong = { ...row, [name]: name === "number" ? 99 : broken };
      await put(row, wrong);
      expect([name, await verify(brand)]).toMatchObject([name, { ok: false, broken_at: 2 }]);
      await put(wrong, row);
    }
    expect(await verify(brand)).toMatchObject({ ok: true, entries: 4, broken_at: null });
  });

  it("finds an entry that was written anew, with a hash that fits it", async () => {
    const { brand, rowOf, put } = await tamperable(4);
    const { results } = await env.DB.prepare(
      "SELECT hash, number FROM audit_log WHERE brand_id = ? AND number = 1",
    )
      .bind(brand.id)
      .all<{ hash: string; number: number }>();
    const [second, third] = [await rowOf(2), await rowOf(3)];
    const anew = await entryAfter(results[0] ?? null, {
      brandId: brand.id,
      id: String(second["id"]),
      at: Number(second["at"]),
      actor: "key_of_somebody_else",
      action: String(second["action"]),
      target: String(second["target"]),
      fields: String(second["fields"]),
      requestId: String(second["request_id"]),
      addressPrefix: null,
    });
    await put(second, { ...second, actor: anew.actor, hash: anew.hash });
    expect(await verify(brand)).toMatchObject({ ok: false, broken_at: 3 });
    await put(third, { ...third, previous_hash: anew.hash });
    expect(await verify(brand)).toMatchObject({ ok: false, broken_at: 3 });
  });

  it("finds an entry that was taken out, and two that changed places", async () => {
    const { brand, run } = await tamperable(5);
    const swap = async (one: number, other: number) => {
      for (const [from, to] of [
        [one, 99],
        [other, one],
        [99, other],
      ]) {
        await run("UPDATE audit_log SET number = ?2 WHERE brand_id = ?1 AND number = ?3", to, from);
      }
    };
    await swap(2, 4);
    expect(await verify(brand)).toMatchObject({ ok: false, broken_at: 2, entries: 5 });
    await swap(2, 4);
    expect(await verify(brand)).toMatchObject({ ok: true });
    await run("DELETE FROM audit_log WHERE brand_id = ?1 AND number = 3");
    expect(await verify(brand)).toMatchObject({ ok: false, broken_at: 3, entries: 4 });
  });

  it("finds an end that was cut off, for who knows an earlier head", async () => {
    const { brand, run } = await tamperable(4);
    const { head } = await verify(brand);
    const known = `?number=${head?.number}&hash=${head?.hash}`;
    await api.send(brand.secret, "PATCH /v1/brand", { name: "Later" });
    expect(await verify(brand, known)).toMatchObject({ ok: true, entries: 5 });
    await run("DELETE FROM audit_log WHERE brand_id = ?1 AND number > 2");
    expect(await verify(brand)).toMatchObject({ ok: true, entries: 2 });
    expect(await verify(brand, known)).toMatchObject({ ok: false, broken_at: 3 });
    // Written anew, with hashes that follow: it is not what was known.
    for (const name of ["Anew", "Again"]) await api.send(brand.secret, "PATCH /v1/brand", { name });
    expect(await verify(brand)).toMatchObject({ ok: true, entries: 4 });
    expect(await verify(brand, known)).toMatchObject({ ok: false, broken_at: 4 });
    const half = await api.send(brand.secret, "GET /v1/audit-log/verify?number=4");
    expect(half.status).toBe(422);
  });

  it("walks from page to page", async () => {
    const { brand, run } = await tamperable(7);
    for (const size of [1, 2, 3, 7, 8]) {
      const found = await verifyChain(env.DB, brand.id, null, size);
      expect([size, found]).toMatchObject([size, { entries: 7, brokenAt: null }]);
    }
    await run("UPDATE audit_log SET actor = 'x' WHERE brand_id = ?1 AND number = 5");
    for (const size of [1, 2, 3, 4]) {
      expect(await verifyChain(env.DB, brand.id, null, size)).toMatchObject({ brokenAt: 5 });
    }
  });
});
