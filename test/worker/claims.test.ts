import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { ClaimBody } from "../support/api.ts";
import { unique } from "../support/api.ts";
import { api } from "../support/worker-api.ts";

describe("a claim", () => {
  it("gives the code with 201, a Location and no-store", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 3, {
      discount: { type: "percentage", value: 15 },
      shop_url: "https://shop.example/",
    });
    const answer = await api.claim(brand, campaign, "u-1");
    expect(answer.status).toBe(201);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    expect(answer.headers.get("Location")).toBe(`/v1/claims/${answer.body.id}`);
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^clm_/),
      campaign_id: campaign,
      code: expect.stringMatching(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/),
      user_id: "u-1",
      status: "claimed",
      discount: { type: "percentage", value: 15 },
      claimed_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      reveal_by: null,
      expires_at: null,
      shop_url: "https://shop.example/",
      consent: null,
      contact: null,
    });
  });

  it("gives the same code to the same user with 200, and another to another", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 3);
    const first = await api.claim(brand, campaign, "u-1");
    const again = await api.claim(brand, campaign, "u-1");
    const other = await api.claim(brand, campaign, "u-2");
    expect([first.status, again.status, other.status]).toEqual([201, 200, 201]);
    expect(again.body).toEqual(first.body);
    expect(other.body.code).not.toBe(first.body.code);
  });

  it("takes the campaign by slug as well as by id", async () => {
    const brand = await api.newBrand();
    await api.addCodes(brand, "default", 1);
    expect((await api.claim(brand, "default", "u-1")).status).toBe(201);
  });

  it("tells users apart exactly: case, accents and inner blanks count", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10);
    const ids = ["ann", "Ann", "a nn", "\u00e4nn", "a\u0308nn", "u".repeat(255)];
    const codes = await Promise.all(
      ids.map(async (id) => (await api.claim(brand, campaign, id)).body.code),
    );
    expect(new Set(codes).size).toBe(ids.length);
  });

  it("answers codes-exhausted when none is left, and still gives holders theirs", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 2);
    const held = await api.claim(brand, campaign, "u-1");
    await api.claim(brand, campaign, "u-2");
    const late = await api.claim(brand, campaign, "u-3");
    expect(late.status).toBe(409);
    expect(late.body).toMatchObject({ type: "http://codedrop.test/problems/codes-exhausted" });
    expect((await api.claim(brand, campaign, "u-1")).body.code).toBe(held.body.code);
  });

  it("gives codes again at once after a top-up", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    await api.claim(brand, campaign, "u-1");
    expect((await api.claim(brand, campaign, "u-2")).status).toBe(409);
    await api.addCodes(brand, campaign, 1);
    expect((await api.claim(brand, campaign, "u-2")).status).toBe(201);
  });

  it("is exhausted, not broken, when the campaign never had codes", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    expect((await api.claim(brand, campaign, "u-1")).status).toBe(409);
    expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, codes: 0, claimed: 0 });
  });
});

describe("claims in parallel", () => {
  it("give 150 codes to 150 of 210 users, each once, and refuse the rest", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 150);
    const users = Array.from({ length: 210 }, (_, i) => `u-${i}`);
    const answers = await Promise.all(users.map((user) => api.claim(brand, campaign, user)));
    const won = answers.filter(({ status }) => status === 201);
    expect(won.length).toBe(150);
    expect(new Set(won.map(({ body }) => body.code)).size).toBe(150);
    expect(answers.filter(({ status }) => status === 409).length).toBe(60);

    const again = await Promise.all(users.map((user) => api.claim(brand, campaign, user)));
    again.forEach((answer, i) => {
      const before = answers[i];
      expect(answer.status).toBe(before?.status === 201 ? 200 : 409);
      if (answer.status === 200) expect(answer.body.code).toBe(before?.body.code);
    });
    expect(await api.integrity(brand, campaign)).toMatchObject({
      ok: true,
      codes: 150,
      claimed: 150,
      duplicate_codes: 0,
      duplicate_users: 0,
      stranded: 0,
      unprojected: 0,
    });
  });

  it("of one user give one code: one 201, the rest 200", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 60);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => api.claim(brand, campaign, "u-1")),
    );
    expect(answers.filter(({ status }) => status === 201).length).toBe(1);
    expect(answers.filter(({ status }) => status === 200).length).toBe(49);
    expect(new Set(answers.map(({ body }) => body.code)).size).toBe(1);
  });

  it("cross block after block of leased codes without losing or repeating one", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1_200);
    const codes = new Set<string>();
    for (let wave = 0; wave < 6; wave++) {
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, i) => api.claim(brand, campaign, `u-${wave}-${i}`)),
      );
      for (const { status, body } of answers) {
        expect(status).toBe(201);
        codes.add(body.code);
      }
    }
    expect(codes.size).toBe(1_200);
    expect((await api.claim(brand, campaign, "one too many")).status).toBe(409);
    expect(await api.integrity(brand, campaign)).toMatchObject({ ok: true, claimed: 1_200 });
  });
});

describe("claims_per_user above 1", () => {
  it("gives the next code with each call until the limit, then the latest", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10, { claims_per_user: 3 });
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push(await api.claim(brand, campaign, "u-1"));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.code)).size).toBe(3);
    expect(answers[4]?.body.code).toBe(answers[2]?.body.code);
  });

  it("refuses an Idempotency-Key that is empty, too long or not visible ASCII", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    for (const key of ['""', "k".repeat(256), "a b"]) {
      const answer = await api.claim(brand, campaign, "u-1", { "Idempotency-Key": key });
      expect([key, answer.status]).toEqual([key, 400]);
    }
  });
});

describe("consent", () => {
  const terms = { required: true, text: "Acme may write to me.", version: "2026-11" };

  it("is asked for, recorded with the claim, and lets contact data in", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5, { consent: terms });
    const claim = (body: object) =>
      api.send<ClaimBody>(brand.secret, `POST /v1/campaigns/${campaign}/claims`, body);
    const user = { id: "u-1", email: "ann@example.com", name: "Ann", attributes: { tier: "gold" } };

    for (const consent of [
      undefined,
      { share_contact: false, version: "2026-11" },
      { share_contact: true, version: "2025-01" },
    ]) {
      const refused = await claim({ user, consent });
      expect(refused.status).toBe(422);
      expect(refused.body).toMatchObject({ type: expect.stringMatching(/\/consent-required$/) });
    }
    const given = { share_contact: true, version: "2026-11" };
    const claimed = await claim({ user, consent: given });
    expect(claimed.status).toBe(201);
    expect(claimed.body).toMatchObject({
      consent: given,
      contact: { email: "ann@example.com", name: "Ann", attributes: { tier: "gold" } },
    });
    // A holder is not asked again, and the very same request gets the same answer after an edit.
    expect((await claim({ user: { id: "u-1" } })).status).toBe(200);
    await api.send(brand.secret, `PATCH /v1/campaigns/${campaign}`, {
      consent: { ...terms, version: "2027-01" },
    });
    expect((await claim({ user, consent: given })).status).toBe(200);
  });

  it("keeps no contact data where none was given", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const answer = await api.send(brand.secret, `POST /v1/campaigns/${campaign}/claims`, {
      user: { id: "u-1", email: "ann@example.com" },
    });
    expect(answer.status).toBe(201);
    expect(answer.body["contact"]).toBeNull();
    const read = await api.send(brand.secret, `GET /v1/claims/${String(answer.body["id"])}`);
    expect(read.text).not.toContain("ann@example.com");
  });
});

describe("reading claims back", () => {
  it("finds a claim by its id at once, and not by another's", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 2);
    const { body } = await api.claim(brand, campaign, "u-1");
    const read = await api.send(brand.secret, `GET /v1/claims/${body.id}`);
    expect(read.status).toBe(200);
    expect(read.body).toEqual(body);
    for (const id of [
      `${body.id}1`,
      body.id.slice(0, -1),
      "clm_",
      "clm_x",
      "nonsense",
      `${body.id}00`,
    ]) {
      expect([id, (await api.send(brand.secret, `GET /v1/claims/${id}`)).status]).toEqual([
        id,
        404,
      ]);
    }
  });

  it("lists a user's claims, and nothing for somebody unknown", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5, { claims_per_user: 2 });
    await api.claim(brand, campaign, "u-2");
    const first = await api.claim(brand, campaign, "u-1");
    const second = await api.claim(brand, campaign, "u-1");
    const path = `/v1/campaigns/${campaign}/claims?user_id=u-1`;
    expect(await api.listAll(brand.secret, path)).toEqual([second.body, first.body]);
    expect(await api.listAll(brand.secret, path, 1)).toEqual([second.body, first.body]);
    expect(await api.listAll(brand.secret, `/v1/campaigns/${campaign}/claims?user_id=x`)).toEqual(
      [],
    );
  });

  it("pages through all claims without skip or repeat while new ones arrive", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 60);
    const before: string[] = [];
    for (let i = 0; i < 25; i++) before.push((await api.claim(brand, campaign, `u-${i}`)).body.id);
    const seen: string[] = [];
    let cursor = "";
    for (let page = 0; ; page++) {
      const { body } = await api.send<{ data: ClaimBody[]; next_cursor: string | null }>(
        brand.secret,
        `GET /v1/campaigns/${campaign}/claims?limit=7${cursor}`,
      );
      seen.push(...body.data.map(({ id }) => id));
      if (body.next_cursor === null) break;
      cursor = `&cursor=${body.next_cursor}`;
      await api.claim(brand, campaign, `late-${page}`);
    }
    expect(seen).toEqual(before.reverse());
  });
});

describe("a campaign that is not open", () => {
  for (const [state, verb] of [
    ["paused", "pause"],
    ["ended", "end"],
  ] as const) {
    it(`refuses new users at once when it is ${state}, and gives holders their code`, async () => {
      const brand = await api.newBrand();
      const campaign = await api.newCampaign(brand, 5);
      const held = await api.claim(brand, campaign, "u-1");
      await api.send(brand.secret, `POST /v1/campaigns/${campaign}/${verb}`);
      const refused = await api.claim(brand, campaign, "u-2");
      expect(refused.status).toBe(409);
      expect(refused.body).toMatchObject({
        type: expect.stringMatching(/\/campaign-not-open$/),
        detail: expect.stringContaining(state),
      });
      const again = await api.claim(brand, campaign, "u-1");
      expect([again.status, again.body.code]).toEqual([200, held.body.code]);
    });
  }

  it("hands out again after resume", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    await api.send(brand.secret, `POST /v1/campaigns/${campaign}/pause`);
    expect((await api.claim(brand, campaign, "u-1")).status).toBe(409);
    await api.send(brand.secret, `POST /v1/campaigns/${campaign}/resume`);
    expect((await api.claim(brand, campaign, "u-1")).status).toBe(201);
  });

  it("refuses before starts_at and says when it starts", async () => {
    const brand = await api.newBrand();
    const starts_at = "2099-01-01T00:00:00.000Z";
    const campaign = await api.newCampaign(brand, 5, { starts_at });
    const refused = await api.claim(brand, campaign, "u-1");
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({ starts_at, detail: expect.stringContaining(starts_at) });
  });

  it("gives holders their code when the start is moved into the future", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const held = await api.claim(brand, campaign, "u-1");
    await api.send(brand.secret, `PATCH /v1/campaigns/${campaign}`, {
      starts_at: "2099-01-01T00:00:00Z",
    });
    expect((await api.claim(brand, campaign, "u-2")).status).toBe(409);
    expect((await api.claim(brand, campaign, "u-1")).body.code).toBe(held.body.code);
  });

  it("has ended from the very moment of ends_at", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    const end = Date.now() + 2_000;
    const ends_at = new Date(end).toISOString();
    await api.send(brand.secret, `PATCH /v1/campaigns/${campaign}`, { ends_at });
    expect((await api.claim(brand, campaign, "u-1")).status).toBe(201);
    while (Date.now() < end) await scheduler.wait(10);
    expect((await api.claim(brand, campaign, "u-2")).status).toBe(409);
    const read = await api.send(brand.secret, `GET /v1/campaigns/${campaign}`);
    expect(read.body["status"]).toBe("ended");
  });
});

describe("a code's lifetime", () => {
  it("is counted from the claim, and shows everywhere as expired when over", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 2, { code_lifetime_seconds: 2 });
    const { body } = await api.claim(brand, campaign, unique("u"));
    expect(body.status).toBe("claimed");
    const expiry = Date.parse(body.expires_at ?? "");
    expect(expiry).toBeGreaterThan(Date.now());
    await runDurableObjectAlarm(env.CODE_POOL.getByName(`${campaign}/0`));
    while (Date.now() < expiry) await scheduler.wait(10);
    const read = await api.send(brand.secret, `GET /v1/claims/${body.id}`);
    expect(read.body["status"]).toBe("expired");
    const stats = await api.send(brand.secret, `GET /v1/campaigns/${campaign}/stats`);
    expect(stats.body["totals"]).toMatchObject({ codes: 2, available: 1, claimed: 0, expired: 1 });
    const codes = await api.listAll<{ code: string }>(
      brand.secret,
      `/v1/campaigns/${campaign}/codes?status=expired`,
    );
    expect(codes.map(({ code }) => code)).toEqual([body.code]);
  });
});
