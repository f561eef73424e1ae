import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ASYMMETRIC_ALGORITHMS, keysFor, publicKeysIn } from "../../src/identity/public-keys.ts";

const jwkOf = (key: KeyObject): Record<string, unknown> => ({ ...key.export({ format: "jwk" }) });
const rsa = jwkOf(generateKeyPairSync("rsa", { modulusLength: 2_048 }).publicKey);
const p256 = jwkOf(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey);
const p384 = jwkOf(generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey);
const edwards = jwkOf(generateKeyPairSync("ed25519").publicKey);

const taken = (...keys: unknown[]) => publicKeysIn({ keys });

/** A modulus of so many bits, with some zero bytes before it. */
function modulus(bits: number, zeros = 0): string {
  const bytes = Buffer.alloc(Math.ceil(bits / 8), 0xff);
  bytes[0] = 0xff >> ((8 - (bits % 8)) % 8);
  return Buffer.concat([Buffer.alloc(zeros), bytes]).toString("base64url");
}

describe("a key set", () => {
  it.each([null, 1, "x", [], [rsa], {}, { keys: null }, { keys: {} }, { Keys: [rsa] }])(
    "is not %j",
    (json) => {
      expect(publicKeysIn(json)).toBeNull();
    },
  );

  it("has at most 100 keys, and may have none", () => {
    expect(publicKeysIn({ keys: [] })).toEqual([]);
    expect(taken(...Array.from({ length: 100 }, () => p256))).toHaveLength(100);
    expect(taken(...Array.from({ length: 101 }, () => p256))).toBeNull();
  });

  it("gives of a key what verifying needs, and nothing else", () => {
    const more = { x5c: ["MIIB"], x5t: "x", use: "sig", key_ops: ["verify"], note: "x" };
    expect(taken({ ...p256, ...more, kid: "k", alg: "ES256" })).toEqual([
      { ...p256, kid: "k", alg: "ES256" },
    ]);
    expect(taken({ ...rsa, ...more })).toEqual([rsa]);
    // Its algorithm has two names.
    expect(taken({ ...edwards, alg: "EdDSA" })).toEqual([edwards]);
  });

  it.each([
    ["a shared secret", { kty: "oct", k: "c2VjcmV0", alg: "HS256" }],
    ["a private RSA key", { ...rsa, d: "AQAB" }],
    ["a private EC key", { ...p256, d: "AQAB" }],
    ["a private Edwards key", { ...edwards, d: "AQAB" }],
    ["a prime of an RSA key", { ...rsa, p: "AQAB" }],
    ["a key for sealing", { ...rsa, use: "enc" }],
    ["a key for signing only", { ...rsa, key_ops: ["sign"] }],
    ["a key whose uses are no list", { ...rsa, key_ops: "verify" }],
    ["a key for HS256", { ...rsa, alg: "HS256" }],
    ["a key for no algorithm", { ...rsa, alg: "none" }],
    ["a key for sealing by its algorithm", { ...rsa, alg: "RSA-OAEP" }],
    ["a key for another kind's algorithm", { ...rsa, alg: "ES256" }],
    ["a key for another curve's algorithm", { ...p256, alg: "ES384" }],
    ["a key whose algorithm is every object's", { ...rsa, alg: "constructor" }],
    ["a key whose name is a number", { ...rsa, kid: 1 }],
    ["an unknown curve", { ...p256, crv: "secp256k1" }],
    ["an Edwards key for agreement", { ...edwards, crv: "X25519" }],
    ["a point without y", { ...p256, y: undefined }],
    ["a modulus that is no text", { ...rsa, n: 5 }],
    ["a modulus that is no number", { ...rsa, n: "§" }],
    ["a modulus of nothing", { ...rsa, n: "" }],
    ["a modulus of zeros", { ...rsa, n: "A".repeat(344) }],
    ["a modulus of 2,047 bits", { ...rsa, n: modulus(2_047) }],
    ["a modulus of 1,024 bits behind zeros", { ...rsa, n: modulus(1_024, 256) }],
    ["a modulus of 8,193 bits", { ...rsa, n: modulus(8_193) }],
    ["nothing", null],
    ["a text", "key"],
    ["a list", [rsa]],
  ])("gives no key for %s", (_, jwk) => {
    expect(taken(jwk, edwards)).toEqual([edwards]);
  });

  it.each([modulus(2_048), modulus(2_048, 1), modulus(3_072), modulus(8_192)])(
    "takes a modulus from 2,048 to 8,192 bits",
    (n) => {
      expect(taken({ ...rsa, n })).toEqual([{ ...rsa, n }]);
    },
  );
});

describe("the keys for a token", () => {
  const keys = [{ ...rsa, kid: "r" }, { ...p256, kid: "e" }, { ...p384, kid: "e" }, edwards];
  const known = publicKeysIn({ keys }) ?? [];
  const found = (alg: string, kid?: string) => keysFor(known, { alg, kid }).map(({ crv }) => crv);

  it("fit its algorithm by kind and curve, and have its name", () => {
    expect(ASYMMETRIC_ALGORITHMS.map((alg) => [alg, found(alg).length])).toEqual(
      ASYMMETRIC_ALGORITHMS.map((alg) => [alg, alg === "ES512" ? 0 : 1]),
    );
    expect([found("ES256", "e"), found("ES384", "e")]).toEqual([["P-256"], ["P-384"]]);
    expect([found("ES256", "r"), found("RS256", "e"), found("EdDSA", "x")]).toEqual([[], [], []]);
    // A key without a name is not the one that a token names.
    expect([found("EdDSA"), found("EdDSA", "e")]).toEqual([["Ed25519"], []]);
  });

  it("are none for an algorithm that is no asymmetric one", () => {
    for (const alg of ["none", "HS256", "HS512", "", "constructor", "__proto__", "rs256"]) {
      expect([alg, found(alg)]).toEqual([alg, []]);
    }
  });

  it("are several where several fit, and only one where the algorithm is said", () => {
    const two = publicKeysIn({ keys: [rsa, { ...rsa, alg: "PS256" }] }) ?? [];
    expect(keysFor(two, { alg: "PS256", kid: undefined })).toHaveLength(2);
    expect(keysFor(two, { alg: "RS256", kid: undefined })).toEqual([rsa]);
  });
});
