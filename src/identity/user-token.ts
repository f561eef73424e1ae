/**
 * User tokens: signed JWTs by which a brand's issuer says who a user is. May import directory/, db/
 * and domain/. Which keys and algorithms count is the brand's to say, never the token's: of its
 * head only `alg`, `kid` and `typ` are looked at, and `alg` must be one of those allowed.
 */

import { JOSEError, JWTClaimValidationFailed, JWTExpired } from "jose/errors";
import { jwtVerify } from "jose/jwt/verify";
import * as z from "zod";
import type { Near } from "../directory/copies.ts";
import type { Identity } from "../domain/identity.ts";
import { isLine } from "../domain/line.ts";
import { isUserId, USER_EMAIL_MAX, USER_NAME_MAX } from "../domain/user.ts";
import { findIssuerKey } from "./jwks.ts";
import { ASYMMETRIC_ALGORITHMS, type PublicKey } from "./public-keys.ts";
import { remember } from "./remember.ts";

/** Room for a hundred groups and roles; what servers take as a header is about twice as much. */
export const TOKEN_LENGTH_MAX = 8_192;
/** RFC 7515, §7.1. Decoders take blanks and padding too, and one token would have many texts. */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]*$/;
/** Seconds by which the issuer's clock and ours may differ. */
const CLOCK_TOLERANCE_SECONDS = 30;
/**
 * Seconds after which a token counts no more, whatever it says itself. The longest that the usual
 * providers give out live a day; one for longer is a password.
 */
const TOKEN_AGE_MAX_SECONDS = 86_400;
/** An ID token or any plain JWT says the first, RFC 9068's access tokens the second. */
const TYPES = new Set(["jwt", "at+jwt"]);
/** Shared secrets that one isolate has imported; what is not among them is imported again. */
const SECRETS_MAX = 500;

export interface TokenUser {
  id: string;
  email?: string;
  name?: string;
}

/** Why a token is no good. */
export type Refusal =
  /** No JWT, longer than anybody needs, or with extensions that are not known here. */
  | "malformed"
  | "algorithm"
  | "unknown-key"
  | "signature"
  | "type"
  | "issuer"
  | "audience"
  /** `exp`, `iat`, `nbf` or `sub` is missing or of another kind. */
  | "claims"
  /** Past its `exp`, or too long after its `iat`. */
  | "expired"
  /** Before its `nbf` or its `iat`. */
  | "not-yet"
  /** `sub` cannot be a user's id. */
  | "user-id";

export type Verdict =
  | { kind: "verified"; user: TokenUser }
  | { kind: "refused"; reason: Refusal }
  /** Nobody can say now: the issuer does not answer, and no copy has the key. */
  | { kind: "unverifiable" };

/** Ends the verification, from where the key is looked up. */
class NoKey extends Error {
  readonly verdict: Verdict;

  constructor(verdict: Verdict) {
    super("No key");
    this.verdict = verdict;
  }
}

/** So that a secret is not imported for every token. */
const secretKeys = new Map<string, CryptoKey>();

async function secretKey(secret: string): Promise<CryptoKey> {
  const known = secretKeys.get(secret);
  if (known !== undefined) return known;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const bytes = new TextEncoder().encode(secret);
  const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["verify"]);
  remember(secretKeys, secret, key, SECRETS_MAX);
  return key;
}

interface Head {
  alg: string;
  kid?: unknown;
}

/** jose keeps the imported key for as long as this very object is held. */
async function issuerKey(
  near: Near,
  issuer: { brandId: string; jwksUrl: string },
  { alg, kid }: Head,
): Promise<PublicKey> {
  if (kid !== undefined && typeof kid !== "string") {
    throw new NoKey({ kind: "refused", reason: "malformed" });
  }
  const key = await findIssuerKey(near, issuer, { alg, kid });
  if (key === "not-known") throw new NoKey({ kind: "unverifiable" });
  if (key === "none") throw new NoKey({ kind: "refused", reason: "unknown-key" });
  return key;
}

const Email = z.email().max(USER_EMAIL_MAX);

function userOf({ sub, email, name }: Record<string, unknown>): TokenUser | null {
  if (typeof sub !== "string" || !isUserId(sub)) return null;
  const address = Email.safeParse(email).data;
  return {
    id: sub,
    ...(address === undefined ? {} : { email: address }),
    ...(typeof name === "string" && isLine(name, USER_NAME_MAX) ? { name } : {}),
  };
}

const CLAIM_REFUSALS: Record<string, Refusal> = { iss: "issuer", aud: "audience" };
const REFUSALS: Record<string, Refusal> = {
  ERR_JOSE_ALG_NOT_ALLOWED: "algorithm",
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: "signature",
};

function refusalOf(error: unknown): Refusal {
  if (error instanceof JWTExpired) return "expired";
  if (error instanceof JWTClaimValidationFailed) {
    const isEarly = error.reason === "check_failed" && ["iat", "nbf"].includes(error.claim);
    return CLAIM_REFUSALS[error.claim] ?? (isEarly ? "not-yet" : "claims");
  }
  if (error instanceof JOSEError) return REFUSALS[error.code] ?? "malformed";
  // A key that the issuer published and that is none, such as a point that is not on its curve.
  console.warn({ message: "A user token's key cannot be used", error: String(error) });
  return "signature";
}

/** Who the token says the user is, if the brand's identity vouches for it. No token throws. */
export async function verifyUserToken(
  near: Near,
  { brandId, identity }: { brandId: string; identity: Identity },
  token: string,
): Promise<Verdict> {
  if (token.length > TOKEN_LENGTH_MAX || !COMPACT.test(token)) {
    return { kind: "refused", reason: "malformed" };
  }
  const isShared = "secret" in identity;
  const key = (head: Head): Promise<CryptoKey | PublicKey> =>
    isShared
      ? secretKey(identity.secret)
      : issuerKey(near, { brandId, jwksUrl: identity.jwksUrl }, head);
  try {
    const { payload, protectedHeader } = await jwtVerify(token, key, {
      algorithms: isShared ? [identity.algorithm] : ASYMMETRIC_ALGORITHMS,
      issuer: identity.issuer,
      audience: identity.audience,
      requiredClaims: ["exp", "iat", "sub"],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      maxTokenAge: TOKEN_AGE_MAX_SECONDS,
    });
    if (!isUserTokenType(protectedHeader.typ)) return { kind: "refused", reason: "type" };
    const user = userOf(payload);
    return user === null ? { kind: "refused", reason: "user-id" } : { kind: "verified", user };
  } catch (error) {
    return error instanceof NoKey ? error.verdict : { kind: "refused", reason: refusalOf(error) };
  }
}

/** RFC 7515, §4.1.9: without regard to case, and `application/` may be left out. */
function isUserTokenType(typ: unknown): boolean {
  if (typ === undefined) return true;
  return typeof typ === "string" && TYPES.has(typ.toLowerCase().replace(/^application\//, ""));
}
