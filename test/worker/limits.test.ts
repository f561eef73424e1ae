import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { randomBytes } from "../../src/db/new-id.ts";
import { formatApiKey } from "../../src/domain/api-key.ts";
import {
  ADDRESS,
  isManyHere,
  KEY,
  KEY_UNASKED,
  USER_WRONG_CODE,
  WRONG_CODE,
  WRONG_KEY,
} from "../../src/http/limits.ts";
import type { Answer, Api, Brand } from "../support/api.ts";
import { api } from "../support/worker-api.ts";
import { apiWith } from "../support/watched-api.ts";

const PAGE = "https://limits.example";
let addresses = 0;

/** An address that no other test calls from. */
const newAddress = () => `198.51.100.${(addresses += 1)}`;

function expectLimited(answer: Answer, { name, quota, windowSeconds }: typeof KEY): void {
  expect([answer.status, answer.body["type"]]).toEqual([
    429,
    "http://codedrop.test/problems/rate-limited",
  ]);
  expect(answer.headers.get("RateLimit-Policy")).toBe(`"${name}";q=${quota};w=${windowSeconds}`);
  const left = /^"([\w-]+)";r=0;t=(\d+)$/.exec(answer.headers.get("RateLimit") ?? "");
  expect(left?.[1]).toBe(name);
  // What Retry-After says must not be earlier.
  const retryAfter = Number(answer.headers.get("Retry-After"));
  expect(retryAfter).toBeGreaterThanOrEqual(Number(left?.[2]));
  expect(retryAfter).toBeLessThanOrEqual(windowSeconds);
  expect(answer.headers.get("Cache-Control")).toBe("no-store");
}

const from = (address: string, headers: Record<string, string> = {}) => ({
  "CF-Connecting-IP": address,
  ...headers,
});

/** The first refusal: after the quota, or later where the platform's window ends meanwhile. */
async function untilLimited(quota: number, call: (i: number) => Promise<Answer>): Promise<Answer> {
  for (let i = 0; i <= 2 * quota; i++) {
    const answer = await call(i);
    if (answer.status !== 429) continue;
    expect(i).toBeGreaterThanOrEqual(quota);
    return answer;
  }
  throw new Error("Nothing was refused");
}

describe("wrong keys from one address", () => {
  const guess = (address: string, headers: Record<string, string> = {}) =>
    api.send(
      formatApiKey("secret", "live", randomBytes),
      "GET /v1/brand",
      undefined,
      from(address, headers),
    );

  it("are met with 429 after so many, which no header of theirs can hide", async () => {
    const address = newAddress();
    expectLimited(await untilLimited(WRONG_KEY.quota, () => guess(address)), WRONG_KEY);
    const disguised = {
      "X-Forwarded-For": "203.0.113.9",
      "X-Real-IP": "203.0.113.9",
      Forwarded: "for=203.0.113.9",
    };
    expectLimited(await guess(address, disguised), WRONG_KEY);
    expect((await guess(newAddress())).status).toBe(401);
  });

  it("hold up no right key from there, and typos count for nothing", async () => {
    const brand = await api.newBrand();
    const address = newAddress();
    await untilLimited(WRONG_KEY.quota, () => guess(address));
    const typo = await api.send(`${brand.secret}x`, "GET /v1/brand", undefined, from(address));
    expect(typo.status).toBe(401);
    const right = await api.send(brand.secret, "GET /v1/brand", undefined, from(address));
    expect(right.status).toBe(200);
  });
});

describe("pages of one address", () => {
  it("are met with 429 after so many calls, an IPv6 network as one", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    const made = await api.send<{ key: string }>(brand.secret, "POST /v1/keys", {
      kind: "publishable",
      mode: "live",
      name: "Page",
      allowed_origins: [PAGE],
    });
    const see = (address: string) =>
      api.send(
        made.body.key,
        `GET /v1/campaigns/${campaign}`,
        undefined,
        from(address, { Origin: PAGE }),
      );
    const limited = await untilLimited(ADDRESS.quota, (i) =>
      see(`2001:db8:7:7:${(i % 100).toString(16)}::1`),
    );
    expectLimited(limited, ADDRESS);
    expect(limited.headers.get("Access-Control-Allow-Origin")).toBe(PAGE);
    expect((await see("2001:db8:7:8::1")).status).toBe(200);
    // A server with a secret key is not held to it.
    const server = await api.send(
      brand.secret,
      `GET /v1/campaigns/${campaign}`,
      undefined,
      from("2001:db8:7:7::1"),
    );
    expect(server.status).toBe(200);
  });
});

describe("wrong codes", () => {
  const validate = (with_: Api, brand: Brand, code: string, userId?: string) =>
    with_.send(brand.secret, "POST /v1/codes/validate", { code, user_id: userId });

  it("of one user close the checkout to that user, and to nobody else", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 2);
    const { body: claim } = await api.claim(brand, campaign, "u-1");
    const { body: own } = await api.claim(brand, campaign, "eve");
    const here = apiWith({});
    // A code of another user is as wrong as one that is none.
    const guess = (i: number) =>
      validate(here, brand, i % 2 === 0 ? claim.code : `WRONG-${i}`, "eve");
    expectLimited(await untilLimited(USER_WRONG_CODE.quota, guess), USER_WRONG_CODE);
    // The next guess may be a code: it is not looked at.
    expectLimited(await validate(here, brand, own.code, "eve"), USER_WRONG_CODE);
    const redeem = { code: claim.code, order_id: "o-1" };
    expectLimited(
      await here.send(brand.secret, "POST /v1/redemptions", { ...redeem, user_id: "eve" }),
      USER_WRONG_CODE,
    );
    const right = await here.send(brand.secret, "POST /v1/redemptions", {
      ...redeem,
      user_id: "u-1",
    });
    expect(right.status).toBe(201);
    const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 61_000);
    expect((await validate(here, brand, own.code, "eve")).body["valid"]).toBe(true);
    clock.mockRestore();
  });

  it("of one user among many codes keep nobody else's from being judged or spent", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 2);
    const [{ body: ours }, { body: theirs }] = [
      await api.claim(brand, campaign, "u-1"),
      await api.claim(brand, campaign, "u-2"),
    ];
    const here = apiWith({});
    const send = (route: string, body: object) =>
      here.send<{ data: { result: string }[] }>(brand.secret, route, body);
    const wrong = Array.from({ length: 2 * USER_WRONG_CODE.quota + 2 }, (_, i) => ({
      code: i % 2 === 0 ? `WRONG-${i}` : theirs.code,
      order_id: `w-${i}`,
      user_id: "eve",
    }));
    const page = [...wrong, { code: ours.code, order_id: "o-1" }];
    // Also when it is sent again, and by a user who is known by now.
    for (const result of ["redeemed", "repeated"]) {
      expect((await send("POST /v1/codes/bulk-validate", { codes: page })).status).toBe(200);
      const spent = await send("POST /v1/codes/bulk-redeem", { redemptions: page });
      expect([spent.status, spent.body.data?.at(-1)?.result]).toEqual([200, result]);
    }
    for (const [i, one] of wrong.slice(0, 2).entries()) {
      const alone = { redemptions: wrong.slice(i, i + 1) };
      expectLimited(await validate(here, brand, one.code, "eve"), USER_WRONG_CODE);
      expectLimited(await send("POST /v1/codes/bulk-redeem", alone), USER_WRONG_CODE);
    }
    const theirsAlone = await send("POST /v1/codes/bulk-redeem", { redemptions: wrong });
    expectLimited(theirsAlone, USER_WRONG_CODE);
    // Nor do those of whom nobody says who typed them, unless there is nothing else.
    const WRONG_CODE_BRAKE = { limit: () => Promise.resolve({ success: false }) };
    const guessed = (these: object[]) =>
      apiWith({ WRONG_CODE_BRAKE }).send(brand.secret, "POST /v1/codes/bulk-validate", {
        codes: these,
      });
    expect((await guessed([{ code: "WRONG" }, { code: ours.code }])).status).toBe(200);
    expectLimited(await guessed([{ code: "WRONG" }, { code: "WRONG-2" }]), WRONG_CODE);
  });

  it("with one key are met with 429 after so many, right ones are still served", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    const { body: claim } = await api.claim(brand, campaign, "u-1");
    const guess = () => validate(api, brand, "WRONG-CODE");
    expectLimited(await untilLimited(WRONG_CODE.quota, guess), WRONG_CODE);
    expect((await validate(api, brand, claim.code)).body["valid"]).toBe(true);
  });
});

describe("a key's calls", () => {
  const MINUTE_MS = KEY.windowSeconds * 1000;
  // No window ends while one of these tests counts.
  let now: number;
  beforeEach(() => {
    now = Date.now();
    vi.spyOn(Date, "now").mockImplementation(() => now);
  });
  afterEach(() => void vi.restoreAllMocks());

  /** A platform's limiter that answers so, and the keys that it was asked for. */
  function limiter(answer: () => Promise<RateLimitOutcome>) {
    const asked: string[] = [];
    const limit = ({ key }: { key?: string }) => {
      asked.push(key ?? "");
      return answer();
    };
    return { asked, limit };
  }
  const closed = () => limiter(() => Promise.resolve({ success: false }));
  const open = () => limiter(() => Promise.resolve({ success: true }));

  async function keyIdOf(brand: Brand, kind: string): Promise<string> {
    const { body } = await api.send<{ data: { id: string; kind: string }[] }>(
      brand.secret,
      "GET /v1/keys",
    );
    return body.data.find((key) => key.kind === kind)?.id ?? "";
  }

  /** As if this isolate had served so many calls with the key. */
  function serve(keyId: string, calls: number): void {
    for (let i = 0; i < calls; i++) isManyHere(keyId, now);
  }

  it("past those of one address count not against the key, from whatever page they say", async () => {
    const brand = await api.newBrand();
    const KEY_BRAKE = open();
    const ADDRESS_BRAKE = closed();
    const here = apiWith({ KEY_BRAKE, ADDRESS_BRAKE });
    const there = apiWith({ KEY_BRAKE });
    serve(await keyIdOf(brand, "publishable"), KEY_UNASKED - 1);
    const see = (by: Api, headers: Record<string, string>) =>
      by.send(
        brand.publishable,
        "GET /v1/campaigns/default",
        undefined,
        from(newAddress(), headers),
      );
    for (const headers of [{}, { Origin: PAGE }]) {
      expectLimited(await see(here, headers), ADDRESS);
    }
    // Those two were not counted here either: the next is the last one that is let by unasked.
    expect([(await see(there, {})).status, KEY_BRAKE.asked.length]).toEqual([403, 0]);
    expect([(await see(there, {})).status, KEY_BRAKE.asked.length]).toEqual([403, 1]);
  });

  it("are let by unasked up to a tenth of the quota in one isolate, then the platform brakes", async () => {
    const brand = await api.newBrand();
    const keyId = await keyIdOf(brand, "secret");
    const KEY_BRAKE = closed();
    const here = apiWith({ KEY_BRAKE });
    const call = () => here.send(brand.secret, "GET /v1/brand");
    // Asking for the key's id was its first call.
    serve(keyId, KEY_UNASKED - 2);
    expect([(await call()).status, KEY_BRAKE.asked]).toEqual([200, []]);
    expectLimited(await call(), KEY);
    expectLimited(await call(), KEY);
    expect(KEY_BRAKE.asked).toEqual([keyId, keyId]);
    // Another key's calls are its own.
    const other = await api.newBrand();
    expect((await here.send(other.secret, "GET /v1/brand")).status).toBe(200);
    // The next minute begins anew.
    now += MINUTE_MS;
    expect([(await call()).status, KEY_BRAKE.asked.length]).toEqual([200, 2]);
  });

  it("are braked by nobody when the platform's brake fails", async () => {
    const brand = await api.newBrand();
    const KEY_BRAKE = limiter(() => Promise.reject(new Error("down")));
    serve(await keyIdOf(brand, "secret"), KEY_UNASKED);
    const answer = await apiWith({ KEY_BRAKE }).send(brand.secret, "GET /v1/brand");
    expect([answer.status, KEY_BRAKE.asked.length]).toEqual([200, 1]);
  });

  it("are forgotten here when keys are many: an isolate counts no more than it can hold", async () => {
    serve("key_busy", KEY_UNASKED);
    expect(isManyHere("key_busy", now)).toBe(true);
    for (let i = 0; i < 10_000; i++) isManyHere(`key_${i}`, now);
    expect(isManyHere("key_busy", now)).toBe(false);
  });
});
