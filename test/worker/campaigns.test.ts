import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { formatApiKey } from "../../src/domain/api-key.ts";
import { hashKey } from "../../src/db/api-keys.ts";
import { newId, randomBytes } from "../../src/db/new-id.ts";
import { isCurrency } from "../../src/domain/currency.ts";
import { unique, type Brand } from "../support/api.ts";
import { staleRequest } from "../support/pool-requests.ts";
import { api } from "../support/worker-api.ts";

const everything = {
  name: "Spring",
  discount: { type: "fixed_amount", value: 500, currency: "EUR", description: "5 € off" },
  starts_at: "2026-01-01T00:00:00.000Z",
  ends_at: "2099-01-01T00:00:00.000Z",
  claims_per_user: 2,
  code_lifetime_seconds: 86_400,
  contact_retention_days: 90,
  code_format: { prefix: "SPRING-", pattern: "####-####" },
  accept_guessable: true,
  consent: { required: false, text: "I agree.", version: "1" },
  challenge: { type: "turnstile", site_key: "0x4-site", secret: "0x4-never-shown" },
  shop_url: "https://shop.example/spring",
  max_claims_per_minute: 600,
  low_stock_thresholds: ["10%", 100, 1],
  reveal: "on_demand",
  reveal_within_seconds: 60,
  holder_only: true,
  redeem_unclaimed: true,
  codes_outlive_campaign: true,
  metadata: { team: "growth" },
};

/** Those of November 2026 that an amount can be in: no metals, units of account or test codes. */
const ISO_4217 = (
  "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP " +
  "BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN " +
  "ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK " +
  "JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD " +
  "MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP " +
  "PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP " +
  "SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV " +
  "WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
).split(" ");

async function create(brand: Brand, fields: object) {
  return api.send(brand.secret, "POST /v1/campaigns", { name: unique("c"), ...fields });
}

describe("a campaign", () => {
  it("keeps every field it was given and answers with all of them", async () => {
    const brand = await api.newBrand();
    const slug = unique("spring");
    const created = await create(brand, { ...everything, slug });
    expect(created.status).toBe(201);
    expect(created.headers.get("Location")).toBe(`/v1/campaigns/${String(created.body["id"])}`);
    expect(created.body).toEqual({
      ...everything,
      challenge: { type: "turnstile", site_key: "0x4-site" },
      id: expect.stringMatching(/^cmp_[0-9a-z]{20}$/),
      slug,
      mode: "live",
      status: "active",
      shards: 1,
      breaker_tripped_at: null,
      created_at: expect.any(String),
    });
    expect(created.text).not.toContain("never-shown");
    for (const key of [slug, String(created.body["id"])]) {
      expect((await api.send(brand.secret, `GET /v1/campaigns/${key}`)).body).toEqual(created.body);
    }
  });

  it("changes only what a patch names, and null takes an optional field away", async () => {
    const brand = await api.newBrand();
    const created = await create(brand, everything);
    const path = `/v1/campaigns/${String(created.body["id"])}`;
    const empty = await api.send(brand.secret, `PATCH ${path}`, {});
    expect(empty.body).toEqual(created.body);
    const cleared = {
      discount: null,
      starts_at: null,
      ends_at: null,
      code_lifetime_seconds: null,
      challenge: null,
      contact_retention_days: null,
      consent: null,
      code_format: null,
      shop_url: null,
      max_claims_per_minute: null,
      low_stock_thresholds: null,
      metadata: {},
    };
    const patched = await api.send(brand.secret, `PATCH ${path}`, cleared);
    expect(patched.body).toEqual({ ...created.body, ...cleared });
  });

  it("shows codes at the claim and lets them end with it, unless it is told otherwise", async () => {
    const brand = await api.newBrand();
    const made = await create(brand, {});
    const usual = {
      reveal: "at_claim",
      reveal_within_seconds: 900,
      holder_only: false,
      redeem_unclaimed: false,
      codes_outlive_campaign: false,
    };
    expect(made.body).toMatchObject(usual);
    const path = `PATCH /v1/campaigns/${String(made.body["id"])}`;
    const unusual = {
      reveal: "on_demand",
      reveal_within_seconds: 604_800,
      holder_only: true,
      redeem_unclaimed: true,
      codes_outlive_campaign: true,
    };
    for (const fields of [{ reveal_within_seconds: 10 }, unusual, usual]) {
      const set = await api.send(brand.secret, path, fields);
      expect([set.status, set.body]).toMatchObject([200, fields]);
    }
  });

  it("takes times with any offset and answers in UTC with milliseconds", async () => {
    const brand = await api.newBrand();
    const { body } = await create(brand, { starts_at: "2026-06-01T12:00:00+02:00" });
    expect(body["starts_at"]).toBe("2026-06-01T10:00:00.000Z");
  });

  it("has no threshold of low stock unless some are given, and none with an empty list", async () => {
    const brand = await api.newBrand();
    const none = await create(brand, {});
    expect(none.body["low_stock_thresholds"]).toBeNull();
    const path = `PATCH /v1/campaigns/${String(none.body["id"])}`;
    const thresholds = ["99%", 5_000_000, "1%", 1];
    const set = await api.send(brand.secret, path, { low_stock_thresholds: thresholds });
    expect(set.body["low_stock_thresholds"]).toEqual(thresholds);
    const cleared = await api.send(brand.secret, path, { low_stock_thresholds: [] });
    expect([cleared.status, cleared.body["low_stock_thresholds"]]).toEqual([200, null]);
  });

  it("has a slug of its own within the brand; another brand may use the same", async () => {
    const brand = await api.newBrand();
    const slug = unique("summer");
    const first = await create(brand, { slug });
    expect((await create(brand, { slug })).status).toBe(409);
    expect((await create(await api.newBrand(), { slug })).status).toBe(201);
    const other = await create(brand, {});
    const moved = await api.send(brand.secret, `PATCH /v1/campaigns/${String(other.body["id"])}`, {
      slug,
    });
    expect(moved.status).toBe(409);
    expect(moved.body["type"]).toMatch(/\/slug-taken$/);
    expect((await api.send(brand.secret, `GET /v1/campaigns/${slug}`)).body).toEqual(first.body);
  });

  it("limits its discount by a minimum of any, and a maximum of a percentage", async () => {
    const brand = await api.newBrand();
    const limits = { currency: "KWD", minimum_order_amount: 1_000_000_000_000 };
    for (const discount of [
      { ...percents, ...limits, maximum_discount_amount: 1 },
      { ...percents, currency: "JPY", maximum_discount_amount: 2_000 },
      { type: "fixed_amount", value: 1, ...limits },
      { type: "free_shipping", ...limits },
      { type: "other", ...limits, description: "A bag" },
    ]) {
      const { status, body } = await create(brand, { discount });
      expect([status, body["discount"]]).toEqual([201, discount]);
    }
  });

  it("takes every currency of ISO 4217 that is in use, whatever the runtime's data has", () => {
    const known = new Set(Intl.supportedValuesOf("currency"));
    expect(ISO_4217.filter((code) => !known.has(code)).length).toBeLessThan(20);
    expect(ISO_4217.filter((code) => !isCurrency(code))).toEqual([]);
  });

  const percents = { type: "percentage", value: 15 };
  const euros = { type: "fixed_amount", value: 500, currency: "EUR" };
  const refused: [string, object, string][] = [
    ["a percentage above 100", { discount: { type: "percentage", value: 101 } }, "/discount/value"],
    [
      "a percentage of three decimals",
      { discount: { type: "percentage", value: 1.005 } },
      "/discount/value",
    ],
    ["a percentage without a value", { discount: { type: "percentage" } }, "/discount/value"],
    [
      "an amount in fractions",
      { discount: { type: "fixed_amount", value: 1.5, currency: "EUR" } },
      "/discount/value",
    ],
    [
      "an amount without a currency",
      { discount: { type: "fixed_amount", value: 1 } },
      "/discount/currency",
    ],
    [
      "free shipping with a value",
      { discount: { type: "free_shipping", value: 1 } },
      "/discount/value",
    ],
    [
      "a currency that there is not",
      { discount: { ...euros, currency: "EUX" } },
      "/discount/currency",
    ],
    [
      "a currency in small letters",
      { discount: { ...euros, currency: "eur" } },
      "/discount/currency",
    ],
    ["a currency of nothing", { discount: { ...percents, currency: "EUR" } }, "/discount/currency"],
    [
      "a minimum without a currency",
      { discount: { ...percents, minimum_order_amount: 100 } },
      "/discount/currency",
    ],
    [
      "a maximum without a currency",
      { discount: { ...percents, maximum_discount_amount: 100 } },
      "/discount/currency",
    ],
    [
      "a maximum of a fixed amount",
      { discount: { ...euros, maximum_discount_amount: 100 } },
      "/discount/maximum_discount_amount",
    ],
    [
      "a maximum of free shipping",
      { discount: { type: "free_shipping", currency: "EUR", maximum_discount_amount: 100 } },
      "/discount/maximum_discount_amount",
    ],
    [
      "a minimum of nothing",
      { discount: { ...euros, minimum_order_amount: 0 } },
      "/discount/minimum_order_amount",
    ],
    [
      "a minimum in fractions",
      { discount: { ...euros, minimum_order_amount: 1.5 } },
      "/discount/minimum_order_amount",
    ],
    [
      "a minimum beyond all orders",
      { discount: { ...euros, minimum_order_amount: 1_000_000_000_001 } },
      "/discount/minimum_order_amount",
    ],
    ["an unknown discount", { discount: { type: "bogus" } }, "/discount/type"],
    [
      "an end before its start",
      { starts_at: "2026-02-01T00:00:00Z", ends_at: "2026-01-01T00:00:00Z" },
      "/ends_at",
    ],
    [
      "an end at its start",
      { starts_at: "2026-02-01T00:00:00Z", ends_at: "2026-02-01T01:00:00+01:00" },
      "/ends_at",
    ],
    ["a day that does not exist", { starts_at: "2026-02-30T00:00:00Z" }, "/starts_at"],
    ["a time without a zone", { starts_at: "2026-02-01T00:00:00" }, "/starts_at"],
    ["a slug with a blank", { slug: "a b" }, "/slug"],
    ["a slug that ends in a dash", { slug: "a-" }, "/slug"],
    ["a blank name", { name: "  " }, "/name"],
    ["a name with a line break", { name: "a\nb" }, "/name"],
    ["no code per user", { claims_per_user: 0 }, "/claims_per_user"],
    ["half a code per user", { claims_per_user: 1.5 }, "/claims_per_user"],
    ["a shop that is not on the web", { shop_url: "javascript:alert(1)" }, "/shop_url"],
    [
      "51 pairs of metadata",
      { metadata: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, "v"])) },
      "/metadata",
    ],
    ["metadata that is not text", { metadata: { n: 1 } }, "/metadata/n"],
    ["a shop with a password", { shop_url: "https://u:p@shop.example/" }, "/shop_url"],
    ["a time beyond the year 9999", { ends_at: "9999-12-31T23:59:59-23:59" }, "/ends_at"],
    ["a time before the year 1", { starts_at: "0000-01-01T00:00:00+23:59" }, "/starts_at"],
    ["a time of 65 characters", { ends_at: `2027-01-01T00:00:00.${"0".repeat(44)}Z` }, "/ends_at"],
    ["a status", { status: "paused" }, "/status"],
    ["a reveal of its own kind", { reveal: "later" }, "/reveal"],
    ["a reveal of nine seconds", { reveal_within_seconds: 9 }, "/reveal_within_seconds"],
    ["a reveal beyond a week", { reveal_within_seconds: 604_801 }, "/reveal_within_seconds"],
    ["a reveal without a time", { reveal_within_seconds: null }, "/reveal_within_seconds"],
    ["a rule that is neither yes nor no", { holder_only: "yes" }, "/holder_only"],
    ["a threshold of no code", { low_stock_thresholds: [0] }, "/low_stock_thresholds/0"],
    ["half a code as threshold", { low_stock_thresholds: [1.5] }, "/low_stock_thresholds/0"],
    ["a threshold of all", { low_stock_thresholds: [9, "100%"] }, "/low_stock_thresholds/1"],
    ["a threshold with a zero", { low_stock_thresholds: ["05%"] }, "/low_stock_thresholds/0"],
    ["a number in quotes", { low_stock_thresholds: ["10"] }, "/low_stock_thresholds/0"],
    ["too high a threshold", { low_stock_thresholds: [5_000_001] }, "/low_stock_thresholds/0"],
    ["a threshold twice", { low_stock_thresholds: [5, "5%", 5] }, "/low_stock_thresholds"],
    [
      "11 thresholds",
      { low_stock_thresholds: Array.from({ length: 11 }, (_, i) => i + 1) },
      "/low_stock_thresholds",
    ],
  ];
  for (const [what, fields, pointer] of refused) {
    it(`refuses ${what} with a pointer to it`, async () => {
      const brand = await api.newBrand();
      const answer = await create(brand, fields);
      expect(answer.status).toBe(422);
      const errors = answer.body["errors"] as { in: string; pointer: string }[];
      expect(errors.map((error) => [error.in, error.pointer])).toContainEqual(["body", pointer]);
      expect((await api.listAll(brand.secret, "/v1/campaigns")).length).toBe(1);
    });
  }

  it("refuses a patch that would end it before its start, or lower claims_per_user", async () => {
    const brand = await api.newBrand();
    const created = await create(brand, everything);
    const path = `PATCH /v1/campaigns/${String(created.body["id"])}`;
    const ends = await api.send(brand.secret, path, { ends_at: "2025-01-01T00:00:00Z" });
    expect(ends.status).toBe(422);
    expect((await api.send(brand.secret, path, { claims_per_user: 1 })).status).toBe(422);
    expect((await api.send(brand.secret, path, { claims_per_user: 3 })).status).toBe(200);
  });

  it("is paused, resumed and ended; repeating a step changes nothing, an ended one stays ended", async () => {
    const brand = await api.newBrand();
    const id = await api.newCampaign(brand, 0);
    const steps = ["pause", "pause", "resume", "resume", "pause", "end", "end"];
    const seen = [];
    for (const step of steps) {
      const { status, body } = await api.send(brand.secret, `POST /v1/campaigns/${id}/${step}`);
      seen.push([status, body["status"]]);
    }
    expect(seen).toEqual(
      ["paused", "paused", "active", "active", "paused", "ended", "ended"].map((status) => [
        200,
        status,
      ]),
    );
    for (const step of ["pause", "resume"]) {
      const refusedStep = await api.send(brand.secret, `POST /v1/campaigns/${id}/${step}`);
      expect(refusedStep.status).toBe(409);
      expect(refusedStep.body["type"]).toMatch(/\/campaign-ended$/);
    }
    const more = await api.send(brand.secret, `POST /v1/campaigns/${id}/batches`, { count: 1 });
    expect(more.status).toBe(409);
  });

  it("that its ends_at has ended is revived by moving ends_at, and by nothing else", async () => {
    const brand = await api.newBrand();
    const id = await api.newCampaign(brand, 1);
    const path = `/v1/campaigns/${id}`;
    await api.send(brand.secret, `PATCH ${path}`, { ends_at: "2026-01-01T00:00:00Z" });
    expect((await api.send(brand.secret, `GET ${path}`)).body["status"]).toBe("ended");
    for (const [step, body] of [
      ["pause", undefined],
      ["resume", undefined],
      ["batches", { count: 1 }],
    ] as const) {
      const answer = await api.send(brand.secret, `POST ${path}/${step}`, body);
      expect([step, answer.status, answer.body["detail"]]).toEqual([
        step,
        409,
        "Its ends_at has passed; move it first.",
      ]);
    }
    const moved = await api.send(brand.secret, `PATCH ${path}`, { ends_at: null });
    expect(moved.body["status"]).toBe("active");
    expect((await api.claim(brand, id, "u-1")).status).toBe(201);
  });

  it("is stopped whatever else is changed at the same moment", async () => {
    const brand = await api.newBrand();
    const id = await api.newCampaign(brand, 1);
    const path = `/v1/campaigns/${id}`;
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        i % 2
          ? api.send(brand.secret, `POST ${path}/pause`)
          : api.send(brand.secret, `PATCH ${path}`, { name: `Name ${i}` }),
      ),
    );
    const pauses = answers.filter((_, i) => i % 2);
    expect(pauses.map(({ status }) => status)).toEqual(pauses.map(() => 200));
    expect((await api.send(brand.secret, `GET ${path}`)).body["status"]).toBe("paused");
    expect((await api.claim(brand, id, "u-1")).status).toBe(409);
  });

  it("changed by many at once ends in one of the states asked for, in the pool as in D1", async () => {
    const brand = await api.newBrand();
    const id = await api.newCampaign(brand, 1);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        api.send(brand.secret, `POST /v1/campaigns/${id}/${i % 2 ? "pause" : "resume"}`),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const { body } = await api.send(brand.secret, `GET /v1/campaigns/${id}`);
    // Asked with settings older than all of these: the pool must know better by itself.
    const outcome = await env.CODE_POOL.getByName(`${id}/0`).claim(staleRequest(id));
    expect(outcome.kind).toBe(body["status"] === "active" ? "granted" : "closed");
  });
});

describe("a test key", () => {
  it("sees and makes test campaigns only", async () => {
    const brand = await api.newBrand();
    const live = await api.newCampaign(brand, 1);
    const test = await api.newCampaign(brand, 1, { mode: "test" });
    const key = formatApiKey("secret", "test", randomBytes);
    await env.DB.prepare(
      `INSERT INTO api_keys (id, brand_id, kind, mode, name, hash, hint, created_at)
       VALUES (?, ?, 'secret', 'test', 'Test', ?, 'test', 0)`,
    )
      .bind(newId("apiKey"), brand.id, await hashKey(key))
      .run();
    const tester = { ...brand, secret: key };
    expect((await api.claim(tester, test, "u-1")).status).toBe(201);
    expect((await api.claim(tester, live, "u-1")).status).toBe(404);
    expect((await api.claim(tester, "default", "u-1")).status).toBe(404);
    const [code] = await api.listAll<{ batch_id: string }>(
      brand.secret,
      `/v1/campaigns/${live}/codes`,
    );
    const claim = await api.claim(brand, live, "u-2");
    for (const path of [
      `/v1/campaigns/${live}`,
      `/v1/campaigns/${live}/codes`,
      `/v1/campaigns/${live}/claims`,
      `/v1/campaigns/${live}/stats`,
      `/v1/campaigns/${live}/integrity`,
      `/v1/batches/${code?.batch_id}`,
      `/v1/claims/${claim.body.id}`,
    ]) {
      expect([path, (await api.send(key, `GET ${path}`)).status]).toEqual([path, 404]);
      expect([path, (await api.send(brand.secret, `GET ${path}`)).status]).toEqual([path, 200]);
    }
    expect(await api.listAll(key, "/v1/campaigns")).toMatchObject([{ id: test, mode: "test" }]);
    const made = await create(tester, {});
    expect([made.status, made.body["mode"]]).toEqual([201, "test"]);
    expect((await create(tester, { mode: "live" })).status).toBe(403);
  });
});
