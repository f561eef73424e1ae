/** Where an issuer's keys come from: how often it is asked, and what it may do to us. */

import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Near } from "../../src/directory/copies.ts";
import { verifyUserToken } from "../../src/identity/user-token.ts";
import { unique } from "../support/api.ts";
import { handMade, byRsa, Issuer, newKeyPair, type KeyPair } from "../support/issuer.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let [first, second]: KeyPair[] = [];

beforeAll(async () => {
  [first, second] = await Promise.all([
    newKeyPair("ES256", { kid: "k-1" }),
    newKeyPair("ES256", { kid: "k-2" }),
  ]);
});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function later(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

const keysOf = (...keys: (KeyPair | undefined)[]) => ({ keys: keys.map((key) => key?.jwk) });

/** A brand whose issuer answers as `answer` says, and how often it was asked. */
function brandWith(answer: () => Response | Promise<Response>, kv: KVNamespace | null = null) {
  const issuer = new Issuer();
  const brandId = unique("brd");
  const { jwksUrl, audience } = issuer;
  const identity = { issuer: issuer.issuer, audience, jwksUrl };
  const state = { asked: 0, answer };
  const rest = vi.isMockFunction(globalThis.fetch)
    ? vi.mocked(fetch).getMockImplementation()
    : undefined;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (...call) => {
    if (call[0] !== jwksUrl) return rest?.(...call) ?? Response.error();
    state.asked += 1;
    return state.answer();
  });
  const background: Promise<unknown>[] = [];
  const near: Near = { kv, db: env.DB, waitUntil: (work) => background.push(work) };
  return {
    issuer,
    brandId,
    state,
    token: (key: KeyPair | undefined, kid?: string) => {
      if (key === undefined) throw new Error("The keys are made before the tests.");
      return issuer.token(key, {}, kid === undefined ? {} : { kid });
    },
    async verdict(token: string, verify = verifyUserToken): Promise<string> {
      const outcome = await verify(near, { brandId, identity }, token);
      return outcome.kind === "refused" ? outcome.reason : outcome.kind;
    },
    settled: () => Promise.all(background.splice(0)),
  };
}

const down = () => Promise.reject(new TypeError("Network connection lost."));
const serves =
  (...keys: (KeyPair | undefined)[]) =>
  () =>
    Response.json(keysOf(...keys));

/** All of them, as often as they come. */
const many = <Value>(count: number, make: (n: number) => Promise<Value>) =>
  Promise.all(Array.from({ length: count }, (_, n) => make(n)));

describe("an issuer", () => {
  it("is asked once for many tokens, also when they are the first and come together", async () => {
    const brand = brandWith(async () => {
      await scheduler.wait(100);
      return serves(first)();
    });
    const token = await brand.token(first);
    const verdicts = await many(30, () => brand.verdict(token));
    expect(new Set(verdicts)).toEqual(new Set(["verified"]));
    for (let n = 0; n < 30; n++) expect(await brand.verdict(token)).toBe("verified");
    expect(brand.state.asked).toBe(1);
  });

  it("may bring in a new key: all tokens that come with it together are taken", async () => {
    const brand = brandWith(serves(first));
    expect(await brand.verdict(await brand.token(first))).toBe("verified");
    brand.state.answer = async () => {
      await scheduler.wait(100);
      return serves(first, second)();
    };
    later(31_000);
    const token = await brand.token(second);
    const verdicts = await many(20, () => brand.verdict(token));
    expect(new Set(verdicts)).toEqual(new Set(["verified"]));
    expect(brand.state.asked).toBe(2);
    expect(await brand.verdict(await brand.token(first))).toBe("verified");
  });

  it("is asked at most once in 30 s, whatever keys tokens name", async () => {
    const brand = brandWith(async () => {
      await scheduler.wait(50);
      return serves(first)();
    });
    const good = await brand.token(first);
    expect(await brand.verdict(good)).toBe("verified");
    for (const round of [1, 2, 3]) {
      later(30_001);
      const strange = await many(50, (n) => brand.token(second, `${round}-${n}`));
      const together = await many(50, (n) => brand.verdict(strange[n] ?? ""));
      expect(new Set(together)).toEqual(new Set(["unknown-key"]));
      later(29_000);
      for (const token of strange) expect(await brand.verdict(token)).toBe("unknown-key");
      expect(brand.state.asked).toBe(1 + round);
      expect(await brand.verdict(good)).toBe("verified");
    }
  });

  it("that is down is asked as seldom, and then nobody says that a token is wrong", async () => {
    const brand = brandWith(serves(first));
    const good = await brand.token(first);
    expect(await brand.verdict(good)).toBe("verified");
    brand.state.answer = down;
    later(31_000);
    const strange = await many(50, (n) => brand.token(second, `x-${n}`));
    const verdicts = await many(50, (n) => brand.verdict(strange[n] ?? ""));
    for (const token of strange) verdicts.push(await brand.verdict(token));
    expect(new Set(verdicts)).toEqual(new Set(["unverifiable"]));
    expect(brand.state.asked).toBe(2);
    expect(await brand.verdict(good)).toBe("verified");
  });

  it("whose keys nobody has had yet makes tokens unverifiable while it is down", async () => {
    const brand = brandWith(down, env.DIRECTORY);
    const verdicts = await many(20, async () => brand.verdict(await brand.token(first)));
    expect(new Set(verdicts)).toEqual(new Set(["unverifiable"]));
    brand.state.answer = serves(first);
    later(29_000);
    expect(await brand.verdict(await brand.token(first))).toBe("unverifiable");
    expect(brand.state.asked).toBe(1);
    later(1_001);
    expect(await brand.verdict(await brand.token(first))).toBe("verified");
    expect(brand.state.asked).toBe(2);
  });

  it("may be down for a day once its keys are known, and no longer", async () => {
    const brand = brandWith(serves(first));
    expect(await brand.verdict(await brand.token(first))).toBe("verified");
    brand.state.answer = down;
    for (const wait of [6 * MINUTE, 5 * MINUTE, HOUR, 11 * HOUR, 11 * HOUR + 30 * MINUTE]) {
      later(wait);
      expect(await brand.verdict(await brand.token(first))).toBe("verified");
      await brand.settled();
    }
    later(HOUR);
    expect(await brand.verdict(await brand.token(first))).toBe("unverifiable");
    brand.state.answer = serves(first);
    later(MINUTE);
    expect(await brand.verdict(await brand.token(first))).toBe("verified");
  });

  it("is asked behind an answer before the keys are old, and a withdrawn key is then no good", async () => {
    const brand = brandWith(serves(first, second));
    expect(await brand.verdict(await brand.token(first))).toBe("verified");
    brand.state.answer = serves(second);
    later(4 * MINUTE);
    expect(await brand.verdict(await brand.token(first))).toBe("verified");
    await brand.settled();
    expect(brand.state.asked).toBe(1);
    later(2 * MINUTE);
    expect(await brand.verdict(await brand.token(first))).toBe("verified");
    await brand.settled();
    expect(brand.state.asked).toBe(2);
    expect(await brand.verdict(await brand.token(first))).toBe("unknown-key");
    expect(await brand.verdict(await brand.token(second))).toBe("verified");
  });

  it("need not be asked by an isolate that finds its keys in KV, though it is down", async () => {
    const brand = brandWith(serves(first), env.DIRECTORY);
    const token = await brand.token(first);
    expect(await brand.verdict(token)).toBe("verified");
    await brand.settled();
    brand.state.answer = down;
    vi.resetModules();
    const other = await import("../../src/identity/user-token.ts");
    expect(other.verifyUserToken).not.toBe(verifyUserToken);
    expect(await brand.verdict(token, other.verifyUserToken)).toBe("verified");
    expect(brand.state.asked).toBe(1);
    const { keys } = await env.DIRECTORY.list({ prefix: `jwks:${brand.brandId}/` });
    expect(keys.map(({ name }) => name)).toEqual([expect.stringMatching(/\/[0-9a-f]{64}$/)]);
  });

  it("of two brands is asked for each", async () => {
    const [ours, theirs] = [brandWith(serves(first)), brandWith(serves(second))];
    expect(await ours.verdict(await ours.token(first))).toBe("verified");
    expect(await theirs.verdict(await theirs.token(first))).toBe("unknown-key");
    expect(await theirs.verdict(await theirs.token(second))).toBe("verified");
    // A token of one is none of the other, though the key is known to both.
    theirs.state.answer = serves(first, second);
    later(31_000);
    expect(await theirs.verdict(await ours.token(first))).toBe("issuer");
  });

  it("has each key imported once, not for every token", async () => {
    const brand = brandWith(serves(first));
    const token = await brand.token(first);
    const imports = vi.spyOn(crypto.subtle, "importKey");
    for (let n = 0; n < 20; n++) expect(await brand.verdict(token)).toBe("verified");
    expect(imports).toHaveBeenCalledTimes(1);
  });

  it("may leave out the names of its keys where one alone fits", async () => {
    const [ec, rsa, other] = await Promise.all(
      ["ES256", "RS256", "ES256"].map((alg) => newKeyPair(alg)),
    );
    const brand = brandWith(serves(ec, rsa));
    expect(await brand.verdict(await brand.token(ec))).toBe("verified");
    expect(await brand.verdict(await brand.token(rsa))).toBe("verified");
    expect(await brand.verdict(await brand.token(other))).toBe("signature");
    expect(await brand.verdict(await brand.token(ec, "k-1"))).toBe("unknown-key");
    const unclear = brandWith(serves(ec, other));
    expect(await unclear.verdict(await unclear.token(ec))).toBe("unknown-key");
    expect(unclear.state.asked).toBe(1);
  });
});

/** An answer of which it is known how much was read, and whether the rest was let go. */
function counted(chunk: Uint8Array, { gapMs = 0, chunks = Infinity } = {}) {
  const read = { bytes: 0, wasCancelled: false };
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (gapMs > 0) await scheduler.wait(gapMs);
        read.bytes += chunk.byteLength;
        controller.enqueue(chunk);
        if (read.bytes >= chunks * chunk.byteLength) controller.close();
      },
      cancel() {
        read.wasCancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { read, response: new Response(body) };
}

describe("an answer of an issuer", () => {
  it.each([
    [
      "that leads elsewhere",
      () => new Response(null, { status: 302, headers: { Location: "https://10.0.0.1/keys" } }),
    ],
    ["of another status", () => Response.json(keysOf(first), { status: 203 })],
    ["that is an error", () => Response.json(keysOf(first), { status: 500 })],
    ["that is not there", () => new Response(null, { status: 404 })],
    ["that is a page", () => new Response("<!doctype html><title>Sign in</title>")],
    ["that is empty", () => new Response("")],
    ["that is no UTF-8", () => new Response(new Uint8Array([0x7b, 0xff, 0x7d]))],
    ["that is null", () => Response.json(null)],
    ["that is a list", () => Response.json([first?.jwk])],
    ["without keys", () => Response.json({})],
    ["whose keys are no list", () => Response.json({ keys: { 0: first?.jwk, length: 1 } })],
    [
      "with a thousand keys",
      () => Response.json({ keys: Array.from({ length: 1_000 }, () => ({ kty: "EC" })) }),
    ],
    [
      "with a good key in 66 KB",
      () => Response.json({ ...keysOf(first), note: "x".repeat(66_000) }),
    ],
    ["that is nested without end", () => new Response("[".repeat(60_000))],
  ])("%s is as good as none", async (_, answer) => {
    const brand = brandWith(answer);
    expect(await brand.verdict(await brand.token(first))).toBe("unverifiable");
    // What was known stays in use.
    brand.state.answer = serves(first);
    later(31_000);
    expect(await brand.verdict(await brand.token(first))).toBe("verified");
    brand.state.answer = answer;
    later(11 * MINUTE);
    expect(await brand.verdict(await brand.token(first))).toBe("verified");
    expect(brand.state.asked).toBe(3);
  });

  it("is not followed where it redirects, and no copy on the way is asked for", async () => {
    const brand = brandWith(serves(first));
    await brand.verdict(await brand.token(first));
    expect(vi.mocked(fetch).mock.lastCall?.[1]).toMatchObject({
      redirect: "manual",
      cache: "no-store",
    });
  });

  it.each([
    ["has 10 MB", counted(new Uint8Array(16_384).fill(0x20), { chunks: 640 })],
    ["never ends", counted(new Uint8Array(16_384).fill(0x20))],
  ])("that %s is read to 64 KB and then let go", async (_, { read, response }) => {
    const brand = brandWith(() => response);
    expect(await brand.verdict(await brand.token(first))).toBe("unverifiable");
    expect(read).toEqual({ bytes: 5 * 16_384, wasCancelled: true });
  });

  it("is waited for 5 s, by whoever comes meanwhile too, and is then given up", async () => {
    const drip = counted(new Uint8Array(1), { gapMs: 500 });
    const signals: (AbortSignal | null | undefined)[] = [];
    const slow = [
      brandWith(() => new Promise<Response>(() => undefined)),
      brandWith(() => drip.response),
      brandWith(() => new Response(new ReadableStream())),
    ];
    const spied = vi.mocked(fetch).getMockImplementation();
    vi.mocked(fetch).mockImplementation(async (url, init) => {
      signals.push(init?.signal);
      return (await spied?.(url, init)) ?? Response.error();
    });
    const from = performance.now();
    const verdicts = await Promise.all(
      slow.flatMap((brand) => [0, 1, 2].map(async () => brand.verdict(await brand.token(first)))),
    );
    const took = performance.now() - from;
    expect(new Set(verdicts)).toEqual(new Set(["unverifiable"]));
    expect(took).toBeGreaterThan(4_500);
    expect(took).toBeLessThan(8_000);
    expect(slow.map(({ state }) => state.asked)).toEqual([1, 1, 1]);
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, true, true]);
  });

  it("gives only keys that are public, strong and for signatures", async () => {
    const rsa = await newKeyPair("RS256", { kid: "k-1" });
    const weak = await newKeyPair("RS256", { kid: "weak" }).then(async (pair) => ({
      ...pair,
      ...(await weakPair()),
    }));
    const secret = { kty: "oct", k: "c2VjcmV0", kid: "oct", alg: "HS256" };
    const brand = brandWith(() =>
      Response.json({
        keys: [
          secret,
          weak.jwk,
          { ...rsa.jwk, kid: "private", d: "AQAB" },
          { ...rsa.jwk, kid: "sealing", use: "enc" },
          { ...rsa.jwk, kid: "wrapping", key_ops: ["wrapKey"] },
          { ...rsa.jwk, kid: "for HS256", alg: "HS256" },
          { ...rsa.jwk, kid: 7 },
          { ...rsa.jwk, kid: "no number", n: "?" },
          null,
          "key",
          [],
          rsa.jwk,
        ],
      }),
    );
    expect(await brand.verdict(await brand.token(rsa))).toBe("verified");
    for (const kid of ["private", "sealing", "wrapping", "for HS256", "no number"]) {
      expect([kid, await brand.verdict(await brand.token(rsa, kid))]).toEqual([kid, "unknown-key"]);
    }
    const byWeak = await handMade(
      { alg: "RS256", kid: "weak" },
      brand.issuer.claims(),
      byRsa(weak),
    );
    expect(await brand.verdict(byWeak)).toBe("unknown-key");
  });

  it("with a key that is none refuses its tokens, and no others", async () => {
    const brand = brandWith(() =>
      Response.json({ keys: [{ ...second?.jwk, x: first?.jwk["x"] }, first?.jwk] }),
    );
    expect(await brand.verdict(await brand.token(second))).toBe("signature");
    expect(await brand.verdict(await brand.token(first))).toBe("verified");
  });
});

/** RSA of 1,024 bits, which jose does not make. */
async function weakPair(): Promise<Pick<KeyPair, "privateKey" | "jwk">> {
  const publicExponent = new Uint8Array([1, 0, 1]);
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const { privateKey, publicKey } = (await crypto.subtle.generateKey(
    { ...algorithm, modulusLength: 1_024, publicExponent },
    true,
    ["sign", "verify"],
  )) as CryptoKeyPair;
  const { n, e } = (await crypto.subtle.exportKey("jwk", publicKey)) as JsonWebKey;
  return { privateKey, jwk: { kty: "RSA", n, e, kid: "weak" } };
}

it("an issuer is asked as anybody may ask it, also on a host of our own zone", () => {
  expect(Cloudflare.compatibilityFlags["global_fetch_strictly_public"]).toBe(true);
});
