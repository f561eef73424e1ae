/**
 * API keys: `cdk_live_` (secret) or `cdp_live_` (publishable), or `_test_`, then 30 random base 62
 * characters (178 bits) and a 6-character CRC-32 of all before it. The checksum lets a typo be
 * refused without a look-up and lets secret scanners recognise a leaked key. The design is
 * GitHub's: https://github.blog/engineering/behind-githubs-new-authentication-token-formats/
 */

import { drawText } from "./code-format.ts";

export type KeyKind = "secret" | "publishable";
export type KeyMode = "live" | "test";

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_CHARS = 30;
const CHECKSUM_CHARS = 6; // 62^6 > 2^32.

const SHAPE = /^(cdk|cdp)_(live|test)_[0-9A-Za-z]{36}$/;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

function checksum(text: string): string {
  let crc = 0xffffffff;
  for (let i = 0; i < text.length; i++) {
    crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ text.charCodeAt(i)) & 0xff] ?? 0);
  }
  let rest = (crc ^ 0xffffffff) >>> 0;
  let digits = "";
  for (let i = 0; i < CHECKSUM_CHARS; i++, rest = Math.floor(rest / 62)) {
    digits = BASE62.charAt(rest % 62) + digits;
  }
  return digits;
}

/** A new key. `randomBytes(n)` must give n bytes from a cryptographic source. */
export function formatApiKey(
  kind: KeyKind,
  mode: KeyMode,
  randomBytes: (count: number) => Uint8Array,
): string {
  const body = `${kind === "secret" ? "cdk" : "cdp"}_${mode}_${drawText(RANDOM_CHARS, BASE62, randomBytes)}`;
  return body + checksum(body);
}

/** Whether `text` could be a key at all: shape and checksum. */
export function isWellFormedApiKey(text: string): boolean {
  return (
    SHAPE.test(text) && checksum(text.slice(0, -CHECKSUM_CHARS)) === text.slice(-CHECKSUM_CHARS)
  );
}

/** Whether a well-formed key says of itself that it is publishable. */
export function isPublishable(key: string): boolean {
  return key.startsWith("cdp_");
}
