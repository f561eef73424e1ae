/** Ids as callers see them: a type prefix, then 20 characters that sort by time of creation. */

export const prefixes = {
  brand: "brd",
  apiKey: "key",
  campaign: "cmp",
  batch: "bat",
  claim: "clm",
  lease: "lse",
  codeShape: "shp",
  import: "imp",
  redemption: "rdm",
  hold: "hld",
  event: "evt",
  webhookEndpoint: "whe",
  delivery: "dlv",
  auditEntry: "aud",
  erasure: "era",
} as const;

export type IdKind = keyof typeof prefixes;

// Crockford's base 32, lower case: 5 bits a character, sorts like the number it stands for.
const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";

const TIME_CHARS = 9; // 45 bits of milliseconds, enough until the year 3084.
const RANDOM_CHARS = 11; // 55 bits: one chance in 10^13 of a clash among 2,000 ids of one millisecond.

/** Length of what follows the prefix. */
export const OPAQUE_LENGTH = TIME_CHARS + RANDOM_CHARS;

/** Random bytes that `formatId` needs. */
export const ID_RANDOM_BYTES = 7;

/** Big-endian base 32 of `bytes`; the last character is padded with zero bits. */
export function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += DIGITS.charAt((value >>> bits) & 31);
    }
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? text + DIGITS.charAt((value << (5 - bits)) & 31) : text;
}

/** The number that base 32 `text` stands for, which a double must hold exactly. */
export function base32Value(text: string): number {
  let value = 0;
  for (const char of text) value = value * 32 + DIGITS.indexOf(char);
  return value;
}

/** The number in base 32, of so many characters; `base32Value` reads it back. */
export function base32Number(value: number, chars: number): string {
  let text = "";
  for (let rest = value, i = 0; i < chars; i++, rest = Math.floor(rest / 32)) {
    text = DIGITS.charAt(rest % 32) + text;
  }
  return text;
}

export function formatId(kind: IdKind, timeMs: number, random: Uint8Array): string {
  const time = base32Number(timeMs, TIME_CHARS);
  return `${prefixes[kind]}_${time}${base32(random).slice(0, RANDOM_CHARS)}`;
}

/** Whether `text` is shaped like an id of that kind. Says nothing of whether it exists. */
export function isId(kind: IdKind, text: string): boolean {
  return text.startsWith(`${prefixes[kind]}_`);
}
