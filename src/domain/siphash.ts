/**
 * SipHash-2-4, the keyed hash for short texts: https://www.aumasson.jp/siphash/siphash.pdf. Plain
 * arithmetic, so that a million codes can be sealed in a second; a call of the platform's HMAC for
 * each takes ten times as long. 64-bit words are pairs of 32-bit halves, high half first.
 */

export const SIPHASH_KEY_BYTES = 16;

/** The two halves of a 64-bit hash, each 0 … 2^32 - 1. */
export type SipHash = [high: number, low: number];

/** The halves of v0 … v3 in turn, as the key sets them. */
function start(key: Uint8Array): Int32Array {
  const view = new DataView(key.buffer, key.byteOffset, SIPHASH_KEY_BYTES);
  const half = (at: number) => view.getInt32(at, true);
  return Int32Array.of(
    half(4) ^ 0x736f6d65,
    half(0) ^ 0x70736575,
    half(12) ^ 0x646f7261,
    half(8) ^ 0x6e646f6d,
    half(4) ^ 0x6c796765,
    half(0) ^ 0x6e657261,
    half(12) ^ 0x74656462,
    half(8) ^ 0x79746573,
  );
}

/** `rounds` SipRounds, in place. */
function mix(v: Int32Array, rounds: number): void {
  let [h0, l0, h1, l1, h2, l2, h3, l3] = v as unknown as SipWords;
  let low = 0;
  for (let i = 0; i < rounds; i++) {
    // v0 += v1; v1 = (v1 <<< 13) ^ v0; v0 <<<= 32
    low = (l0 >>> 0) + (l1 >>> 0);
    h0 = (h0 + h1 + (low > 0xffffffff ? 1 : 0)) | 0;
    l0 = low | 0;
    [h1, l1] = [((h1 << 13) | (l1 >>> 19)) ^ h0, ((l1 << 13) | (h1 >>> 19)) ^ l0];
    [h0, l0] = [l0, h0];
    // v2 += v3; v3 = (v3 <<< 16) ^ v2
    low = (l2 >>> 0) + (l3 >>> 0);
    h2 = (h2 + h3 + (low > 0xffffffff ? 1 : 0)) | 0;
    l2 = low | 0;
    [h3, l3] = [((h3 << 16) | (l3 >>> 16)) ^ h2, ((l3 << 16) | (h3 >>> 16)) ^ l2];
    // v0 += v3; v3 = (v3 <<< 21) ^ v0
    low = (l0 >>> 0) + (l3 >>> 0);
    h0 = (h0 + h3 + (low > 0xffffffff ? 1 : 0)) | 0;
    l0 = low | 0;
    [h3, l3] = [((h3 << 21) | (l3 >>> 11)) ^ h0, ((l3 << 21) | (h3 >>> 11)) ^ l0];
    // v2 += v1; v1 = (v1 <<< 17) ^ v2; v2 <<<= 32
    low = (l2 >>> 0) + (l1 >>> 0);
    h2 = (h2 + h1 + (low > 0xffffffff ? 1 : 0)) | 0;
    l2 = low | 0;
    [h1, l1] = [((h1 << 17) | (l1 >>> 15)) ^ h2, ((l1 << 17) | (h1 >>> 15)) ^ l2];
    [h2, l2] = [l2, h2];
  }
  v.set([h0, l0, h1, l1, h2, l2, h3, l3]);
}

type SipWords = [number, number, number, number, number, number, number, number];

/** Hashes `text`, whose characters must be ASCII, under a key of SIPHASH_KEY_BYTES bytes. */
export function sipHash(key: Uint8Array, text: string): SipHash {
  const v = start(key);
  const { length } = text;
  // Whole words, then one more: the bytes left over, and the length in its highest byte.
  for (let from = 0; from <= length - (length % 8); from += 8) {
    let high = 0;
    let low = 0;
    for (let i = Math.min(length - from, 8) - 1; i >= 0; i--) {
      high = (high << 8) | (low >>> 24);
      low = (low << 8) | text.charCodeAt(from + i);
    }
    if (from + 8 > length) high |= (length & 0xff) << 24;
    v[6] = (v[6] as number) ^ high;
    v[7] = (v[7] as number) ^ low;
    mix(v, 2);
    v[0] = (v[0] as number) ^ high;
    v[1] = (v[1] as number) ^ low;
  }
  v[5] = (v[5] as number) ^ 0xff;
  mix(v, 4);
  const word = (at: number) => v[at] as number;
  return [
    (word(0) ^ word(2) ^ word(4) ^ word(6)) >>> 0,
    (word(1) ^ word(3) ^ word(5) ^ word(7)) >>> 0,
  ];
}
