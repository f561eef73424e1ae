import { describe, expect, it } from "vitest";
import { matchKey, meantCode } from "../../src/domain/match-key.ts";
import { Random } from "../support/random.ts";

const codes = (...texts: string[]) => texts.map((code) => ({ code }));
const meant = (typed: string, ...texts: string[]) =>
  meantCode(typed, codes(...texts))?.code ?? null;

describe("a match key", () => {
  it("forgets case, blanks, dashes and look-alikes", () => {
    const key = matchKey("K701-25Q8");
    for (const typed of [
      "k701-25q8",
      "K701 25Q8",
      "  k7ol 2sqb ",
      "K7OI-ZSQB",
      "k-7-o-l-z-s-q-b",
      "K701–25Q8",
      "Ｋ７０１－２５Ｑ８",
      "K701\u00ad25\u200bQ8",
    ]) {
      expect([typed, matchKey(typed)]).toEqual([typed, key]);
    }
    expect(matchKey("K701-25Q9")).not.toBe(key);
  });

  it("keeps every script, and of a key it is that key", () => {
    const random = new Random(7);
    const letters = Array.from("AbO0lI1ßéЖ中文-_ .ıİ'🎁");
    expect(new Set(["Жара", "中文", "gift🎁", "été"].map(matchKey)).size).toBe(4);
    for (let i = 0; i < 2_000; i++) {
      const text = Array.from({ length: 8 }, () => random.pick(letters)).join("");
      expect(matchKey(matchKey(text))).toBe(matchKey(text));
      expect(matchKey(text.toUpperCase())).toBe(matchKey(text));
    }
  });
});

describe("a typed code", () => {
  it("means the one that is written so, whatever others look like it", () => {
    expect(meant("SAVE-O", "SAVE-0", "SAVE-O", "saveo")).toBe("SAVE-O");
  });

  it("means the only one that differs in case, blanks and dashes", () => {
    expect(meant("save o", "SAVE-0", "SAVE-O")).toBe("SAVE-O");
    expect(meant("save0", "SAVE-0", "SAVE-O")).toBe("SAVE-0");
  });

  it("means the only one at all, with look-alikes", () => {
    expect(meant("5ave o", "SAVE-0")).toBe("SAVE-0");
  });

  it("means none when two are as near", () => {
    expect(meant("save-o", "SAVE-O", "Save-O")).toBe(null);
    expect(meant("5aveo", "SAVE-O", "SAVE-0")).toBe(null);
    expect(meant("x")).toBe(null);
  });
});
