import { describe, expect, it } from "vitest";
import {
  checkPlaces,
  DEFAULT_ALPHABET,
  distinctLetters,
  drawCodes,
  drawText,
  overlap,
  rulesForged,
  shapeOf,
  type CodeFormat,
} from "../../src/domain/code-format.ts";
import { codeSpaceOf } from "../../src/domain/code-space.ts";
import { matchKey } from "../../src/domain/match-key.ts";

function cryptoBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count; at += 65_536)
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}

const key = cryptoBytes(16);
const ruleFor = (format: CodeFormat | null, of = key) => ({
  shape: shapeOf(format),
  key: of,
  unchecked: false,
});
const draw = (format: CodeFormat | null, count: number) =>
  drawCodes(ruleFor(format), count, cryptoBytes);

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

describe("the default alphabet", () => {
  it("has no vowel and at most one of each pair of look-alikes", () => {
    expect(new Set(DEFAULT_ALPHABET).size).toBe(DEFAULT_ALPHABET.length);
    expect(DEFAULT_ALPHABET).not.toMatch(/[AEIOU01LSZB]/);
    expect(distinctLetters(DEFAULT_ALPHABET)).toBe(DEFAULT_ALPHABET);
  });
});

describe("a format", () => {
  it("says what is drawn and what is fixed", () => {
    const cases: [CodeFormat | null, (string | number)[]][] = [
      [null, [4, "-", 4, "-", 4]],
      [{}, [4, "-", 4, "-", 4]],
      [{ pattern: "####" }, [4]],
      [{ pattern: "XMAS-####" }, ["XMAS-", 4]],
      [{ pattern: "XX-XX" }, [2, "-", 2]],
      [{ length: 10 }, [10]],
      [{ prefix: "SPRING-", pattern: "XXXX", suffix: "!" }, ["SPRING-", 4, "!"]],
      [{ prefix: "X#", length: 3 }, ["X#", 3]],
      [{ prefix: "A", pattern: "B-##" }, ["AB-", 2]],
    ];
    for (const [format, template] of cases) {
      expect([format, shapeOf(format).template]).toEqual([format, template]);
    }
  });

  it("draws only the first of letters that look alike, and takes case for alike", () => {
    expect(distinctLetters("O01IL2ZaAbB8")).toBe("O12ab");
    for (const { code } of draw({ alphabet: "0O1I", length: 40 }, 50)) {
      expect(code).toMatch(/^[01]{40}$/);
    }
  });
});

describe("drawCodes", () => {
  it("gives codes of the shape, all different, each with its match key", () => {
    for (const format of [null, { prefix: "Spring-", pattern: "####_####" }, { length: 20 }]) {
      const codes = draw(format, 5_000);
      expect(new Set(codes.map(({ code }) => code)).size).toBe(5_000);
      for (const drawn of codes) expect(drawn.matchKey).toBe(matchKey(drawn.code));
    }
    const shape = new RegExp(`^[${DEFAULT_ALPHABET}]{4}(-[${DEFAULT_ALPHABET}]{4}){2}$`);
    for (const { code } of draw(null, 1_000)) expect(code).toMatch(shape);
  });

  it("draws every letter equally often, check characters among them", () => {
    const codes = draw(null, 100_000).map(({ code }) => code.replaceAll("-", ""));
    expect(chiSquare(codes.join(""), DEFAULT_ALPHABET)).toBeLessThan(CHI_SQUARE_MAX);
    for (let place = 0; place < 12; place++) {
      const letters = codes.map((code) => code.charAt(place)).join("");
      expect(chiSquare(letters, DEFAULT_ALPHABET)).toBeLessThan(CHI_SQUARE_MAX);
    }
  });

  it("would be caught if it took bytes modulo the alphabet", () => {
    const biased = Array.from(cryptoBytes(1_200_000), (byte) =>
      DEFAULT_ALPHABET.charAt(byte % DEFAULT_ALPHABET.length),
    );
    expect(chiSquare(biased.join(""), DEFAULT_ALPHABET)).toBeGreaterThan(CHI_SQUARE_MAX);
  });
});

describe("drawText", () => {
  it("throws away bytes that would favour the first letters, and asks for more", () => {
    const source = [Uint8Array.of(255, 250, 0), Uint8Array.of(249, 1)];
    expect(drawText(3, DEFAULT_ALPHABET, () => source.shift() ?? new Uint8Array(0))).toBe("C9D");
  });
});

describe("check characters", () => {
  it("stand in codes that are long enough to spare them", () => {
    const places = (length: number) => checkPlaces(shapeOf({ length }));
    expect([places(6), places(7), places(8), places(9), places(12)]).toEqual([0, 1, 1, 2, 2]);
    expect(checkPlaces(shapeOf({ pattern: "####", alphabet: "0123456789" }))).toBe(0);
  });

  it("let a code through however it is typed", () => {
    for (const { code } of draw(null, 500)) {
      expect(rulesForged([ruleFor(null)], matchKey(code.toLowerCase()))).toEqual([]);
    }
  });

  it("give away all but 1 in 625 random guesses, and every single typing error but 1 in 25", () => {
    const rules = [ruleFor(null)];
    const guesses = Array.from({ length: 20_000 }, () =>
      drawText(12, DEFAULT_ALPHABET, cryptoBytes),
    );
    const passed = guesses.filter((guess) => rulesForged(rules, guess).length === 0).length;
    // 32 are expected; the chance of more than 80 is below 10^-12.
    expect(passed).toBeLessThan(80);
    // Another key's codes are guesses too.
    const foreign = drawCodes(ruleFor(null, cryptoBytes(16)), 5_000, cryptoBytes);
    const mistaken = foreign.filter((drawn) => rulesForged(rules, drawn.matchKey).length === 0);
    expect(mistaken.length).toBeLessThan(40);
  });

  it("say nothing of a text that is not of the shape", () => {
    for (const text of ["SUMMER", "", "AAAAAAAAAAAA", "CCCCCCCCCCCCC", "ÄÖÜÄÖÜÄÖÜÄÖÜ"]) {
      expect(rulesForged([ruleFor(null)], matchKey(text))).toEqual([]);
    }
  });

  it("condemn a code only when every shape that it fits does", () => {
    // One guess in 625 is as good as a code.
    const drawn = drawCodes(ruleFor(null, cryptoBytes(16)), 50, cryptoBytes).find(
      ({ matchKey: typed }) => rulesForged([ruleFor(null)], typed).length > 0,
    );
    const [mine] = draw(null, 1);
    const [short, guess] = [ruleFor({ length: 6 }), drawn?.matchKey ?? ""];
    expect(rulesForged([ruleFor(null), short], guess).length).toBe(1);
    expect(rulesForged([ruleFor(null), { ...ruleFor(null), unchecked: true }], guess)).toEqual([]);
    expect(
      rulesForged([ruleFor(null, cryptoBytes(16)), ruleFor(null)], mine?.matchKey ?? ""),
    ).toEqual([]);
  });
});

describe("shapes", () => {
  it("overlap when one text could be of both", () => {
    const of = (format: CodeFormat | null) => shapeOf(format);
    expect(overlap(of(null), of({ length: 12 }))).toBe(true);
    expect(overlap(of(null), of({ length: 11 }))).toBe(false);
    expect(overlap(of({ prefix: "A-", length: 8 }), of({ prefix: "B-", length: 8 }))).toBe(false);
    expect(overlap(of({ prefix: "A-", length: 8 }), of({ prefix: "a", length: 8 }))).toBe(true);
    expect(overlap(of({ length: 4, alphabet: "CDF" }), of({ length: 4, alphabet: "GH" }))).toBe(
      false,
    );
  });
});

describe("the code space", () => {
  it("allows 1 live code in 100,000 texts, or 1 in 2 where that is accepted", () => {
    const digits = shapeOf({ pattern: "####", alphabet: "0123456789" });
    expect(codeSpaceOf(digits, false)).toEqual({ texts: 10_000, codesMax: 0 });
    expect(codeSpaceOf(digits, true)).toEqual({ texts: 10_000, codesMax: 5_000 });
    expect(codeSpaceOf(shapeOf({ length: 6 }), false)).toEqual({
      texts: 25 ** 6,
      codesMax: Math.floor(25 ** 6 / 100_000),
    });
    expect(codeSpaceOf(shapeOf(null), false).codesMax).toBeGreaterThan(5_000_000);
  });
});
