/** An issuer of user tokens: its keys, what it serves of them, and tokens, also ones that lie. */

import { exportJWK } from "jose/key/export";
import { generateKeyPair } from "jose/key/generate/keypair";
import { SignJWT } from "jose/jwt/sign";
import { unique } from "./api.ts";

export interface KeyPair {
  kid: string | undefined;
  alg: string;
  privateKey: CryptoKey;
  /** As the issuer publishes it. */
  jwk: Record<string, unknown>;
}

export async function newKeyPair(
  alg: string,
  { kid, modulusLength = 2_048 }: { kid?: string; modulusLength?: number } = {},
): Promise<KeyPair> {
  const options = { extractable: true, modulusLength };
  const { privateKey, publicKey } = await generateKeyPair(alg, options);
  const jwk = {
    ...(await exportJWK(publicKey)),
    ...(kid === undefined ? {} : { kid }),
    use: "sig",
  };
  return { kid, alg, privateKey, jwk };
}

const encoder = new TextEncoder();

export function base64url(data: string | ArrayBuffer | Uint8Array): string {
  const bytes = typeof data === "string" ? encoder.encode(data) : new Uint8Array(data);
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Some of a token's head or claims; undefined takes one away. */
export type Members = Record<string, unknown>;

export const seconds = () => Math.floor(Date.now() / 1_000);

export class Issuer {
  readonly issuer = `https://${unique("login")}.partner.example/`;
  readonly audience = "codedrop";
  readonly jwksUrl = `${this.issuer}keys`;

  claims(change: Members = {}): Members {
    const now = seconds();
    const whole = { iss: this.issuer, aud: this.audience, sub: "u-1", iat: now, exp: now + 300 };
    return { ...whole, ...change };
  }

  /** Signed with a key pair's own algorithm, by jose. */
  async token(key: KeyPair, claims: Members = {}, head: Members = {}): Promise<string> {
    return new SignJWT(this.claims(claims))
      .setProtectedHeader({
        alg: key.alg,
        ...(key.kid === undefined ? {} : { kid: key.kid }),
        ...head,
      })
      .sign(key.privateKey);
  }
}

/** A JWS of whatever head and payload, also such as no library makes. */
export async function handMade(
  head: Members | string,
  payload: Members | string,
  sign: (input: Uint8Array) => Promise<ArrayBuffer | Uint8Array>,
): Promise<string> {
  const text = (part: Members | string) => (typeof part === "string" ? part : JSON.stringify(part));
  const input = `${base64url(text(head))}.${base64url(text(payload))}`;
  return `${input}.${base64url(await sign(encoder.encode(input)))}`;
}

export const byRsa = (key: KeyPair) => (input: Uint8Array) =>
  crypto.subtle.sign("RSASSA-PKCS1-v1_5", key.privateKey, input);

export const byHmac =
  (secret: string | Uint8Array, hash = "SHA-256") =>
  async (input: Uint8Array) => {
    const bytes = typeof secret === "string" ? encoder.encode(secret) : new Uint8Array(secret);
    const algorithm = { name: "HMAC", hash };
    const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign"]);
    return crypto.subtle.sign("HMAC", key, input);
  };
