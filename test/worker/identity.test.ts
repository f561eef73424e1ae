import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { randomBytes } from "../../src/db/new-id.ts";
import { hashKey } from "../../src/db/api-keys.ts";
import { formatApiKey } from "../../src/domain/api-key.ts";
import type { Brand } from "../support/api.ts";
import { apiWith } from "../support/watched-api.ts";
import { api } from "../support/worker-api.ts";

const issued = {
  issuer: "https://login.partner.example/",
  audience: "codedrop",
  jwks_url: "https://login.partner.example/.well-known/jwks.json",
};
const shared = { issuer: "https://partner.example", audience: "codedrop", algorithm: "HS256" };

const change = (brand: Brand, identity: unknown, through = api) =>
  through.send<{ identity: Record<string, string> | null }>(brand.secret, "PATCH /v1/brand", {
    identity,
  });
const read = (brand: Brand) => api.send(brand.secret, "GET /v1/brand");

/** What D1 has. */
const stored = (brand: Brand) =>
  env.DB.prepare("SELECT identity FROM brands WHERE id = ?")
    .bind(brand.id)
    .first<string | null>("identity");

describe("a brand's identity", () => {
  it("is none at first, is set, stays when only the name changes, and is taken away", async () => {
    const brand = await api.newBrand();
    expect((await read(brand)).body["identity"]).toBeNull();
    const set = await change(brand, issued);
    expect([set.status, set.body.identity]).toEqual([200, issued]);
    expect((await read(brand)).body["identity"]).toEqual(issued);
    const renamed = await api.send(brand.secret, "PATCH /v1/brand", { name: "Other" });
    expect(renamed.body).toMatchObject({ name: "Other", identity: issued });
    expect((await change(brand, null)).body.identity).toBeNull();
    expect([(await read(brand)).body["identity"], await stored(brand)]).toEqual([null, null]);
  });

  it("with a shared secret shows it once, and makes another each time", async () => {
    const brand = await api.newBrand();
    const secrets = [];
    for (let time = 0; time < 2; time++) {
      const { body } = await change(brand, shared);
      const { secret, ...rest } = body.identity ?? {};
      expect(rest).toEqual(shared);
      expect(secret).toMatch(/^[\w-]{43}$/);
      secrets.push(secret);
    }
    expect(secrets[0]).not.toBe(secrets[1]);
    expect(JSON.parse((await stored(brand)) ?? "")).toEqual({ ...shared, secret: secrets[1] });
    const seen = [
      await read(brand),
      await api.send(brand.secret, "PATCH /v1/brand", { name: "Other" }),
      await api.send(brand.secret, "PATCH /v1/brand", {}),
      await api.operator(`GET /v1/brands/${brand.id}`),
      await api.operator(`PATCH /v1/brands/${brand.id}`, { status: "active" }),
    ];
    for (const { body } of seen) expect(body["identity"]).toEqual(shared);
    const list = await api.operator("GET /v1/brands?limit=100");
    expect(list.text).toContain(brand.id);
    for (const { text } of [...seen, list]) expect(text).not.toContain(secrets[1]);
  });

  it("cannot be changed by a test key, whose claims are not of the live kind", async () => {
    const brand = await api.newBrand();
    await change(brand, issued);
    const key = formatApiKey("secret", "test", randomBytes);
    await env.DB.prepare(
      "INSERT INTO api_keys (id, brand_id, kind, mode, name, hash, hint, created_at) VALUES (?, ?, 'secret', 'test', 'Test', ?, 'xxxx', 0)",
    )
      .bind(`key_${brand.slug}`, brand.id, await hashKey(key))
      .run();
    for (const identity of [shared, null]) {
      const refused = await change({ ...brand, secret: key }, identity);
      expect([refused.status, refused.text]).toEqual([403, expect.stringContaining("/forbidden")]);
    }
    expect((await api.send(key, "GET /v1/brand")).body["identity"]).toEqual(issued);
    expect((await api.send(key, "PATCH /v1/brand", { name: "Test" })).status).toBe(403);
    expect((await read(brand)).body["identity"]).toEqual(issued);
  });

  it("is forgotten by every copy of the brand's keys once it has changed", async () => {
    const brand = await api.newBrand();
    await api.newCampaign(brand, 1, { slug: "sale" });
    await api.claim(brand, "sale", "u-1");
    const name = `key:${await hashKey(brand.secret)}`;
    expect(await env.DIRECTORY.get(name)).not.toBeNull();
    await change(brand, shared);
    expect(await env.DIRECTORY.get(name)).toBeNull();
    await api.claim(brand, "sale", "u-1");
    expect(await env.DIRECTORY.get(name)).toContain('"algorithm":"HS256"');
  });

  it.each([
    [{}, "/identity/issuer"],
    [{ ...issued, issuer: "" }, "/identity/issuer"],
    [{ ...issued, issuer: "x".repeat(256) }, "/identity/issuer"],
    [{ ...issued, issuer: "a\nb" }, "/identity/issuer"],
    [{ ...issued, issuer: ["https://login.partner.example/"] }, "/identity/issuer"],
    [{ ...issued, audience: "x".repeat(256) }, "/identity/audience"],
    [{ ...issued, audience: " codedrop" }, "/identity/audience"],
    [{ issuer: "x", audience: "y" }, "/identity/jwks_url"],
    [{ ...issued, algorithm: "HS256" }, "/identity/algorithm"],
    [{ ...shared, algorithm: "none" }, "/identity/algorithm"],
    [{ ...shared, algorithm: "RS256" }, "/identity/algorithm"],
    [{ ...shared, secret: "mine" }, "/identity/secret"],
    [{ ...issued, jwksUrl: issued.jwks_url }, "/identity/jwksUrl"],
    [{ ...issued, jwks_url: "x".repeat(2_049) }, "/identity/jwks_url"],
    [{ ...issued, jwks_url: "http://login.partner.example/keys" }, "/identity/jwks_url"],
    [{ ...issued, jwks_url: "https://10.0.0.1/keys" }, "/identity/jwks_url"],
    [{ ...issued, jwks_url: "https://u:p@login.partner.example/keys" }, "/identity/jwks_url"],
    ["https://login.partner.example/", "/identity"],
    [[issued], "/identity"],
  ])("is refused as %j", async (identity, pointer) => {
    const brand = await api.newBrand();
    const { status, body } = await api.send(brand.secret, "PATCH /v1/brand", { identity });
    expect(status).toBe(422);
    expect(JSON.stringify(body["errors"])).toContain(`"pointer":"${pointer}"`);
    expect(await stored(brand)).toBeNull();
  });

  it("may have its keys on this machine only where that is allowed", async () => {
    const brand = await api.newBrand();
    const near = { ...issued, jwks_url: "http://localhost:9000/keys" };
    const refused = await change(brand, near, apiWith({ LOOPBACK_TARGETS: "refused" }));
    expect([refused.status, await stored(brand)]).toEqual([422, null]);
    expect((await change(brand, near)).body.identity).toEqual(near);
  });
});
