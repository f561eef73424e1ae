import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { SWEEP_MAX } from "../../src/code-pool/personal-data.ts";
import { newId } from "../../src/db/new-id.ts";
import { findErasure } from "../../src/inventory/erasures.ts";
import { eraseUser } from "../../src/users/stub.ts";
import { unique, type Answer, type Brand, type ClaimBody } from "../support/api.ts";
import { faultyD1, type Fault } from "../support/faulty-d1.ts";
import { interceptedD1 } from "../support/intercepted-d1.ts";
import { apiWith } from "../support/watched-api.ts";
import { api } from "../support/worker-api.ts";

const DAY_MS = 86_400_000;
const given = { share_contact: true, version: "2026-11" };

interface Claim extends Omit<ClaimBody, "user_id"> {
  user_id: string | null;
  consent: object | null;
  contact: Record<string, unknown> | null;
  claimed_at: string;
}
interface UserBody {
  user_id: string;
  data: { campaign_id: string; claims: Claim[]; redemptions: { order_id: string }[] }[];
  next_cursor: string | null;
}
interface ErasureBody {
  id: string;
  status: "running" | "complete";
  claims: number;
}

interface Operation {
  responses: Record<string, { description: string }>;
}

const contactOf = (userId: string) => ({
  email: `${userId}@personal.example`,
  name: `Name of ${userId}`,
  attributes: { shoe: `size-of-${userId}` },
});

/** A claim with consent to everything, and all the contact data that there can be. */
async function claim(
  brand: Brand,
  campaign: string,
  userId: string,
  headers: Record<string, string> = {},
): Promise<Answer<Claim>> {
  return api.send<Claim>(
    brand.secret,
    `POST /v1/campaigns/${campaign}/claims`,
    { user: { id: userId, ...contactOf(userId) }, consent: given },
    headers,
  );
}

const userPath = (userId: string) => `/v1/users/${encodeURIComponent(userId)}`;
const read = (brand: Brand, userId: string, query = "") =>
  api.send<UserBody>(brand.secret, `GET ${userPath(userId)}${query}`);
const erase = (brand: Brand, userId: string) =>
  api.send<ErasureBody>(brand.secret, `DELETE ${userPath(userId)}`);

const poolOf = (campaign: string, shard = 0) => env.CODE_POOL.getByName(`${campaign}/${shard}`);
const eraserOf = (brand: Brand) => env.USER_ERASER.getByName(brand.id);

async function breakD1(object: DurableObjectStub, faults: Fault[]): Promise<void> {
  await runInDurableObject(object, (instance) => {
    Object.assign(instance, { env: { ...env, DB: faultyD1(env.DB, faults) } });
  });
}

/** Every value that D1 and the campaigns' pools hold, in one text. */
async function everythingHeld(...campaigns: string[]): Promise<string> {
  const texts: string[] = [];
  const dump = (name: string, rows: unknown) => texts.push(`${name}: ${JSON.stringify(rows)}`);
  const tablesOf =
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'";
  const { results } = await env.DB.prepare(tablesOf).all<{ name: string }>();
  for (const { name } of results) {
    dump(name, (await env.DB.prepare(`SELECT * FROM "${name}"`).all()).results);
  }
  for (const campaign of campaigns) {
    await runInDurableObject(poolOf(campaign), (_pool, { storage }) => {
      for (const { name } of storage.sql.exec<{ name: string }>(tablesOf).toArray()) {
        dump(name, storage.sql.exec(`SELECT * FROM "${name}"`).toArray());
      }
    });
  }
  return texts.join("\n");
}

const shownUsers = async (brand: Brand, campaign: string) =>
  (
    await api.listAll<{ user_id: string | null; claimed_at: string | null }>(
      brand.secret,
      `/v1/campaigns/${campaign}/codes?status=claimed`,
    )
  ).map(({ user_id }) => user_id);

async function untilComplete(brand: Brand, id: string): Promise<ErasureBody> {
  for (;;) {
    const { body } = await api.send<ErasureBody>(brand.secret, `GET /v1/erasures/${id}`);
    if (body.status === "complete") return body;
    await runDurableObjectAlarm(eraserOf(brand));
    await scheduler.wait(20);
  }
}

afterEach(() => {
  vi.useRealTimers();
});

describe("reading a user", () => {
  it("gives the claims of all campaigns with their consent, contact data and redemptions", async () => {
    const brand = await api.newBrand();
    const one = await api.newCampaign(brand, 3, { claims_per_user: 2, shards: 4 });
    const two = await api.newCampaign(brand, 3);
    await api.newCampaign(brand, 3);
    const userId = unique("u");
    const first = await claim(brand, one, userId);
    const second = await api.claim(brand, one, userId);
    const third = await claim(brand, two, userId);
    await claim(brand, two, unique("other"));
    const order = { code: third.body.code, order_id: "o-1" };
    const redeemed = await api.send(brand.secret, "POST /v1/redemptions", order);

    const { status, headers, body } = await read(brand, userId);
    expect([status, headers.get("Cache-Control")]).toEqual([200, "no-store"]);
    expect(body).toEqual({
      user_id: userId,
      data: [
        { campaign_id: one, claims: [first.body, second.body], redemptions: [] },
        {
          campaign_id: two,
          claims: [{ ...third.body, status: "redeemed" }],
          redemptions: [redeemed.body],
        },
      ],
      next_cursor: null,
    });
    expect(body.data[0]?.claims[0]).toMatchObject({ consent: given, contact: contactOf(userId) });
    expect(body.data[0]?.claims[1]).toMatchObject({ consent: null, contact: null });
  });

  it("is 404 of somebody of whom nothing is held, here or with another brand", async () => {
    const [brand, rival] = [await api.newBrand(), await api.newBrand()];
    const campaign = await api.newCampaign(brand, 3);
    const userId = unique("u");
    await claim(brand, campaign, userId);
    for (const answer of [await read(brand, "nobody"), await read(rival, userId)]) {
      expect(answer.status).toBe(404);
      expect(answer.body).toMatchObject({ type: expect.stringMatching(/\/not-found$/) });
    }
  });

  it("pages by campaign, and each comes once", async () => {
    const brand = await api.newBrand();
    const userId = unique("u");
    const made: string[] = [];
    for (let i = 0; i < 5; i++) {
      const campaign = await api.newCampaign(brand, 1);
      await api.claim(brand, campaign, i === 2 ? "somebody else" : userId);
      if (i !== 2) made.push(campaign);
    }
    for (const limit of [1, 2, 3, 100]) {
      const seen = await api.listAll<UserBody["data"][number]>(
        brand.secret,
        userPath(userId),
        limit,
      );
      expect(seen.map(({ campaign_id }) => campaign_id)).toEqual(made);
    }
  });

  it("takes any id that a claim takes, however it has to be written in a path", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 20);
    const ids = [
      "a/b",
      "/",
      "100%",
      "%2F",
      "%252F",
      "a b+c",
      "?x=1#y",
      "\u00e4nn",
      "a\u0308nn",
      "\u{1f4a5}",
      "auth0|5f7c",
      "x@y.example",
      "a\\b",
      "...",
      "\u4e00".repeat(255),
    ];
    for (const id of ids) {
      expect([id, (await api.claim(brand, campaign, id)).status]).toEqual([id, 201]);
      const { body } = await read(brand, id);
      expect([id, body.user_id, body.data[0]?.claims.length]).toEqual([id, id, 1]);
      expect((await erase(brand, id)).body).toMatchObject({ status: "complete", claims: 1 });
      expect((await read(brand, id)).status).toBe(404);
    }
    // A path loses these on its way, so nobody may be called so.
    for (const id of [".", ".."]) {
      expect((await api.claim(brand, campaign, id)).status).toBe(422);
    }
  });

  it("by a key of test mode sees and erases test campaigns only", async () => {
    const brand = await api.newBrand();
    const key = await api.send<{ key: string }>(brand.secret, "POST /v1/keys", {
      kind: "secret",
      mode: "test",
      name: "Test",
    });
    const tester = { ...brand, secret: key.body.key };
    const live = await api.newCampaign(brand, 1);
    const test = await api.newCampaign(tester, 1);
    const userId = unique("u");
    await claim(brand, live, userId);
    expect((await read(tester, userId)).status).toBe(404);
    await claim(tester, test, userId);
    const campaignsSeen = async (by: Brand) =>
      (await read(by, userId)).body.data.map(({ campaign_id }) => campaign_id);
    expect(await campaignsSeen(tester)).toEqual([test]);
    expect(await campaignsSeen(brand)).toEqual([live, test]);
    const erased = await erase(tester, userId);
    expect(erased.body).toMatchObject({ status: "complete", claims: 1 });
    expect((await read(tester, userId)).status).toBe(404);
    expect(await campaignsSeen(brand)).toEqual([live]);
    const byLive = await erase(brand, userId);
    const path = (id: string) => `GET /v1/erasures/${id}`;
    expect((await api.send(tester.secret, path(byLive.body.id))).status).toBe(404);
    expect((await api.send(brand.secret, path(erased.body.id))).body).toEqual(erased.body);
  });
});

describe("erasing a user", () => {
  it("leaves no id, e-mail, name or attribute in D1 or in a pool, and the proof stays good", async () => {
    const brand = await api.newBrand();
    const campaigns = [
      await api.newCampaign(brand, 5),
      await api.newCampaign(brand, 5, { claims_per_user: 2 }),
    ];
    const [userId, other] = [unique("gone"), unique("stays")];
    for (const campaign of campaigns) {
      await claim(brand, campaign, userId, { "Idempotency-Key": `key-of-${userId}` });
      await claim(brand, campaign, other);
    }
    for (const campaign of campaigns) await api.integrity(brand, campaign);
    expect(await everythingHeld(...campaigns)).toContain(userId);

    const answer = await erase(brand, userId);
    expect(answer.status).toBe(202);
    expect(answer.headers.get("Location")).toBe(`/v1/erasures/${answer.body.id}`);
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^era_/),
      status: "complete",
      claims: 2,
      created_at: expect.any(String),
      finished_at: expect.any(String),
    });
    const held = await everythingHeld(...campaigns);
    expect(held).not.toContain(userId);
    for (const kept of [other, contactOf(other).email]) expect(held).toContain(kept);
    for (const campaign of campaigns) {
      expect(await shownUsers(brand, campaign)).toEqual(expect.arrayContaining([null, other]));
      expect(await api.integrity(brand, campaign)).toMatchObject({
        ok: true,
        claimed: 2,
        duplicate_users: 0,
        unprojected: 0,
      });
    }
    expect((await read(brand, userId)).status).toBe(404);
    expect((await read(brand, other)).body.data.length).toBe(2);
  });

  it("keeps the one code per user, and what was proven: the consent, without who gave it", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const userId = unique("u");
    const before = await claim(brand, campaign, userId);
    await erase(brand, userId);
    const again = await claim(brand, campaign, userId);
    expect(again.status).toBe(200);
    expect(again.body).toEqual({ ...before.body, user_id: null, contact: null });
    expect(again.body.consent).toEqual(given);
    const byId = await api.send(brand.secret, `GET /v1/claims/${before.body.id}`);
    expect(byId.body).toEqual(again.body);
    // Nobody finds out whose it was by asking for one user after the other.
    const list = `/v1/campaigns/${campaign}/claims`;
    expect(await api.listAll(brand.secret, `${list}?user_id=${userId}`)).toEqual([]);
    expect(await api.listAll(brand.secret, list)).toEqual([again.body]);
    for (const what of ["claims", "codes"]) {
      const file = await api.send(brand.secret, `GET /v1/campaigns/${campaign}/${what}/export`);
      expect(file.text).toContain(before.body.code);
      expect(file.text).not.toContain(userId);
    }
  });

  it("lets the user have the codes that are still due, as new data, and no more", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5, { claims_per_user: 2 });
    const userId = unique("u");
    const first = await claim(brand, campaign, userId);
    await erase(brand, userId);
    const second = await claim(brand, campaign, userId);
    expect(second.status).toBe(201);
    expect(second.body).toMatchObject({ user_id: userId, contact: contactOf(userId) });
    expect(second.body.code).not.toBe(first.body.code);
    const third = await claim(brand, campaign, userId);
    expect([third.status, third.body.code]).toEqual([200, second.body.code]);
    expect((await read(brand, userId)).body.data[0]?.claims).toEqual([second.body]);
    expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, claimed: 2 });
    expect((await erase(brand, userId)).body.claims).toBe(1);
    expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, claimed: 2 });
  });

  it("leaves the code good at the checkout for its user, and for nobody else", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const userId = unique("u");
    const { body } = await claim(brand, campaign, userId);
    await erase(brand, userId);
    const ask = async (user_id: string) =>
      (await api.send(brand.secret, "POST /v1/codes/validate", { code: body.code, user_id })).body;
    expect(await ask("somebody else")).toMatchObject({ valid: false, reason: "not-yours" });
    expect(await ask(userId)).toMatchObject({ valid: true });
    const spent = await api.send(brand.secret, "POST /v1/redemptions", {
      code: body.code,
      order_id: "o-1",
      user_id: userId,
    });
    expect(spent.status).toBe(201);
    expect(spent.body).toMatchObject({ user_id: null, order_id: "o-1" });
    const found = await api.send(brand.secret, "POST /v1/codes/lookup", { code: body.code });
    expect(found.body).toMatchObject({ user_id: null, status: "redeemed" });
  });

  it("is told to the brand once for each campaign, by the claims, not by who it was", async () => {
    const brand = await api.newBrand();
    const one = await api.newCampaign(brand, 5, { claims_per_user: 2 });
    const two = await api.newCampaign(brand, 5);
    const none = await api.newCampaign(brand, 5);
    const userId = unique("u");
    const ids: string[] = [];
    for (const campaign of [one, one, two]) {
      ids.push((await claim(brand, campaign, userId)).body.id);
    }
    await claim(brand, none, "somebody else");
    await breakD1(eraserOf(brand), [
      { when: "after", sql: /update "codes" set "user_id"/, times: 5 },
      { when: "after", sql: /UPDATE erasures SET after_campaign/, times: 1 },
    ]);
    const begun = await erase(brand, userId);
    await untilComplete(brand, begun.body.id);
    await erase(brand, userId);
    const told = async () =>
      api.listAll<{ type: string; campaign_id: string; data: object }>(
        brand.secret,
        "/v1/events?type=user.erased",
      );
    const expected = [
      { campaign_id: one, data: { claim_ids: ids.slice(0, 2) } },
      { campaign_id: two, data: { claim_ids: ids.slice(2) } },
    ];
    const byCampaign = (a: { campaign_id: string }, b: { campaign_id: string }) =>
      a.campaign_id.localeCompare(b.campaign_id);
    expect((await told()).toSorted(byCampaign)).toMatchObject(expected.toSorted(byCampaign));
    expect(JSON.stringify(await told())).not.toContain(userId);
    // What is new data of the user afterwards is another erasure's.
    const third = await api.newCampaign(brand, 1);
    const { body } = await claim(brand, third, userId);
    await erase(brand, userId);
    expect((await told()).length).toBe(3);
    expect((await told()).find(({ campaign_id }) => campaign_id === third)).toMatchObject({
      data: { claim_ids: [body.id] },
    });
  });

  it("tells of every claim that it took the user from, also where a step is done again", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5, { claims_per_user: 2 });
    const userId = unique("u");
    const first = await claim(brand, campaign, userId);
    await breakD1(eraserOf(brand), [
      { when: "before", sql: /UPDATE erasures SET after_campaign/, times: 1_000 },
    ]);
    const begun = await erase(brand, userId);
    expect(begun.body.status).toBe("running");
    const second = await claim(brand, campaign, userId);
    expect([second.status, second.body.user_id]).toEqual([201, userId]);
    await breakD1(eraserOf(brand), []);
    await untilComplete(brand, begun.body.id);
    const claims = await api.listAll<Claim>(brand.secret, `/v1/campaigns/${campaign}/claims`);
    const erased = claims.filter(({ user_id }) => user_id === null).map(({ id }) => id);
    expect(erased).toContain(first.body.id);
    const told = await api.listAll<{ data: { claim_ids: string[] } }>(
      brand.secret,
      `/v1/events?campaign_id=${campaign}&type=user.erased`,
    );
    expect(told.flatMap(({ data }) => data.claim_ids).toSorted()).toEqual(erased.toSorted());
  });

  it("is harmless when repeated, and for somebody unknown", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const userId = unique("u");
    await claim(brand, campaign, userId);
    for (const claims of [1, 0, 0]) {
      const answer = await erase(brand, userId);
      expect([answer.status, answer.body.claims]).toEqual([202, claims]);
    }
    expect((await erase(brand, "nobody")).body).toMatchObject({ status: "complete", claims: 0 });
    const rival = await api.newBrand();
    const other = unique("u");
    await claim(brand, campaign, other);
    expect((await erase(rival, other)).body).toMatchObject({ claims: 0 });
    expect((await read(brand, other)).status).toBe(200);
  });

  it("reaches every campaign over several steps", async () => {
    const brand = await api.newBrand();
    const userId = unique("u");
    const campaigns = await Promise.all(
      Array.from({ length: 55 }, () => api.newCampaign(brand, 1, { shards: 1 })),
    );
    await Promise.all(campaigns.map((campaign) => api.claim(brand, campaign, userId)));
    const seen = await api.listAll<UserBody["data"][number]>(brand.secret, userPath(userId));
    expect(seen.length).toBe(55);
    expect((await erase(brand, userId)).body).toMatchObject({ status: "complete", claims: 55 });
    expect(await everythingHeld(...campaigns)).not.toContain(userId);
  });
});

describe("an erasure that is interrupted", () => {
  const SHOW = /UPDATE codes SET claim_id/;
  const FORGET = /update "codes" set "user_id"/;

  for (const when of ["before", "after"] as const) {
    for (const [what, sql] of [
      ["the step in D1", FORGET],
      ["the note of how far it is", /UPDATE erasures SET after_campaign/],
      ["the look at the campaigns", /from "campaigns"/],
    ] as const) {
      it(`goes on by itself when D1 fails ${when} ${what}`, async () => {
        const brand = await api.newBrand();
        const campaign = await api.newCampaign(brand, 5);
        const userId = unique("u");
        await claim(brand, campaign, userId);
        const faults: Fault[] = [{ when, sql, times: 4 }];
        await breakD1(eraserOf(brand), faults);
        const begun = await erase(brand, userId);
        expect([begun.status, begun.body.status]).toEqual([202, "running"]);
        await untilComplete(brand, begun.body.id);
        expect(await everythingHeld(campaign)).not.toContain(userId);
        expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, claimed: 1 });
        // By another object than the one that began.
        expect((await erase(brand, userId)).body.claims).toBe(0);
      });
    }
  }

  it("is 503 when it could not be noted, and is seen through if the note comes late", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const userId = unique("u");
    await claim(brand, campaign, userId);
    await breakD1(eraserOf(brand), [{ when: "before", sql: /INSERT INTO erasures/, times: 4 }]);
    expect((await erase(brand, userId)).status).toBe(503);
    const id = newId("erasure");
    await env.DB.prepare(
      "INSERT INTO erasures (id, brand_id, user_id, created_at) VALUES (?, ?, ?, 0)",
    )
      .bind(id, brand.id, userId)
      .run();
    await untilComplete(brand, id);
    expect(await everythingHeld(campaign)).not.toContain(userId);
  });

  it("is 503 when its object has too much to do, as the reference says", async () => {
    const brand = await api.newBrand();
    const busy = () => Promise.reject(Object.assign(new Error("busy"), { overloaded: true }));
    const USER_ERASER = { getByName: () => ({ erase: busy }) } as unknown as Env["USER_ERASER"];
    const here = apiWith({ USER_ERASER });
    const answer = await here.send(brand.secret, "DELETE /v1/users/u-1");
    expect([answer.status, answer.headers.get("Retry-After")]).toEqual([503, "1"]);
    expect(answer.body["type"]).toMatch(/\/pool-overloaded$/);
    const { body } = await api.send<{ paths: Record<string, Record<string, Operation>> }>(
      null,
      "GET /openapi.json",
    );
    const declared = body.paths["/v1/users/{user_id}"]?.["delete"]?.responses["503"];
    expect(declared?.description).toContain("`pool-overloaded`");
  });

  it("goes on in another object, where the one that began was lost", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const userId = unique("u");
    await claim(brand, campaign, userId);
    await breakD1(eraserOf(brand), [{ when: "before", sql: FORGET, times: 1_000 }]);
    const begun = await erase(brand, userId);
    expect(begun.body.status).toBe("running");
    await evictDurableObject(eraserOf(brand));
    expect(await untilComplete(brand, begun.body.id)).toMatchObject({ claims: 1 });
    expect(await everythingHeld(campaign)).not.toContain(userId);
  });

  it("passed on twice, because its answer was lost, is one erasure", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const userId = unique("u");
    await claim(brand, campaign, userId);
    const noted = { id: newId("erasure"), brandId: brand.id, mode: null, createdAt: 1 };
    const asked = { ...noted, userId, along: null };
    const first = await eraseUser(env, asked);
    expect(first).toMatchObject({ claims: 1, userId: null });
    expect(await eraseUser(env, asked)).toEqual(first);
    const scope = { brandId: brand.id, mode: null };
    expect(await findErasure(env.DB, scope, noted.id)).toEqual(first);
  });

  it("is not said to be complete by a second one, before D1 has forgotten the user", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const userId = unique("u");
    await claim(brand, campaign, userId);
    expect(await api.integrity(brand, campaign)).toMatchObject({ unprojected: 0 });
    await breakD1(eraserOf(brand), [{ when: "before", sql: FORGET, times: 1_000 }]);
    const first = await erase(brand, userId);
    expect(first.body.status).toBe("running");
    expect(await shownUsers(brand, campaign)).toEqual([userId]);
    await breakD1(eraserOf(brand), []);
    const second = await erase(brand, userId);
    expect(second.body).toMatchObject({ status: "complete", claims: 0 });
    expect(await shownUsers(brand, campaign)).toEqual([null]);
    expect(await untilComplete(brand, first.body.id)).toMatchObject({ claims: 1 });
    const told = await api.listAll(brand.secret, "/v1/events?type=user.erased");
    expect(told.length).toBe(1);
  });

  it("does not hold up another user's", async () => {
    const brand = await api.newBrand();
    const campaigns = [await api.newCampaign(brand, 5), await api.newCampaign(brand, 5)];
    const [stuck, other] = [unique("stuck"), unique("u")];
    await claim(brand, campaigns[0] ?? "", stuck);
    await claim(brand, campaigns[1] ?? "", other);
    await breakD1(poolOf(campaigns[0] ?? ""), [{ when: "before", sql: SHOW, times: 1_000 }]);
    expect((await erase(brand, stuck)).body.status).toBe("running");
    expect((await erase(brand, other)).body.status).toBe("complete");
  });

  it("keeps the proof good half way: the pool has forgotten who it was, D1 has not", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const userId = unique("u");
    await claim(brand, campaign, userId);
    await claim(brand, campaign, unique("other"));
    expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true });
    await breakD1(eraserOf(brand), [{ when: "before", sql: FORGET, times: 1_000 }]);
    await erase(brand, userId);
    expect(await shownUsers(brand, campaign)).toContain(userId);
    expect(await api.integrity(brand, campaign)).toMatchObject({
      ok: true,
      duplicate_codes: 0,
      unprojected: 0,
    });
  });
});

describe("a claim that D1 is told of while its user is erased", () => {
  const SHOW = /UPDATE codes SET claim_id/;

  it("does not bring the user back, when the call arrives after everything", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const userId = unique("u");
    // The call that shows the claim is sent, and arrives when it is let go.
    let sent: () => void = () => undefined;
    let letGo: () => void = () => undefined;
    const isSent = new Promise<void>((resolve) => (sent = resolve));
    const isLetGo = new Promise<void>((resolve) => (letGo = resolve));
    const arrived: Promise<unknown>[] = [];
    let held = 0;
    const DB = interceptedD1(env.DB, async (sql, call, values) => {
      if (!SHOW.test(sql.join()) || held > 0) return call();
      held += 1;
      expect(JSON.stringify(values)).toContain(userId);
      arrived.push(isLetGo.then(call));
      sent();
      throw new Error("D1_ERROR: Network connection lost");
    });
    await api.claim(brand, campaign, "first");
    await runInDurableObject(poolOf(campaign), (pool) => {
      Object.assign(pool, { env: { ...env, DB } });
    });
    await claim(brand, campaign, userId);
    await isSent;
    expect((await erase(brand, userId)).body).toMatchObject({ status: "complete", claims: 1 });
    expect(await shownUsers(brand, campaign)).toEqual(["first", null]);
    letGo();
    await Promise.all(arrived);
    expect(await shownUsers(brand, campaign)).toEqual(["first", null]);
    expect(await everythingHeld(campaign)).not.toContain(userId);
  });

  it("is shown without the user, when D1 has heard nothing of it before", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const userId = unique("u");
    await breakD1(poolOf(campaign), [{ when: "before", sql: SHOW, times: 1 }]);
    await claim(brand, campaign, userId);
    const begun = await erase(brand, userId);
    await untilComplete(brand, begun.body.id);
    expect(await shownUsers(brand, campaign)).toEqual([null]);
    expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, unprojected: 0 });
  });

  it("among erasures ends with a proof that is good, and nobody erased in it", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 80, { claims_per_user: 2, shards: 2 });
    const word = unique("gone");
    const users = Array.from({ length: 20 }, (_, i) => `${word}-${i}`);
    await Promise.all(
      users.flatMap((user) => [
        claim(brand, campaign, user),
        claim(brand, campaign, user).then(() => erase(brand, user)),
        api.integrity(brand, campaign).then(({ ok }) => expect(ok).toBe(true)),
      ]),
    );
    await Promise.all(users.map((user) => erase(brand, user)));
    expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, claimed: 40 });
    const rows = await api.listAll<{ user_id: string | null }>(
      brand.secret,
      `/v1/campaigns/${campaign}/codes`,
    );
    expect(rows.filter(({ user_id }) => user_id !== null)).toEqual([]);
  });
});

describe("contact data", () => {
  const consent = { required: false, text: "Acme may write to me.", version: "2026-11" };

  it("is kept with consent to the present text only, and no claim needs it where none is required", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 9, { consent });
    const userId = unique("u");
    const send = (word: string, agreed?: object) =>
      api.send<Claim>(brand.secret, `POST /v1/campaigns/${campaign}/claims`, {
        user: { id: `${userId}-${word}`, ...contactOf(userId) },
        ...(agreed === undefined ? {} : { consent: agreed }),
      });
    const without = await send("none");
    expect([without.status, without.body.consent, without.body.contact]).toEqual([201, null, null]);
    const no = { share_contact: false, version: "2026-11" };
    const refused = await send("no", no);
    expect([refused.status, refused.body.consent, refused.body.contact]).toEqual([201, no, null]);
    expect((await send("old", { ...given, version: "2025-01" })).status).toBe(422);
    expect(await everythingHeld(campaign)).not.toContain(contactOf(userId).email);
    expect((await send("yes", given)).body.contact).toEqual(contactOf(userId));
    const list = await api.listAll<Claim>(brand.secret, `/v1/campaigns/${campaign}/claims`);
    expect(list.filter(({ contact }) => contact !== null).length).toBe(1);
    const file = await api.send(brand.secret, `GET /v1/campaigns/${campaign}/claims/export`);
    expect(file.text.split(contactOf(userId).email).length - 1).toBe(1);
  });

  const alarmOf = (campaign: string) =>
    runInDurableObject(poolOf(campaign), (_pool, { storage }) => storage.getAlarm());
  const storedContacts = (campaign: string) =>
    runInDurableObject(
      poolOf(campaign),
      (_pool, { storage }) =>
        storage.sql.exec<{ n: number }>("SELECT count(contact) AS n FROM claims").one().n,
    );
  async function settle(brand: Brand, campaign: string): Promise<void> {
    await api.integrity(brand, campaign);
    await runDurableObjectAlarm(poolOf(campaign));
  }

  it("is gone from every answer from the day on that the campaign says, and then from storage", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 9, { contact_retention_days: 30 });
    const userId = unique("u");
    const { body } = await claim(brand, campaign, userId);
    await settle(brand, campaign);
    const end = Date.parse(body.claimed_at) + 30 * DAY_MS;
    expect(await alarmOf(campaign)).toBe(end + 3_600_000);
    const shown = async () =>
      (
        await Promise.all([
          api.send<Claim>(brand.secret, `GET /v1/claims/${body.id}`),
          api.send(brand.secret, `GET /v1/campaigns/${campaign}/claims`),
          api.send(brand.secret, `GET /v1/campaigns/${campaign}/claims/export`),
          read(brand, userId),
          claim(brand, campaign, userId),
        ])
      ).map(({ text }) => text.includes(contactOf(userId).email));
    vi.setSystemTime(end - 1);
    expect(await shown()).toEqual([true, true, true, true, true]);
    vi.setSystemTime(end);
    expect(await shown()).toEqual([false, false, false, false, false]);
    expect(await storedContacts(campaign)).toBe(1);
    vi.setSystemTime(end + 3_600_000);
    await settle(brand, campaign);
    expect(await storedContacts(campaign)).toBe(0);
    const later = await api.send<Claim>(brand.secret, `GET /v1/claims/${body.id}`);
    expect(later.body).toEqual({ ...body, contact: null });
    expect(await alarmOf(campaign)).toBeNull();
  });

  it("is kept until then, and where no end is set", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const brand = await api.newBrand();
    const kept = await api.newCampaign(brand, 9);
    const limited = await api.newCampaign(brand, 9, { contact_retention_days: 30 });
    for (const campaign of [kept, limited]) await claim(brand, campaign, unique("u"));
    vi.setSystemTime(Date.now() + 20 * DAY_MS);
    await claim(brand, limited, unique("u"));
    vi.setSystemTime(Date.now() + 11 * DAY_MS);
    // An alarm that rang by itself may be under way, and then it is that one which must end first.
    for (let i = 0; i < 20 && (await storedContacts(limited)) > 1; i++) {
      await settle(brand, limited);
      await scheduler.wait(20);
    }
    await settle(brand, kept);
    expect([await storedContacts(kept), await storedContacts(limited)]).toEqual([1, 1]);
    expect(await alarmOf(kept)).toBeNull();
  });

  it("follows a change of the setting, also of claims that were made before", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 9);
    const { body } = await claim(brand, campaign, unique("u"));
    await settle(brand, campaign);
    const path = `PATCH /v1/campaigns/${campaign}`;
    await api.send(brand.secret, path, { contact_retention_days: 2 });
    expect(await alarmOf(campaign)).toBe(Date.parse(body.claimed_at) + 2 * DAY_MS + 3_600_000);
    await api.send(brand.secret, path, { contact_retention_days: 1 });
    vi.setSystemTime(Date.parse(body.claimed_at) + DAY_MS + 3_600_000);
    expect(await alarmOf(campaign)).toBe(Date.now());
    await settle(brand, campaign);
    expect(await storedContacts(campaign)).toBe(0);
  });

  it("is deleted by an object that lost its alarm, and in bounded steps", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 9, { contact_retention_days: 1 });
    const { body } = await claim(brand, campaign, unique("u"));
    await api.integrity(brand, campaign);
    const extra = SWEEP_MAX + 10;
    await runInDurableObject(poolOf(campaign), (_pool, { storage }) => {
      storage.sql.exec(
        `WITH RECURSIVE more (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM more WHERE n <= ?)
         INSERT INTO claims (slot, user_key, nth, user_id, code, claimed_at, attempt, contact)
         SELECT n, 'k' || n, 0, 'u' || n, 'c' || n, ?, 'a', '{"name":"x"}' FROM more`,
        extra,
        Date.parse(body.claimed_at),
      );
      storage.sql.exec("UPDATE pool SET projected_slot = ?", extra + 1);
      return storage.deleteAlarm();
    });
    vi.setSystemTime(Date.now() + 2 * DAY_MS);
    await evictDurableObject(poolOf(campaign));
    await poolOf(campaign).ping();
    await runDurableObjectAlarm(poolOf(campaign));
    const left = await storedContacts(campaign);
    expect([0, extra + 1 - SWEEP_MAX]).toContain(left);
    while ((await storedContacts(campaign)) > 0) await runDurableObjectAlarm(poolOf(campaign));
  });

  it.each([null, 1])(
    "costs an alarm no look at the claims before it is time (%s days)",
    async (days) => {
      const brand = await api.newBrand();
      const campaign = await api.newCampaign(brand, 9, { contact_retention_days: days });
      await api.claim(brand, campaign, "u-1");
      await settle(brand, campaign);
      await runInDurableObject(poolOf(campaign), async (pool, { storage }) => {
        const { sql } = storage;
        sql.exec(
          `WITH RECURSIVE more (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM more WHERE n < ?)
           INSERT INTO claims (slot, user_key, nth, user_id, code, claimed_at, attempt)
           SELECT n, 'k' || n, 0, 'u' || n, 'c' || n, ?, 'a' FROM more`,
          SWEEP_MAX,
          Date.now(),
        );
        sql.exec("UPDATE pool SET projected_slot = ?", SWEEP_MAX);
        const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
        const exec = sql.exec.bind(sql);
        Object.defineProperty(sql, "exec", {
          configurable: true,
          value: (...parameters: Parameters<typeof exec>) => {
            const cursor = exec(...parameters);
            cursors.push(cursor);
            return cursor;
          },
        });
        await pool.alarm();
        Reflect.deleteProperty(sql, "exec");
        expect(cursors.reduce((sum, { rowsRead }) => sum + rowsRead, 0)).toBeLessThan(50);
      });
    },
  );

  it("has a time of 1 to 3,650 days", async () => {
    const brand = await api.newBrand();
    for (const [days, status] of [
      [0, 422],
      [1, 201],
      [3_650, 201],
      [3_651, 422],
      [1.5, 422],
      [null, 201],
    ] as const) {
      const fields = { name: unique("c"), contact_retention_days: days };
      const made = await api.send(brand.secret, "POST /v1/campaigns", fields);
      expect([days, made.status]).toEqual([days, status]);
      if (status === 201) expect(made.body["contact_retention_days"]).toBe(days);
    }
  });
});

describe("the logs", () => {
  it("hold nothing of a user whose erasure fails", async () => {
    const lines: unknown[] = [];
    for (const level of ["log", "info", "warn", "error"] as const) {
      vi.spyOn(console, level).mockImplementation((...parts) => void lines.push(parts));
    }
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const userId = unique("u");
    await claim(brand, campaign, userId);
    await breakD1(eraserOf(brand), [{ when: "before", sql: /./, times: 5 }]);
    expect((await erase(brand, userId)).status).toBe(503);
    await breakD1(eraserOf(brand), [{ when: "before", sql: /codes|campaigns|user_id/, times: 9 }]);
    await erase(brand, userId);
    await runDurableObjectAlarm(eraserOf(brand));
    vi.restoreAllMocks();
    expect(lines.length).toBeGreaterThan(1);
    expect(JSON.stringify(lines)).not.toContain(userId);
  });
});
