/** Claims that reserve a code, which is shown when its user asks for it. */

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { SignJWT } from "jose";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { ToldEvent } from "../../src/domain/event.ts";
import { USER } from "../../src/http/limits.ts";
import type { Answer, ClaimBody } from "../support/api.ts";
import { Shop, slugOf, statuses } from "../support/checkout.ts";
import { api } from "../support/worker-api.ts";

interface Reserved extends Omit<ClaimBody, "code"> {
  code: string | null;
  reveal_by: string | null;
  claimed_at: string;
  type: string;
}

const poolOf = (campaign: string, shard = 0) => env.CODE_POOL.getByName(`${campaign}/${shard}`);

async function newShop(codes: number, fields: object = {}) {
  const shop = new Shop(api, await api.newBrand());
  const campaign = await api.newCampaign(shop.brand, codes, { reveal: "on_demand", ...fields });
  return { shop, campaign };
}

function claim(shop: Shop, campaign: string, user: string, headers: Record<string, string> = {}) {
  const body = { user: { id: user } };
  return shop.send<Reserved>(`POST /v1/campaigns/${campaign}/claims`, body, headers);
}

const reveal = (shop: Shop, id: string) => shop.send<Reserved>(`POST /v1/claims/${id}/reveal`);

/** When the last of them has lapsed. */
const endOf = (answers: Answer<Reserved>[]) =>
  Math.max(...answers.map(({ body }) => Date.parse(body.reveal_by ?? "")));

const users = (count: number, word = "u") =>
  Array.from({ length: count }, (_, i) => `${word}-${i}`);

afterEach(() => {
  vi.useRealTimers();
});

describe("a claim that reserves", () => {
  it("shows no code and no life until it is revealed, then the same one for ever", async () => {
    const { shop, campaign } = await newShop(3, {
      code_lifetime_seconds: 3_600,
      reveal_within_seconds: 60,
    });
    const reserved = await claim(shop, campaign, "u-1");
    expect(reserved.status).toBe(201);
    expect(reserved.body).toMatchObject({
      code: null,
      status: "reserved",
      user_id: "u-1",
      expires_at: null,
      reveal_by: new Date(Date.parse(reserved.body.claimed_at) + 60_000).toISOString(),
    });
    const again = await claim(shop, campaign, "u-1");
    expect([again.status, again.body]).toEqual([200, reserved.body]);
    expect((await shop.send(`GET /v1/claims/${reserved.body.id}`)).body).toEqual(reserved.body);
    const shown = await reveal(shop, reserved.body.id);
    expect(shown.status).toBe(200);
    expect(shown.body).toMatchObject({
      id: reserved.body.id,
      code: expect.any(String),
      status: "claimed",
      reveal_by: null,
      expires_at: new Date(Date.parse(shown.body.claimed_at) + 3_600_000).toISOString(),
    });
    expect((await reveal(shop, reserved.body.id)).body).toEqual(shown.body);
    const repeated = await claim(shop, campaign, "u-1");
    expect([repeated.status, repeated.body]).toEqual([200, shown.body]);
    expect(await shop.validate(shown.body.code ?? "")).toMatchObject({ valid: true });
  });

  it("is told, listed and counted only once it is revealed", async () => {
    const { shop, campaign } = await newShop(3);
    const { id } = (await claim(shop, campaign, "u-1")).body;
    const told = async () => {
      const { body } = await shop.send<{ totals: object }>(`GET /v1/campaigns/${campaign}/stats`);
      const events = await api.listAll<ToldEvent>(
        shop.brand.secret,
        `/v1/events?campaign_id=${campaign}&type=claim.created`,
      );
      const claims = await api.listAll(shop.brand.secret, `/v1/campaigns/${campaign}/claims`);
      return [body.totals, events.length, claims.length];
    };
    const before = { codes: 3, available: 3, claimed: 0, redeemed: 0, expired: 0, revoked: 0 };
    expect(await told()).toEqual([before, 0, 0]);
    await reveal(shop, id);
    expect(await told()).toEqual([{ ...before, available: 2, claimed: 1 }, 1, 1]);
    expect(await api.integrity(shop.brand, campaign)).toMatchObject({ ok: true, claimed: 1 });
  });

  it("keeps one code from everybody else, however many come", async () => {
    for (const shards of [1, 3]) {
      const { shop, campaign } = await newShop(12, { shards, reveal_within_seconds: 600 });
      const answers = await Promise.all(users(40).map((user) => claim(shop, campaign, user)));
      expect(statuses(answers)).toEqual({ 201: 12, 409: 28 });
      const mine = answers.filter(({ status }) => status === 201);
      const shown = await Promise.all(
        mine.flatMap(({ body }) => [reveal(shop, body.id), reveal(shop, body.id)]),
      );
      expect(statuses(shown)).toEqual({ 200: 24 });
      const codes = new Map(shown.map(({ body }) => [body.code, body.user_id]));
      expect(codes.size).toBe(12);
      expect(new Set(codes.values()).size).toBe(12);
      expect((await claim(shop, campaign, "late")).status).toBe(409);
      expect(await api.integrity(shop.brand, campaign)).toMatchObject({ ok: true, claimed: 12 });
    }
  });

  it("that lapsed leaves its code to another user; one that was revealed never does", async () => {
    for (const shards of [1, 2]) {
      const { shop, campaign } = await newShop(6, { shards, reveal_within_seconds: 10 });
      const first = await Promise.all(users(6).map((user) => claim(shop, campaign, user)));
      expect(statuses(first)).toEqual({ 201: 6 });
      const kept = await Promise.all(first.slice(0, 2).map(({ body }) => reveal(shop, body.id)));
      const ends = first.map((answer) => endOf([answer]));
      vi.setSystemTime(Math.min(...ends) - 1);
      expect(slugOf(await claim(shop, campaign, "early"))).toBe("codes-exhausted");
      // Longer than "none is left" may be remembered.
      vi.setSystemTime(Math.max(...ends) + 2_000);
      const late = await reveal(shop, first[2]?.body.id ?? "");
      expect([late.status, slugOf(late)]).toEqual([409, "claim-lapsed"]);
      expect((await shop.send(`GET /v1/claims/${first[2]?.body.id}`)).body["status"]).toBe(
        "lapsed",
      );
      const second = await Promise.all(users(6, "v").map((user) => claim(shop, campaign, user)));
      expect(statuses(second)).toEqual({ 201: 4, 409: 2 });
      const shown = await Promise.all(
        second.filter(({ status }) => status === 201).map(({ body }) => reveal(shop, body.id)),
      );
      const codes = [...kept, ...shown].map(({ body }) => body.code);
      expect(new Set(codes).size).toBe(6);
      expect(codes).not.toContain(null);
      vi.useRealTimers();
      expect(await api.integrity(shop.brand, campaign)).toMatchObject({ ok: true, claimed: 6 });
    }
  });

  it("has lapsed at its end to the millisecond, though no job has run and the pool was evicted", async () => {
    const { shop, campaign } = await newShop(1, { reveal_within_seconds: 10 });
    const reserved = await claim(shop, campaign, "u-1");
    const end = endOf([reserved]);
    await runInDurableObject(poolOf(campaign), (_pool, { storage }) => storage.deleteAlarm());
    await evictDurableObject(poolOf(campaign));
    vi.setSystemTime(end - 1);
    expect((await claim(shop, campaign, "u-2")).status).toBe(409);
    vi.setSystemTime(end + 1_000);
    expect((await reveal(shop, reserved.body.id)).status).toBe(409);
    expect((await claim(shop, campaign, "u-2")).status).toBe(201);
    expect((await claim(shop, campaign, "u-1")).status).toBe(409);
  });

  it("that was noted as lapsed stays so though the clock is set back", async () => {
    const { shop, campaign } = await newShop(1, { reveal_within_seconds: 10 });
    const first = await claim(shop, campaign, "u-1");
    vi.setSystemTime(endOf([first]));
    const second = await claim(shop, campaign, "u-2");
    vi.setSystemTime(endOf([first]) - 5);
    expect(slugOf(await reveal(shop, first.body.id))).toBe("claim-lapsed");
    expect((await claim(shop, campaign, "u-1")).status).toBe(409);
    expect((await reveal(shop, second.body.id)).body).toMatchObject({ user_id: "u-2" });
  });

  it("costs as much however many codes are reserved, and counts those revoked meanwhile", async () => {
    const { shop, campaign } = await newShop(30);
    const claimed = await Promise.all(users(12).map((user) => claim(shop, campaign, user)));
    const rows = await api.listAll<{ code: string }>(
      shop.brand.secret,
      `/v1/campaigns/${campaign}/codes`,
    );
    const codes = rows.map(({ code }) => code);
    const revoke = (some: string[]) => shop.send("POST /v1/codes/revoke", { codes: some });
    await revoke(codes.slice(0, 3));
    for (const { body } of claimed.slice(0, 6)) {
      expect((await reveal(shop, body.id)).status).toBe(200);
    }
    await revoke(codes.slice(-4));
    await api.addCodes(shop.brand, campaign, 2);
    const later = await Promise.all(users(20, "v").map((user) => claim(shop, campaign, user)));
    expect(statuses(later)).toEqual({ 201: 13, 409: 7 });
    const rest = [...claimed.slice(6), ...later.filter(({ status }) => status === 201)];
    const shown = await Promise.all(rest.map(({ body }) => reveal(shop, body.id)));
    expect(statuses(shown)).toEqual({ 200: 19 });
    const many = await newShop(3);
    await claim(many.shop, many.campaign, "u-1");
    const read = await runInDurableObject(poolOf(many.campaign), async (pool, { storage }) => {
      const { sql } = storage;
      sql.exec(
        `INSERT INTO blocks (first_slot, lease_id, batch_id, from_ordinal, size, codes)
         WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 299)
         SELECT 4 + i, 'lease-' || i, 'batch', i, 1, '["X"]' FROM n`,
      );
      const { campaign: settings } = sql
        .exec<{ campaign: string }>("SELECT campaign FROM pool")
        .one();
      const ask = (user: string) =>
        pool.claim({
          campaign: JSON.parse(settings) as never,
          shard: 0,
          userKey: user,
          userId: user,
          key: null,
          attempt: user,
          consent: null,
          contact: null,
          pace: null,
          proof: null,
        });
      await ask("first");
      const exec = vi.spyOn(Object.getPrototypeOf(sql) as SqlStorage, "exec");
      const { kind } = await ask("second");
      const cursors = exec.mock.results.map(({ value }) => value as SqlStorageCursor<never>);
      exec.mockRestore();
      return { kind, rows: cursors.reduce((sum, { rowsRead }) => sum + rowsRead, 0) };
    });
    expect(read.kind).toBe("granted");
    // Of more than 300 blocks; an alarm may come between, which reads some rows of its own.
    expect(read.rows).toBeLessThan(200);
  });

  it("that lapsed may be asked for again by its user", async () => {
    const { shop, campaign } = await newShop(2, { reveal_within_seconds: 10 });
    const first = await claim(shop, campaign, "u-1");
    vi.setSystemTime(endOf([first]));
    const second = await claim(shop, campaign, "u-1");
    expect([second.status, second.body.id]).toEqual([201, first.body.id]);
    expect((await reveal(shop, second.body.id)).body.code).toEqual(expect.any(String));
  });

  it("gives each of several codes once, also where one lapsed between", async () => {
    const { shop, campaign } = await newShop(5, { claims_per_user: 3, reveal_within_seconds: 10 });
    const [a, b, c] = [
      await claim(shop, campaign, "u-1"),
      await claim(shop, campaign, "u-1"),
      await claim(shop, campaign, "u-1"),
    ];
    expect([a, b, c].map(({ status }) => status)).toEqual([201, 201, 201]);
    const last = await claim(shop, campaign, "u-1");
    expect([last.status, last.body.id]).toEqual([200, c.body.id]);
    const shown = [await reveal(shop, a.body.id), await reveal(shop, c.body.id)];
    vi.setSystemTime(endOf([b]));
    const again = await claim(shop, campaign, "u-1");
    expect([again.status, again.body.id]).toEqual([201, b.body.id]);
    shown.push(await reveal(shop, again.body.id));
    expect(new Set(shown.map(({ body }) => body.code)).size).toBe(3);
    expect((await claim(shop, campaign, "u-1")).status).toBe(200);
  });

  it("stays one claim under its Idempotency-Key", async () => {
    const { shop, campaign } = await newShop(5, { claims_per_user: 2, reveal_within_seconds: 10 });
    const key = { "Idempotency-Key": "k-1" };
    const first = await claim(shop, campaign, "u-1", key);
    const again = await claim(shop, campaign, "u-1", key);
    expect([again.status, again.body, again.headers.get("Idempotent-Replayed")]).toEqual([
      201,
      first.body,
      "true",
    ]);
    const shown = await reveal(shop, first.body.id);
    expect((await claim(shop, campaign, "u-1", key)).body).toEqual(shown.body);
    expect(slugOf(await claim(shop, campaign, "u-2", key))).toBe("idempotency-key-reused");
    const second = await claim(shop, campaign, "u-1", { "Idempotency-Key": "k-2" });
    expect(second.body.id).not.toBe(first.body.id);
    vi.setSystemTime(endOf([second]));
    // What lapsed was never had: the same request reserves anew.
    const anew = await claim(shop, campaign, "u-1", { "Idempotency-Key": "k-2" });
    expect([anew.status, anew.body.status, anew.headers.get("Idempotent-Replayed")]).toEqual([
      201,
      "reserved",
      null,
    ]);
  });

  it("is answered as the first time under a key that found it reserved already", async () => {
    const { shop, campaign } = await newShop(5);
    const first = await claim(shop, campaign, "u-1");
    const key = { "Idempotency-Key": "k-1" };
    const found = await claim(shop, campaign, "u-1", key);
    const again = await claim(shop, campaign, "u-1", key);
    expect([found.status, again.status, again.body]).toEqual([200, 200, first.body]);
    expect(again.headers.get("Idempotent-Replayed")).toBe("true");
  });

  it("is not revealed while the campaign is paused, nor after its end", async () => {
    const { shop, campaign } = await newShop(5);
    const [one, two] = [await claim(shop, campaign, "u-1"), await claim(shop, campaign, "u-2")];
    await shop.send(`POST /v1/campaigns/${campaign}/pause`);
    expect(slugOf(await reveal(shop, one.body.id))).toBe("campaign-not-open");
    await shop.send(`POST /v1/campaigns/${campaign}/resume`);
    expect((await reveal(shop, one.body.id)).status).toBe(200);
    await shop.send(`POST /v1/campaigns/${campaign}/end`);
    expect(slugOf(await reveal(shop, two.body.id))).toBe("campaign-not-open");
    expect((await reveal(shop, one.body.id)).status).toBe(200);
  });

  it("has no code when all that were left have been revoked", async () => {
    const { shop, campaign } = await newShop(2);
    const reserved = await claim(shop, campaign, "u-1");
    const rows = await api.listAll<{ code: string }>(
      shop.brand.secret,
      `/v1/campaigns/${campaign}/codes`,
    );
    await shop.send("POST /v1/codes/revoke", { codes: rows.map(({ code }) => code) });
    expect(slugOf(await reveal(shop, reserved.body.id))).toBe("codes-exhausted");
    await api.addCodes(shop.brand, campaign, 1);
    expect((await reveal(shop, reserved.body.id)).status).toBe(200);
    expect((await api.integrity(shop.brand, campaign)).ok).toBe(true);
  });

  it("keeps its code also when codes are shown at once from then on", async () => {
    const { shop, campaign } = await newShop(2);
    const reserved = await claim(shop, campaign, "u-1");
    await shop.send(`PATCH /v1/campaigns/${campaign}`, { reveal: "at_claim" });
    expect((await claim(shop, campaign, "u-2")).body.code).toEqual(expect.any(String));
    expect((await claim(shop, campaign, "u-3")).status).toBe(409);
    expect((await reveal(shop, reserved.body.id)).body.code).toEqual(expect.any(String));
  });

  it("is the brand's and its user's only", async () => {
    const { shop, campaign } = await newShop(2);
    const rival = new Shop(api, await api.newBrand());
    const { id } = (await claim(shop, campaign, "u-1")).body;
    expect((await reveal(rival, id)).status).toBe(404);
    const unknown = id.slice(0, 24) + "0".repeat(26) + "0";
    for (const other of ["clm_none", unknown, `${id}9`]) {
      expect([other, (await reveal(shop, other)).status]).toEqual([other, 404]);
    }
    const page = "https://partner.example";
    const made = await shop.send<{ key: string }>("POST /v1/keys", {
      kind: "publishable",
      mode: "live",
      name: "Page",
      allowed_origins: [page],
    });
    const identity = { issuer: "https://id.example/", audience: "codedrop", algorithm: "HS256" };
    const trust = await shop.send<{ identity: { secret: string } }>("PATCH /v1/brand", {
      identity,
    });
    const fromPage = async (user: string) => {
      const token = await new SignJWT({})
        .setProtectedHeader({ alg: "HS256" })
        .setIssuer(identity.issuer)
        .setAudience(identity.audience)
        .setSubject(user)
        .setIssuedAt()
        .setExpirationTime("5m")
        .sign(new TextEncoder().encode(trust.body.identity.secret));
      const headers = { Origin: page, "Codedrop-User-Token": token };
      return api.send<Reserved>(made.body.key, `POST /v1/claims/${id}/reveal`, undefined, headers);
    };
    const others = await fromPage("u-2");
    expect([others.status, slugOf(others)]).toEqual([404, "not-found"]);
    const own = await fromPage("u-1");
    expect([own.status, own.body.code]).toEqual([200, expect.any(String)]);
    expect(own.headers.get("Access-Control-Allow-Origin")).toBe(page);
    expect(own.headers.get("RateLimit")).toMatch(/^"user";r=59;t=60$/);
    for (let i = 1; i < USER.quota; i++) await fromPage("u-1");
    const tooMuch = await fromPage("u-1");
    expect([tooMuch.status, slugOf(tooMuch)]).toEqual([429, "rate-limited"]);
    expect((await reveal(shop, id)).body).toEqual(own.body);
    const nobody = await api.send(made.body.key, `POST /v1/claims/${id}/reveal`, undefined, {
      Origin: page,
    });
    expect(nobody.status).toBe(401);
  });

  it("forgets whose it was when it lapses, and at once when its user is erased", async () => {
    const { shop, campaign } = await newShop(3, {
      reveal_within_seconds: 10,
      consent: { required: false, text: "Share?", version: "1" },
    });
    const ask = (user: string) =>
      shop.send<Reserved>(`POST /v1/campaigns/${campaign}/claims`, {
        user: { id: user, email: `${user}@shopper.example` },
        consent: { share_contact: true, version: "1" },
      });
    const lapsing = await ask("secret-user-1");
    await ask("secret-user-2");
    const held = await shop.send<{ data: { claims: Reserved[] }[] }>("GET /v1/users/secret-user-2");
    expect(held.body.data[0]?.claims[0]).toMatchObject({ status: "reserved", code: null });
    expect((await shop.send("DELETE /v1/users/secret-user-2")).status).toBe(202);
    expect((await shop.send("GET /v1/users/secret-user-2")).status).toBe(404);
    const stored = () =>
      runInDurableObject(poolOf(campaign), (_pool, { storage }) =>
        JSON.stringify(storage.sql.exec("SELECT * FROM reservations").toArray()),
      );
    expect(await stored()).not.toContain("secret-user-2");
    expect(await stored()).toContain("secret-user-1@shopper.example");
    vi.setSystemTime(endOf([lapsing]) + 6_000);
    await runDurableObjectAlarm(poolOf(campaign));
    expect(await stored()).not.toContain("secret-user-1");
    vi.setSystemTime(endOf([lapsing]) + 2 * 86_400_000);
    await runDurableObjectAlarm(poolOf(campaign));
    expect(await stored()).toBe("[]");
  });

  it("carries its contact data to the claim that it becomes", async () => {
    const { shop, campaign } = await newShop(3, {
      consent: { required: true, text: "Share?", version: "1" },
    });
    const reserved = await shop.send<Reserved>(`POST /v1/campaigns/${campaign}/claims`, {
      user: { id: "u-1", email: "u-1@shopper.example" },
      consent: { share_contact: true, version: "1" },
    });
    const shown = await reveal(shop, reserved.body.id);
    expect(shown.body).toMatchObject({
      contact: { email: "u-1@shopper.example" },
      consent: { share_contact: true, version: "1" },
    });
  });
});
