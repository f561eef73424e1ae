import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { unique } from "../support/api.ts";
import { api } from "../support/worker-api.ts";

describe("a brand", () => {
  it("is created with two keys and a campaign called default", async () => {
    const slug = unique("brand");
    const created = await api.operator("POST /v1/brands", { name: "Acme", slug });
    expect(created.status).toBe(201);
    expect(created.body).toEqual({
      id: expect.stringMatching(/^brd_[0-9a-z]{20}$/),
      slug,
      name: "Acme",
      status: "active",
      created_at: expect.stringMatching(/Z$/),
      identity: null,
      keys: {
        secret: expect.stringMatching(/^cdk_live_[0-9A-Za-z]{36}$/),
        publishable: expect.stringMatching(/^cdp_live_[0-9A-Za-z]{36}$/),
      },
    });
    const { secret } = created.body["keys"] as { secret: string };
    const campaigns = await api.listAll<object>(secret, "/v1/campaigns");
    expect(campaigns).toMatchObject([
      { slug: "default", mode: "live", status: "active", claims_per_user: 1, shards: 1 },
    ]);
  });

  it("is read by id and by slug, without its keys", async () => {
    const brand = await api.newBrand();
    for (const key of [brand.id, brand.slug]) {
      const read = await api.operator(`GET /v1/brands/${key}`);
      expect(read.body).toMatchObject({ id: brand.id, slug: brand.slug });
      expect(read.text).not.toMatch(/cd[kp]_/);
    }
    expect((await api.operator("GET /v1/brands/brd_nobody")).status).toBe(404);
  });

  it("is refused with 409 when its slug is taken, and gets one of its own when it asks for none", async () => {
    const brand = await api.newBrand();
    const taken = await api.operator("POST /v1/brands", { name: "Other", slug: brand.slug });
    expect(taken.status).toBe(409);
    expect(taken.body["type"]).toMatch(/\/slug-taken$/);
    const name = unique("Döner & Söhne");
    const slugs = [];
    for (let i = 0; i < 2; i++) {
      slugs.push((await api.operator("POST /v1/brands", { name })).body["slug"]);
    }
    expect(slugs[0]).toMatch(/^doner-sohne-/);
    expect(slugs[1]).toMatch(new RegExp(`^${String(slugs[0])}-[0-9a-z]{5}$`));
    const unspellable = await api.operator("POST /v1/brands", { name: "東京" });
    expect(unspellable.body["slug"]).toMatch(/^x-[0-9a-z]{5}$/);
  });

  it("stores no key, only its SHA-256 and last four characters", async () => {
    const brand = await api.newBrand();
    const { results } = await env.DB.prepare("SELECT * FROM api_keys WHERE brand_id = ?")
      .bind(brand.id)
      .all();
    const dump = JSON.stringify(results);
    expect(results.length).toBe(2);
    expect(dump).toContain(brand.secret.slice(-4));
    expect(dump).not.toContain(brand.secret.slice(9, -4));
    expect(dump).not.toContain(brand.publishable.slice(9, -4));
  });

  it("that is suspended is refused with 403 until it is active again", async () => {
    const brand = await api.newBrand();
    await api.addCodes(brand, "default", 1);
    const suspend = await api.operator(`PATCH /v1/brands/${brand.slug}`, { status: "suspended" });
    expect(suspend.body["status"]).toBe("suspended");
    const refused = await api.claim(brand, "default", "u-1");
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({ type: expect.stringMatching(/\/brand-suspended$/) });
    await api.operator(`PATCH /v1/brands/${brand.id}`, { status: "active" });
    expect((await api.claim(brand, "default", "u-1")).status).toBe(201);
  });

  it("renames itself, and nothing more", async () => {
    const brand = await api.newBrand();
    const renamed = await api.send(brand.secret, "PATCH /v1/brand", { name: "Acme Stores" });
    expect(renamed.body).toMatchObject({ id: brand.id, name: "Acme Stores", slug: brand.slug });
    expect((await api.send(brand.secret, "GET /v1/brand")).body).toEqual(renamed.body);
    const cheat = await api.send(brand.secret, "PATCH /v1/brand", { status: "active" });
    expect(cheat.status).toBe(422);
  });

  it("cannot use a key that is revoked or expired", async () => {
    for (const column of ["revoked_at", "expires_at"]) {
      const brand = await api.newBrand();
      await env.DB.prepare(`UPDATE api_keys SET ${column} = ? WHERE brand_id = ?`)
        .bind(Date.now() - 1, brand.id)
        .run();
      expect((await api.send(brand.secret, "GET /v1/brand")).status).toBe(401);
    }
  });
});

describe("the list of brands", () => {
  it("pages newest first without skip or repeat while brands are added", async () => {
    const made = [];
    for (let i = 0; i < 5; i++) made.push((await api.newBrand()).id);
    const seen: string[] = [];
    let cursor = "";
    while (!seen.includes(made[0] ?? "")) {
      const { body } = await api.operator<{ data: { id: string }[]; next_cursor: string }>(
        `GET /v1/brands?limit=2${cursor}`,
      );
      seen.push(...body.data.map(({ id }) => id));
      cursor = `&cursor=${body.next_cursor}`;
      await api.newBrand();
    }
    expect(seen.slice(0, 5)).toEqual(made.toReversed());
    expect(new Set(seen).size).toBe(seen.length);
  });
});
