import { describe, expect, it } from "vitest";
import { CODE_ALPHABET, drawCodes, drawText } from "../../src/domain/code-format.ts";

function cryptoBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count; at += 65_536)
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}

/** Sum of (seen - expected)² / expected over the alphabet; its degrees of freedom are one less. */
function chiSquare(text: string, alphabet: string): number {
  const expected = text.length / alphabet.length;
  const seen = new Map<string, number>();
  for (const letter of text) seen.set(letter, (seen.get(letter) ?? 0) + 1);
  return [...alphabet].reduce(
    (sum, letter) => sum + ((seen.get(letter) ?? 0) - expected) ** 2 / expected,
    0,
  );
}

// The chance that a fair generator exceeds it with 24 degrees of freedom is about 1 in 10^9.
const CHI_SQUARE_MAX = 92;

describe("the alphabet", () => {
  it("has no vowel and at most one of each pair of look-alikes", () => {
    expect(new Set(CODE_ALPHABET).size).toBe(CODE_ALPHABET.length);
    expect(CODE_ALPHABET).not.toMatch(/[AEIOU01LSZB]/);
  });
});

describe("drawCodes", () => {
  it("gives codes of the form XXXX-XXXX-XXXX, all different", () => {
    const codes = drawCodes(10_000, cryptoBytes);
    expect(new Set(codes).size).toBe(10_000);
    const shape = new RegExp(`^[${CODE_ALPHABET}]{4}(-[${CODE_ALPHABET}]{4}){2}$`);
    for (const code of codes) expect(code).toMatch(shape);
  });

  it("draws every letter equally often", () => {
    const letters = drawCodes(100_000, cryptoBytes).join("").replaceAll("-", "");
    expect(chiSquare(letters, CODE_ALPHABET)).toBeLessThan(CHI_SQUARE_MAX);
  });

  it("would be caught if it took bytes modulo the alphabet", () => {
    const biased = Array.from(cryptoBytes(1_200_000), (byte) =>
      CODE_ALPHABET.charAt(byte % CODE_ALPHABET.length),
    );
    expect(chiSquare(biased.join(""), CODE_ALPHABET)).toBeGreaterThan(CHI_SQUARE_MAX);
  });
});

describe("drawText", () => {
  it("throws away bytes that would favour the first letters, and asks for more", () => {
    const source = [Uint8Array.of(255, 250, 0), Uint8Array.of(249, 1)];
    expect(drawText(3, CODE_ALPHABET, () => source.shift() ?? new Uint8Array(0))).toBe("C9D");
  });
});
