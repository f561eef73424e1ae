import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { interceptedD1 } from "../support/intercepted-d1.ts";
import { faultyD1 } from "../support/faulty-d1.ts";
import { api } from "../support/worker-api.ts";
import { apiWith } from "../support/watched-api.ts";

const lines = (text: string) => text.split("\r\n").filter((line) => line !== "");
const ndjson = (text: string) =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("the export of codes", () => {
  it("is CSV with a header, and shows a claim that was answered just before", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 3, { code_lifetime_seconds: 60 });
    const { body: claim } = await api.claim(brand, campaign, "u-1");
    const answer = await api.send(brand.secret, `GET /v1/campaigns/${campaign}/codes/export`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Content-Type")).toBe("text/csv; charset=utf-8; header=present");
    expect(answer.headers.get("Content-Disposition")).toMatch(
      /^attachment; filename="codes-[a-z0-9-]+\.csv"$/,
    );
    const [header, first, ...rest] = lines(answer.text);
    expect(header).toBe(
      "code,status,batch_id,claim_id,user_id,claimed_at,expires_at,redeemed_at,revoked_at",
    );
    expect(first?.split(",").slice(0, 5)).toEqual([
      claim.code,
      "claimed",
      expect.stringMatching(/^bat_/),
      claim.id,
      "u-1",
    ]);
    expect(first?.split(",")[6]).toBe(claim.expires_at);
    expect(rest.map((line) => line.split(",")[1])).toEqual(["available", "available"]);
  });

  it("has every code once, over steps, batches and imports, and by status", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    await api.addCodes(brand, campaign, 6_000);
    await api.addCodes(brand, campaign, 1);
    const file = Array.from({ length: 5_001 }, (_, i) => `own-${i}`).join("\n");
    await api.send(brand.secret, `POST /v1/campaigns/${campaign}/imports`, file, {
      "Content-Type": "text/csv",
    });
    for (let i = 0; i < 5; i++) await api.claim(brand, campaign, `u-${i}`);
    const path = `/v1/campaigns/${campaign}/codes/export?format=ndjson`;
    const all = ndjson((await api.send(brand.secret, `GET ${path}`)).text);
    expect(all.length).toBe(11_002);
    expect(new Set(all.map(({ code }) => code)).size).toBe(11_002);
    const claimed = ndjson((await api.send(brand.secret, `GET ${path}&status=claimed`)).text);
    expect(claimed.map(({ user_id }) => user_id).toSorted()).toEqual([
      "u-0",
      "u-1",
      "u-2",
      "u-3",
      "u-4",
    ]);
    const revoked = await api.send(brand.secret, `GET ${path}&status=revoked`);
    expect([revoked.status, revoked.text]).toEqual([200, ""]);
    expect((await api.send(brand.secret, `GET ${path}&status=lost`)).status).toBe(422);
    expect((await api.send(brand.secret, `GET ${path.replace("ndjson", "xlsx")}`)).status).toBe(
      422,
    );
  });

  it("makes text of what a spreadsheet would compute, and quotes what CSV must", async () => {
    const brand = await api.newBrand();
    const own = ["=1+1", "+49", "-5", "@SUM(A1)", 'a"b', "a,b", "＝1", "plain", "a;b"];
    const json = { codes: own };
    await api.send(brand.secret, "POST /v1/campaigns/default/imports", json);
    for (let i = 0; i < own.length; i++) await api.claim(brand, "default", `=u-${i}`);
    const { text } = await api.send(brand.secret, "GET /v1/campaigns/default/codes/export");
    const cells = lines(text)
      .slice(1)
      .map((line) => /^("(?:[^"]|"")*"|[^,]*),/.exec(line)?.[1]);
    expect(cells).toEqual([
      "'=1+1",
      "'+49",
      "'-5",
      "'@SUM(A1)",
      '"a""b"',
      '"a,b"',
      "'＝1",
      "plain",
      '"a;b"',
    ]);
    expect(text).not.toMatch(/(^|,)"?[=+@-]/m);
    expect(text).toContain(",'=u-0,");
    const exact = await api.send(
      brand.secret,
      "GET /v1/campaigns/default/codes/export?format=ndjson",
    );
    expect(ndjson(exact.text).map(({ code }) => code)).toEqual(own);
  });

  it("has every code once while claims and batches go on", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0, { shards: 2 });
    await api.addCodes(brand, campaign, 10_000);
    await api.addCodes(brand, campaign, 2_000);
    const before = ndjson(
      (await api.send(brand.secret, `GET /v1/campaigns/${campaign}/codes/export?format=ndjson`))
        .text,
    );
    let step = 0;
    const DB = interceptedD1(env.DB, async (sql, call) => {
      if (sql.some((text) => text.includes("ordinal >= ?2"))) {
        step += 1;
        const users = Array.from({ length: 30 }, (_, i) => `u-${step}-${i}`);
        await Promise.all(users.map((user) => api.claim(brand, campaign, user)));
        await api.addCodes(brand, campaign, 10);
      }
      return call();
    });
    const { text } = await apiWith({ DB }).send(
      brand.secret,
      `GET /v1/campaigns/${campaign}/codes/export?format=ndjson`,
    );
    const during = ndjson(text).map(({ code }) => code);
    expect(step).toBeGreaterThanOrEqual(3);
    expect(new Set(during).size).toBe(during.length);
    const there = new Set(during);
    expect(before.filter(({ code }) => !there.has(code))).toEqual([]);
  });

  it("goes on when D1 fails for a moment, and is cut when it does not come back", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 20);
    const read = /FROM codes WHERE batch_id = \?1 AND ordinal >= \?2/;
    const path = `GET /v1/campaigns/${campaign}/codes/export`;
    const once = apiWith({ DB: faultyD1(env.DB, [{ when: "before", sql: read, times: 2 }]) });
    expect(lines((await once.send(brand.secret, path)).text).length).toBe(21);
    const down = apiWith({ DB: faultyD1(env.DB, [{ when: "before", sql: read, times: 99 }]) });
    await expect(down.send(brand.secret, path)).rejects.toThrow(/Network connection lost/);
  });

  it("reads on only as it is taken", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    for (let i = 0; i < 4; i++) await api.addCodes(brand, campaign, 10_000);
    const response = await exports.default.fetch(
      new Request(`http://codedrop.test/v1/campaigns/${campaign}/codes/export`, {
        headers: { Authorization: `Bearer ${brand.secret}` },
      }),
    );
    const reader = response.body?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    await reader?.cancel();
  });
});

describe("the exports of claims and redemptions", () => {
  it("have each once, over several pages of a pool, also where the last is full", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 500);
    const users = Array.from({ length: 500 }, (_, i) => `u-${i}`);
    const held = await Promise.all(users.map((user) => api.claim(brand, campaign, user)));
    await Promise.all(
      held.map(({ body }) =>
        api.send(brand.secret, "POST /v1/redemptions", { code: body.code, order_id: "o" }),
      ),
    );
    for (const what of ["claims", "redemptions"]) {
      const path = `/v1/campaigns/${campaign}/${what}/export?format=ndjson`;
      const rows = ndjson((await api.send(brand.secret, `GET ${path}`)).text);
      expect(rows.map(({ user_id }) => user_id).toSorted()).toEqual(users.toSorted());
    }
  });

  it("have a line for each, over all shards", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 60, {
      shards: 3,
      discount: { type: "fixed_amount", value: 500, currency: "EUR" },
      consent: { required: false, text: "Share?", version: "1" },
    });
    const held = [];
    for (let i = 0; i < 30; i++) {
      const claim = await api.send<{ id: string; code: string }>(
        brand.secret,
        `POST /v1/campaigns/${campaign}/claims`,
        {
          user: { id: `u-${i}`, email: `u${i}@example.com` },
          ...(i === 0 ? { consent: { share_contact: true, version: "1" } } : {}),
        },
      );
      held.push(claim.body);
    }
    for (const [i, { code }] of held.slice(0, 12).entries()) {
      const body = { code, order_id: `o-${i}`, order: { amount: 300, currency: "EUR" } };
      await api.send(brand.secret, "POST /v1/redemptions", body);
    }
    const read = async (what: string) =>
      (await api.send(brand.secret, `GET /v1/campaigns/${campaign}/${what}/export?format=ndjson`))
        .text;
    const claims = ndjson(await read("claims"));
    expect(claims.map(({ id }) => id).toSorted()).toEqual(held.map(({ id }) => id).toSorted());
    expect(claims.filter(({ status }) => status === "redeemed").length).toBe(12);
    expect(claims.filter(({ email }) => email !== null)).toEqual([
      expect.objectContaining({ user_id: "u-0", email: "u0@example.com", consent_version: "1" }),
    ]);
    const redemptions = ndjson(await read("redemptions"));
    expect(redemptions.map(({ order_id }) => order_id).toSorted()).toEqual(
      Array.from({ length: 12 }, (_, i) => `o-${i}`).toSorted(),
    );
    expect(redemptions[0]).toMatchObject({
      order_amount: 300,
      order_currency: "EUR",
      discount_amount: 300,
    });
    const csv = await api.send(brand.secret, `GET /v1/campaigns/${campaign}/redemptions/export`);
    expect(lines(csv.text)[0]).toBe(
      "id,code,user_id,order_id,order_amount,order_currency,discount_amount,redeemed_at,claim_id,status,rolled_back_at",
    );
    expect(lines(csv.text).length).toBe(13);
  });
});
