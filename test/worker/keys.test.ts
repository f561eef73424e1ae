import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { api } from "../support/worker-api.ts";
import type { Answer, Brand } from "../support/api.ts";
import { interceptedD1 } from "../support/intercepted-d1.ts";
import { apiWith } from "../support/watched-api.ts";

interface Key {
  id: string;
  name: string;
  key: string;
  hint: string;
  scopes: string[] | null;
  allowed_origins: string[];
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
}

function makeKey(bearer: string, fields: object = {}): Promise<Answer<Key>> {
  const key = { kind: "secret", mode: "live", name: "Till", ...fields };
  return api.send<Key>(bearer, "POST /v1/keys", key);
}

const readKey = (brand: Brand, id: string) => api.send<Key>(brand.secret, `GET /v1/keys/${id}`);
const slugOf = (answer: Answer<unknown>) =>
  String((answer.body as { type: string }).type)
    .split("/")
    .at(-1);
const worksFor = async (key: string) => (await api.send(key, "GET /v1/campaigns")).status;

describe("a key", () => {
  it("is shown once: lists and reads have its last four characters, D1 its hash", async () => {
    const brand = await api.newBrand();
    const made = await makeKey(brand.secret, { name: "Checkout", scopes: ["redemptions:write"] });
    expect(made.status).toBe(201);
    expect(made.headers.get("Location")).toBe(`/v1/keys/${made.body.id}`);
    expect(made.body.key).toMatch(/^cdk_live_[0-9A-Za-z]{36}$/);
    const { key, ...shown } = made.body;
    expect(shown).toMatchObject({ hint: key.slice(-4), name: "Checkout", last_used_at: null });
    expect((await readKey(brand, made.body.id)).body).toEqual(shown);
    const listed = await api.send(brand.secret, "GET /v1/keys");
    expect(listed.text).not.toContain(key);
    expect(listed.body["data"]).toHaveLength(3);
    const { results } = await env.DB.prepare("SELECT * FROM api_keys WHERE id = ?")
      .bind(made.body.id)
      .all();
    expect(JSON.stringify(results)).not.toContain(key);
  });

  it("with an expiry is good until then, and no longer", async () => {
    const brand = await api.newBrand();
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    const { body } = await makeKey(brand.secret, { expires_at: expiresAt });
    expect(await worksFor(body.key)).toBe(200);
    const clock = vi.spyOn(Date, "now").mockReturnValue(Date.parse(expiresAt));
    const here = apiWith({});
    expect((await here.send(body.key, "GET /v1/campaigns")).status).toBe(401);
    clock.mockRestore();
    const past = await makeKey(brand.secret, { expires_at: "2020-01-01T00:00:00Z" });
    expect([past.status, slugOf(past)]).toEqual([422, "validation-failed"]);
  });

  it("that is revoked is refused at once, also twice, and stays in the list", async () => {
    const brand = await api.newBrand();
    const { body } = await makeKey(brand.secret);
    for (const _ of [1, 2]) {
      const gone = await api.send(brand.secret, `DELETE /v1/keys/${body.id}`);
      expect([gone.status, gone.text]).toEqual([204, ""]);
    }
    expect(await worksFor(body.key)).toBe(401);
    expect((await readKey(brand, body.id)).body.revoked_at).not.toBeNull();
    const rotated = await api.send(brand.secret, `POST /v1/keys/${body.id}/rotate`, {
      overlap_seconds: 0,
    });
    expect([rotated.status, slugOf(rotated)]).toEqual([409, "key-inactive"]);
  });

  it("that is rotated works beside its successor until the overlap ends", async () => {
    const brand = await api.newBrand();
    const scopes = ["campaigns:read", "claims:write"];
    const { body: before } = await makeKey(brand.secret, { scopes });
    const route = `POST /v1/keys/${before.id}/rotate`;
    const successor = await api.send<Key>(brand.secret, route, { overlap_seconds: 600 });
    expect(successor.status).toBe(201);
    expect(successor.body.scopes).toEqual(scopes);
    expect([await worksFor(before.key), await worksFor(successor.body.key)]).toEqual([200, 200]);
    const { expires_at: until } = (await readKey(brand, before.id)).body;
    expect(Date.parse(until ?? "") - Date.now()).toBeGreaterThan(590_000);

    const again = await api.send<Key>(brand.secret, route, { overlap_seconds: 0 });
    expect(await worksFor(before.key)).toBe(401);
    expect(await worksFor(again.body.key)).toBe(200);
    // A later rotation with a longer overlap does not bring it back.
    const late = await api.send(brand.secret, route, { overlap_seconds: 600 });
    expect(slugOf(late)).toBe("key-inactive");
  });

  it("that is revoked while it is rotated leaves no successor, and no word of one", async () => {
    const brand = await api.newBrand();
    const { body: before } = await makeKey(brand.secret);
    const DB = interceptedD1(env.DB, async (sql, call) => {
      if (sql.some((text) => text.startsWith('insert into "api_keys"'))) {
        await api.send(brand.secret, `DELETE /v1/keys/${before.id}`);
      }
      return call();
    });
    const route = `POST /v1/keys/${before.id}/rotate`;
    const rotated = await apiWith({ DB }).send<Key>(brand.secret, route, { overlap_seconds: 60 });
    expect([rotated.status, slugOf(rotated)]).toEqual([409, "key-inactive"]);
    const keys = await api.listAll<Key>(brand.secret, "/v1/keys");
    expect(keys.filter(({ name }) => name === before.name).map(({ id }) => id)).toEqual([
      before.id,
    ]);
    expect((await readKey(brand, before.id)).body.expires_at).toBeNull();
    const log = await api.listAll<{ action: string }>(brand.secret, "/v1/audit-log");
    expect(log.map(({ action }) => action)).not.toContain("rotateKey");
  });

  it("notes when it was used, at most every five minutes", async () => {
    const brand = await api.newBrand();
    const { body } = await makeKey(brand.secret);
    const here = apiWith({});
    await here.send(body.key, "GET /v1/campaigns");
    const first = (await readKey(brand, body.id)).body.last_used_at;
    expect(Math.abs(Date.parse(first ?? "") - Date.now())).toBeLessThan(60_000);
    await here.send(body.key, "GET /v1/campaigns");
    expect((await readKey(brand, body.id)).body.last_used_at).toBe(first);
  });

  it("cannot make one that may do more than itself, nor take one over", async () => {
    const brand = await api.newBrand();
    const { body: narrow } = await makeKey(brand.secret, {
      scopes: ["keys:write", "campaigns:write"],
    });
    const wider = [undefined, ["users:write"], ["campaigns:write", "codes:read"]];
    for (const scopes of wider) {
      const made = await makeKey(narrow.key, scopes === undefined ? {} : { scopes });
      expect([scopes, made.status, slugOf(made)]).toEqual([scopes, 403, "insufficient-scope"]);
    }
    expect((await makeKey(narrow.key, { scopes: ["campaigns:read"] })).status).toBe(201);
    const { body: wide } = await makeKey(brand.secret);
    const taken = await api.send(narrow.key, `POST /v1/keys/${wide.id}/rotate`, {
      overlap_seconds: 600,
    });
    expect([taken.status, slugOf(taken)]).toEqual([403, "insufficient-scope"]);
    expect(await worksFor(wide.key)).toBe(200);
  });

  it("that expires makes and takes over none that lasts longer", async () => {
    const brand = await api.newBrand();
    const [soon, later] = [60_000, 120_000].map((ms) => new Date(Date.now() + ms).toISOString());
    const { body: short } = await makeKey(brand.secret, { expires_at: soon });
    for (const expires_at of [null, later]) {
      const made = await makeKey(short.key, { expires_at });
      expect([expires_at, made.status, slugOf(made)]).toEqual([expires_at, 403, "forbidden"]);
    }
    expect((await makeKey(short.key, { expires_at: soon })).status).toBe(201);
    const { body: lasting } = await makeKey(brand.secret);
    const taken = await api.send(short.key, `POST /v1/keys/${lasting.id}/rotate`, {
      overlap_seconds: 60,
    });
    expect([taken.status, slugOf(taken)]).toEqual([403, "forbidden"]);
    const route = `POST /v1/keys/${short.id}/rotate`;
    const own = await api.send<Key>(short.key, route, { overlap_seconds: 600 });
    expect([own.status, own.body.expires_at]).toEqual([201, soon]);
  });

  it("of test mode neither makes, sees, changes nor revokes live ones", async () => {
    const brand = await api.newBrand();
    const { body: test } = await makeKey(brand.secret, { mode: "test" });
    const { body: live } = await makeKey(brand.secret);
    const made = await makeKey(test.key);
    expect([made.status, slugOf(made)]).toEqual([403, "forbidden"]);
    const listed = await api.send<{ data: Key[] }>(test.key, "GET /v1/keys");
    expect(listed.body.data.map(({ id }) => id)).toEqual([test.id]);
    for (const route of [
      `GET /v1/keys/${live.id}`,
      `DELETE /v1/keys/${live.id}`,
      `PATCH /v1/keys/${live.id}`,
      `POST /v1/keys/${live.id}/rotate`,
    ]) {
      const body = route.startsWith("POST") ? { overlap_seconds: 0 } : { name: "Mine" };
      const answer = await api.send(
        test.key,
        route,
        /^(POST|PATCH)/.test(route) ? body : undefined,
      );
      expect([route, answer.status]).toEqual([route, 404]);
    }
    expect(await worksFor(live.key)).toBe(200);
  });
});

describe("a publishable key", () => {
  const publishable = { kind: "publishable" };

  it("has exact origins, which can be changed; a preflight's list follows them", async () => {
    const brand = await api.newBrand();
    const { body } = await makeKey(brand.secret, {
      ...publishable,
      allowed_origins: ["https://a.example", "http://localhost:3000"],
    });
    const listed = async () =>
      (
        await env.DB.prepare("SELECT origin FROM key_origins WHERE key_id = ? ORDER BY origin")
          .bind(body.id)
          .all<{ origin: string }>()
      ).results.map(({ origin }) => origin);
    expect(await listed()).toEqual(["http://localhost:3000", "https://a.example"]);
    const allowed_origins = ["https://b.example:8443"];
    const changed = await api.send<Key>(brand.secret, `PATCH /v1/keys/${body.id}`, {
      allowed_origins,
    });
    expect(changed.body.allowed_origins).toEqual(allowed_origins);
    expect(await listed()).toEqual(allowed_origins);
  });

  it("refuses what no browser sends as an origin", async () => {
    const brand = await api.newBrand();
    for (const origin of [
      "null",
      "*",
      "https://*.example",
      "http://shop.example",
      "https://shop.example/",
      "https://shop.example:443",
      "HTTPS://shop.example",
      "https://shop.example/path",
      "https://user@shop.example",
      "shop.example",
      "file:///home",
      "https://münchen.example",
    ]) {
      const made = await makeKey(brand.secret, { ...publishable, allowed_origins: [origin] });
      expect([origin, made.status]).toEqual([origin, 422]);
    }
  });

  it("has no scopes, and a secret key no origins", async () => {
    const brand = await api.newBrand();
    for (const fields of [
      { ...publishable, scopes: ["claims:write"] },
      { allowed_origins: ["https://a.example"] },
    ]) {
      const made = await makeKey(brand.secret, fields);
      expect([made.status, slugOf(made)]).toEqual([422, "validation-failed"]);
    }
  });
});
