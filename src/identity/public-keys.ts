/** Which keys of an issuer's JSON Web Key Set are taken, and which of them a token is held to. */

/** A key as RFC 7517 writes it, with the members that verifying needs and no other. */
export interface PublicKey {
  kty: string;
  kid?: string;
  alg?: string;
  crv?: string;
  n?: string;
  e?: string;
  x?: string;
  y?: string;
}

/** What a key must be for an algorithm. All are asymmetric: a public key is never a secret. */
const KINDS: Record<string, { kty: string; crv?: string }> = {
  RS256: { kty: "RSA" },
  RS384: { kty: "RSA" },
  RS512: { kty: "RSA" },
  PS256: { kty: "RSA" },
  PS384: { kty: "RSA" },
  PS512: { kty: "RSA" },
  ES256: { kty: "EC", crv: "P-256" },
  ES384: { kty: "EC", crv: "P-384" },
  ES512: { kty: "EC", crv: "P-521" },
  // Two names of one: RFC 8037, and RFC 9864 that says which curve.
  EdDSA: { kty: "OKP", crv: "Ed25519" },
  Ed25519: { kty: "OKP", crv: "Ed25519" },
};

export const ASYMMETRIC_ALGORITHMS = Object.keys(KINDS);

/** Changes with what is kept of a key, so that copies of another release are not used. */
export const PUBLIC_KEY_MEMBERS = "kty,kid,alg,crv,n,e,x,y";

/** An issuer that serves many tenants has a dozen; each is looked at for each token. */
const KEYS_MAX = 100;
/** RFC 7518, §3.3. */
const RSA_BITS_MIN = 2_048;
/** Verifying takes time with the square of it; nobody uses more. */
const RSA_BITS_MAX = 8_192;

/** Members of keys that must not be public. One that was published is anybody's by now. */
const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

function bitsOf(base64url: string): number {
  let bytes;
  try {
    bytes = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return 0;
  }
  // Some issuers write a zero before the number.
  const at = /[^\0]/.exec(bytes)?.index ?? bytes.length;
  return at === bytes.length ? 0 : (bytes.length - at) * 8 - Math.clz32(bytes.charCodeAt(at)) + 24;
}

/** The key's own material, or null when it is none that can be used. */
function materialOf(jwk: Record<string, unknown>): Omit<PublicKey, "kid" | "alg"> | null {
  const { kty, crv, n, e, x, y } = jwk;
  if (kty === "RSA" && typeof n === "string" && typeof e === "string") {
    const bits = bitsOf(n);
    return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX ? { kty, n, e } : null;
  }
  if (typeof crv !== "string" || typeof x !== "string") return null;
  if (kty === "EC" && typeof y === "string") return { kty, crv, x, y };
  return kty === "OKP" ? { kty, crv, x } : null;
}

function fits(key: PublicKey, alg: string): boolean {
  const kind = Object.hasOwn(KINDS, alg) ? KINDS[alg] : undefined;
  return (
    kind !== undefined &&
    kind.kty === key.kty &&
    kind.crv === key.crv &&
    (key.alg === undefined || key.alg === alg)
  );
}

function publicKey(jwk: unknown): PublicKey | null {
  if (typeof jwk !== "object" || jwk === null) return null;
  const members = jwk as Record<string, unknown>;
  const { kid, alg, use, key_ops: uses } = members;
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(members, name))) return null;
  if (use !== undefined && use !== "sig") return null;
  if (uses !== undefined && !(Array.isArray(uses) && uses.includes("verify"))) return null;
  if (kid !== undefined && typeof kid !== "string") return null;
  if (alg !== undefined && typeof alg !== "string") return null;
  const material = materialOf(members);
  if (material === null) return null;
  const key = {
    ...material,
    ...(kid === undefined ? {} : { kid }),
    ...(alg === undefined ? {} : { alg }),
  };
  if (!ASYMMETRIC_ALGORITHMS.some((one) => fits(key, one))) return null;
  // Whichever of its two names the key has, tokens may have the other.
  if (key.kty === "OKP") delete key.alg;
  return key;
}

/** The keys that can be used, or null when this is no key set, or too large a one. */
export function publicKeysIn(json: unknown): PublicKey[] | null {
  if (typeof json !== "object" || json === null || !("keys" in json)) return null;
  const { keys } = json;
  if (!Array.isArray(keys) || keys.length > KEYS_MAX) return null;
  return keys.map(publicKey).filter((key) => key !== null);
}

/** The keys that a token with this head may be signed by; more than one is as good as none. */
export function keysFor(
  keys: readonly PublicKey[],
  { alg, kid }: { alg: string; kid: string | undefined },
): PublicKey[] {
  return keys.filter((key) => fits(key, alg) && (kid === undefined || key.kid === kid));
}
