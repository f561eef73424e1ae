/** User tokens: which are taken, and for what the others are refused. */

import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Near } from "../../src/directory/copies.ts";
import type { Identity } from "../../src/domain/identity.ts";
import { verifyUserToken } from "../../src/identity/user-token.ts";
import {
  base64url,
  byHmac,
  byRsa,
  handMade,
  Issuer,
  newKeyPair,
  seconds,
  type KeyPair,
  type Members,
} from "../support/issuer.ts";

const near: Near = { kv: env.DIRECTORY, db: env.DB, waitUntil: () => undefined };
const issuer = new Issuer();
const SECRET = base64url(crypto.getRandomValues(new Uint8Array(32)));

let ours: KeyPair;
let theirs: KeyPair;

beforeAll(async () => {
  ours = await newKeyPair("RS256", { kid: "k-1" });
  theirs = await newKeyPair("RS256", { kid: "k-1" });
});

const asked: string[] = [];

beforeEach(() => {
  asked.length = 0;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (url) => {
    asked.push(typeof url === "string" ? url : "");
    return Response.json({ keys: [ours.jwk] });
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

const { issuer: iss, audience, jwksUrl } = issuer;
const issued: Identity = { issuer: iss, audience, jwksUrl };
const shared: Identity = { issuer: iss, audience, algorithm: "HS256", secret: SECRET };

/** The verdict in a word: "verified", "unverifiable", or why it is refused. */
async function verdictOn(identity: Identity, token: string): Promise<string> {
  const verdict = await verifyUserToken(near, { brandId: "brd_1", identity }, token);
  return verdict.kind === "refused" ? verdict.reason : verdict.kind;
}

/** Tokens that either kind of identity's signer may make. */
interface Signer {
  sign: (claims: Members | string, head?: Members | string) => Promise<string>;
}
const rsa: Signer = {
  sign: (claims, head = {}) =>
    handMade(
      typeof head === "string" ? head : { alg: "RS256", kid: "k-1", ...head },
      claims,
      byRsa(ours),
    ),
};
const hmac: Signer = {
  sign: (claims, head = {}) =>
    handMade(typeof head === "string" ? head : { alg: "HS256", ...head }, claims, byHmac(SECRET)),
};

const claims = (change: Members = {}) => issuer.claims(change);
const without = (...names: string[]) =>
  Object.fromEntries(Object.entries(claims()).filter(([name]) => !names.includes(name)));

/** A token with one part replaced, after it was signed. */
async function altered(token: Promise<string>, part: 0 | 1 | 2, text: string): Promise<string> {
  return (await token).split(".").with(part, text).join(".");
}

interface Case {
  name: string;
  make: (signer: Signer) => Promise<string>;
  verdict: string;
  /** Where a shared secret makes it another. */
  shared?: string;
}

/** The tokens by which libraries were compared before one was chosen, and their verdicts. */
const NINETEEN: Case[] = [
  { name: "a good one", make: ({ sign }) => sign(claims()), verdict: "verified" },
  {
    name: "one of alg none",
    make: ({ sign }) => altered(sign(claims(), { alg: "none" }), 2, ""),
    verdict: "algorithm",
  },
  {
    name: "one by HS256 with the public key for a secret",
    make: () => handMade({ alg: "HS256", kid: "k-1" }, claims(), byHmac(JSON.stringify(ours.jwk))),
    verdict: "algorithm",
    shared: "signature",
  },
  {
    name: "one whose claims were changed",
    make: ({ sign }) =>
      altered(sign(claims()), 1, base64url(JSON.stringify(claims({ sub: "u-2" })))),
    verdict: "signature",
  },
  {
    name: "one for another audience",
    make: ({ sign }) => sign(claims({ aud: "another" })),
    verdict: "audience",
  },
  { name: "one for nobody", make: ({ sign }) => sign(without("aud")), verdict: "audience" },
  {
    name: "one of another issuer",
    make: ({ sign }) => sign(claims({ iss: "https://evil.example/" })),
    verdict: "issuer",
  },
  {
    name: "one of a key that is not known",
    make: ({ sign }) => sign(claims(), { kid: "k-2" }),
    verdict: "unknown-key",
    // There is but one secret, so its name says nothing.
    shared: "verified",
  },
  {
    name: "one with an extension that must be understood",
    make: ({ sign }) => sign(claims(), { crit: ["exp"], exp: seconds() + 300 }),
    verdict: "malformed",
  },
  {
    name: "one that begins in 5 minutes",
    make: ({ sign }) => sign(claims({ nbf: seconds() + 300 })),
    verdict: "not-yet",
  },
  {
    name: "one whose exp is a text",
    make: ({ sign }) => sign(claims({ exp: String(seconds() + 300) })),
    verdict: "claims",
  },
  { name: "one without exp", make: ({ sign }) => sign(without("exp")), verdict: "claims" },
  { name: "one without sub", make: ({ sign }) => sign(without("sub")), verdict: "claims" },
  {
    name: "one that expired 10 s ago, by our clock",
    make: ({ sign }) => sign(claims({ iat: seconds() - 310, exp: seconds() - 10 })),
    verdict: "verified",
  },
  {
    name: "one made in 10 s, by our clock",
    make: ({ sign }) => sign(claims({ iat: seconds() + 10 })),
    verdict: "verified",
  },
  {
    name: "one that says its key is elsewhere, and is by ours",
    make: ({ sign }) => sign(claims(), { jku: "https://evil.example/keys" }),
    verdict: "verified",
  },
  {
    name: "one that expired 5 minutes ago",
    make: ({ sign }) => sign(claims({ iat: seconds() - 600, exp: seconds() - 300 })),
    verdict: "expired",
  },
  {
    name: "one made in 5 minutes",
    make: ({ sign }) => sign(claims({ iat: seconds() + 300, exp: seconds() + 600 })),
    verdict: "not-yet",
  },
  { name: "one without iat", make: ({ sign }) => sign(without("iat")), verdict: "claims" },
];

const DAY = 86_400;

const MORE: Case[] = [
  {
    name: "one that expired 29 s ago",
    make: ({ sign }) => sign(claims({ exp: seconds() - 29 })),
    verdict: "verified",
  },
  {
    name: "one that expired 31 s ago",
    make: ({ sign }) => sign(claims({ exp: seconds() - 31 })),
    verdict: "expired",
  },
  {
    name: "one that begins in 10 s",
    make: ({ sign }) => sign(claims({ nbf: seconds() + 10 })),
    verdict: "verified",
  },
  {
    name: "one of a day that is just ending",
    make: ({ sign }) => sign(claims({ iat: seconds() - DAY, exp: seconds() })),
    verdict: "verified",
  },
  {
    name: "one of yesterday that says it is good for years",
    make: ({ sign }) => sign(claims({ iat: seconds() - DAY - 60, exp: seconds() + 999 * DAY })),
    verdict: "expired",
  },
  {
    name: "one whose iat is a text",
    make: ({ sign }) => sign(claims({ iat: String(seconds()) })),
    verdict: "claims",
  },
  {
    name: "one whose times are no numbers that end",
    make: ({ sign }) => sign(JSON.stringify(claims({ iat: "IAT" })).replace('"IAT"', "-1e400")),
    verdict: "expired",
  },
  {
    name: "one whose exp is null",
    make: ({ sign }) => sign(claims({ exp: null })),
    verdict: "claims",
  },
  {
    name: "one of several audiences",
    make: ({ sign }) => sign(claims({ aud: ["other", "codedrop"] })),
    verdict: "verified",
  },
  {
    name: "one of other audiences",
    make: ({ sign }) => sign(claims({ aud: ["other", "codedrop "] })),
    verdict: "audience",
  },
  {
    name: "one of an audience that only begins alike",
    make: ({ sign }) => sign(claims({ aud: "codedrop2" })),
    verdict: "audience",
  },
  {
    name: "one of several issuers",
    make: ({ sign }) => sign(claims({ iss: [iss] })),
    verdict: "issuer",
  },
  { name: "one without an issuer", make: ({ sign }) => sign(without("iss")), verdict: "issuer" },
  {
    name: "one by somebody else's key of the same name",
    make: () => handMade({ alg: "RS256", kid: "k-1" }, claims(), byRsa(theirs)),
    verdict: "signature",
    shared: "algorithm",
  },
  {
    name: "one that brings somebody else's key along",
    make: () =>
      handMade(
        {
          alg: "RS256",
          kid: "k-1",
          jwk: theirs.jwk,
          jku: "https://evil.example/keys",
          x5u: "https://evil.example/certificate",
          x5c: ["MIIB"],
        },
        claims(),
        byRsa(theirs),
      ),
    verdict: "signature",
    shared: "algorithm",
  },
  {
    name: "one by HS256 with nothing for a secret",
    make: () => handMade({ alg: "HS256", kid: "k-1" }, claims(), byHmac("\0")),
    verdict: "algorithm",
    shared: "signature",
  },
  {
    name: "one by HS256 with what the secret decodes to",
    make: () =>
      handMade(
        { alg: "HS256" },
        claims(),
        byHmac(Uint8Array.fromBase64(SECRET, { alphabet: "base64url" })),
      ),
    verdict: "algorithm",
    shared: "signature",
  },
  {
    name: "one by HS512 with the secret",
    make: () => handMade({ alg: "HS512" }, claims(), byHmac(SECRET, "SHA-512")),
    verdict: "algorithm",
  },
  ...["None", "NONE", "nOnE", "", "rs256", "HS256 ", "constructor", "__proto__"].map((alg) => ({
    name: `one of alg "${alg}"`,
    make: ({ sign }: Signer) => altered(sign(claims(), { alg }), 2, ""),
    verdict: alg === "" ? "malformed" : "algorithm",
  })),
  {
    name: "one without alg",
    make: ({ sign }) => sign(claims(), '{"kid":"k-1"}'),
    verdict: "malformed",
  },
  {
    name: "one whose alg is a list",
    make: ({ sign }) => sign(claims(), { alg: ["RS256"] }),
    verdict: "malformed",
  },
  {
    name: "one whose kid is a number",
    make: ({ sign }) => sign(claims(), { kid: 1 }),
    verdict: "malformed",
    shared: "verified",
  },
  {
    name: "one whose payload is not encoded",
    make: ({ sign }) => sign(claims(), { b64: false, crit: ["b64"] }),
    verdict: "malformed",
  },
  {
    name: "one with an empty list of extensions",
    make: ({ sign }) => sign(claims(), { crit: [] }),
    verdict: "malformed",
  },
  ...["JWT", "jwt", "at+jwt", "application/at+jwt", "AT+JWT"].map((typ) => ({
    name: `one of typ "${typ}"`,
    make: ({ sign }: Signer) => sign(claims(), { typ }),
    verdict: "verified",
  })),
  ...["logout+jwt", "dpop+jwt", "JWE", "text/jwt", "", 7, null].map((typ) => ({
    name: `one of typ ${JSON.stringify(typ)}`,
    make: ({ sign }: Signer) => sign(claims(), { typ }),
    verdict: "type",
  })),
  ...[
    "",
    ".",
    "..",
    " u-1",
    "u-1\n",
    "a\u0000b",
    "\ud800",
    "x".repeat(256),
    7,
    null,
    ["u-1"],
    { toString: "u-1" },
  ].map((sub) => ({
    name: `one of the user ${JSON.stringify(sub).slice(0, 30)}`,
    make: ({ sign }: Signer) => sign(claims({ sub })),
    verdict: "user-id",
  })),
  {
    name: "one that is not signed",
    make: ({ sign }) => altered(sign(claims()), 2, ""),
    verdict: "signature",
  },
  {
    name: "one whose signature is another token's",
    make: async ({ sign }) =>
      altered(sign(claims()), 2, (await sign(claims({ sub: "u-2" }))).split(".")[2] ?? ""),
    verdict: "signature",
  },
  {
    name: "one of five parts",
    make: async ({ sign }) => `${await sign(claims())}.x.y`,
    verdict: "malformed",
  },
  {
    name: "one of two parts",
    make: async ({ sign }) => (await sign(claims())).split(".").slice(0, 2).join("."),
    verdict: "malformed",
  },
  {
    name: "one whose claims are a list",
    make: ({ sign }) => sign("[1]"),
    verdict: "malformed",
  },
  { name: "one whose claims are no JSON", make: ({ sign }) => sign("{"), verdict: "malformed" },
  {
    name: "one whose head is no JSON",
    make: ({ sign }) => sign(claims(), "RS256"),
    verdict: "malformed",
  },
  ...[
    [" ", ""],
    ["", " "],
    ["", "\n"],
    ["", "=="],
    ["Bearer ", ""],
  ].map(([before, after]) => ({
    name: `one between ${JSON.stringify([before, after])}`,
    make: async ({ sign }: Signer) => `${before}${await sign(claims())}${after}`,
    verdict: "malformed",
  })),
  ...["", ".", "..", "...", "a.b.c", "\u0000", "💥.💥.💥", "x".repeat(8_192)].map((token) => ({
    name: `the text ${JSON.stringify(token).slice(0, 20)}`,
    make: () => Promise.resolve(token),
    verdict: "malformed",
  })),
  {
    name: "one of 8,192 characters",
    make: ({ sign }) => ofLength(sign, 8_192),
    verdict: "verified",
  },
  {
    name: "one of 8,193 characters",
    make: ({ sign }) => ofLength(sign, 8_193),
    verdict: "malformed",
  },
];

/** A good token of an exact length: base64url does not give every one, so the head gives way. */
async function ofLength(sign: Signer["sign"], length: number): Promise<string> {
  for (const note of ["", "x", "xx"]) {
    const bare = (await sign(claims({ pad: "" }), { note })).length;
    const around = Math.floor(((length - bare) * 3) / 4);
    for (const pad of [around - 2, around - 1, around, around + 1, around + 2]) {
      const token = await sign(claims({ pad: "x".repeat(pad) }), { note });
      if (token.length === length) return token;
    }
  }
  throw new Error(`No token of ${length} characters.`);
}

describe("a token by an issuer's key", () => {
  it.each([...NINETEEN, ...MORE])("that is $name is judged $verdict", async ({ make, verdict }) => {
    expect(await verdictOn(issued, await make(rsa))).toBe(verdict);
    expect(asked.filter((url) => url !== jwksUrl)).toEqual([]);
  });

  it.each([
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
  ])("may be signed by %s", async (alg) => {
    const key = await newKeyPair(alg, { kid: "k" });
    const own = new Issuer();
    const identity = { issuer: own.issuer, audience, jwksUrl: own.jwksUrl };
    vi.mocked(fetch).mockImplementation(async () => Response.json({ keys: [key.jwk] }));
    expect(await verdictOn(identity, await own.token(key))).toBe("verified");
    const other = await newKeyPair(alg, { kid: "k" });
    expect(await verdictOn(identity, await own.token(other))).toBe("signature");
  });

  it("may have either of the two names that Ed25519 has, whichever the key says", async () => {
    for (const [said, used] of [
      ["EdDSA", "Ed25519"],
      ["Ed25519", "EdDSA"],
    ] as const) {
      const own = new Issuer();
      const key = await newKeyPair(used, { kid: "k" });
      const jwk = { ...key.jwk, alg: said };
      vi.mocked(fetch).mockImplementation(async () => Response.json({ keys: [jwk] }));
      const identity = { issuer: own.issuer, audience, jwksUrl: own.jwksUrl };
      expect(await verdictOn(identity, await own.token(key))).toBe("verified");
    }
  });

  it("is held to the algorithm that the key is for, and to its curve", async () => {
    const own = new Issuer();
    const identity = { issuer: own.issuer, audience, jwksUrl: own.jwksUrl };
    const pss = await newKeyPair("PS256", { kid: "pss" });
    const curve = await newKeyPair("ES384", { kid: "curve" });
    const keys = [{ ...pss.jwk, alg: "RS256" }, curve.jwk];
    vi.mocked(fetch).mockImplementation(async () => Response.json({ keys }));
    expect(await verdictOn(identity, await own.token(pss))).toBe("unknown-key");
    const onCurve = await newKeyPair("ES256", { kid: "curve" });
    expect(await verdictOn(identity, await own.token(onCurve))).toBe("unknown-key");
    expect(await verdictOn(identity, await own.token(curve))).toBe("verified");
  });
});

describe("a token by the shared secret", () => {
  it.each([...NINETEEN, ...MORE])("that is $name is judged", async (one) => {
    expect(await verdictOn(shared, await one.make(hmac))).toBe(one.shared ?? one.verdict);
    expect(asked).toEqual([]);
  });

  it("is no good after the secret was made anew", async () => {
    const token = await hmac.sign(claims());
    expect(await verdictOn(shared, token)).toBe("verified");
    expect(await verdictOn({ ...shared, secret: `${SECRET}x` }, token)).toBe("signature");
  });

  it("is no good where the issuer's key counts, nor the other way round", async () => {
    expect(await verdictOn(issued, await hmac.sign(claims(), { kid: "k-1" }))).toBe("algorithm");
    expect(await verdictOn(shared, await rsa.sign(claims()))).toBe("algorithm");
  });
});

describe("the user of a token", () => {
  const userOf = async (change: Members) => {
    const token = await hmac.sign(claims(change));
    const verdict = await verifyUserToken(near, { brandId: "brd_1", identity: shared }, token);
    return verdict.kind === "verified" ? verdict.user : verdict;
  };

  it("has the id of sub to the letter, and email and name where they are given", async () => {
    expect(await userOf({})).toEqual({ id: "u-1" });
    const whole = { sub: "auth0|Ann Ä 💥", email: "ann@shop.example", name: "Ann Lee" };
    const { sub, ...contact } = whole;
    expect(await userOf(whole)).toEqual({ id: sub, ...contact });
    expect(await userOf({ sub: "x".repeat(255) })).toEqual({ id: "x".repeat(255) });
  });

  it.each([
    ["email", "no address"],
    ["email", `${"x".repeat(250)}@shop.example`],
    ["email", ["ann@shop.example"]],
    ["email", null],
    ["email", ""],
    ["name", "x".repeat(201)],
    ["name", "Ann\nLee"],
    ["name", " Ann"],
    ["name", ""],
    ["name", 7],
    ["name", { first: "Ann" }],
  ])("is not refused for %s being %j: it is left out", async (field, value) => {
    expect(await userOf({ [field]: value, sub: "u-2" })).toEqual({ id: "u-2" });
  });

  it("has nothing else of the token", async () => {
    const user = await userOf({ id: "u-9", attributes: { admin: true }, email_verified: true });
    expect(user).toEqual({ id: "u-1" });
  });
});
