import { describe, expect, it } from "vitest";
import {
  codeFault,
  IMPORTED_CODE_LENGTH_MAX,
  legibleCode,
  ROW_FAULTS,
} from "../../src/domain/imported-code.ts";

describe("codeFault", () => {
  it("takes codes of any script, case and punctuation", () => {
    for (const code of [
      "x",
      "SUMMER-25",
      "summer 25 %",
      "SOMMER-ÄÖÜ-ß",
      "夏日-八折",
      "خصم-٢٥",
      "می‌خواهم",
      "СКИДКА",
      "🎁👨‍👩‍👧",
      "e\u0301",
      `"quoted"`,
      "=1+1",
      "a,b;c",
      "000123",
    ])
      expect([code, codeFault(code)]).toEqual([code, null]);
  });

  it("counts characters, not the units they are stored in", () => {
    expect(codeFault("x".repeat(IMPORTED_CODE_LENGTH_MAX))).toBe(null);
    expect(codeFault("x".repeat(IMPORTED_CODE_LENGTH_MAX + 1))).toBe("too-long");
    expect(codeFault("🎁".repeat(IMPORTED_CODE_LENGTH_MAX))).toBe(null);
    expect(codeFault("🎁".repeat(IMPORTED_CODE_LENGTH_MAX) + "x")).toBe("too-long");
    expect(codeFault("x".repeat(10_000))).toBe("too-long");
  });

  it("refuses what nobody can have meant", () => {
    for (const [code, fault] of [
      ["", "empty"],
      [" \u00a0\t", "empty"],
      ["A\u0000B", "control-character"],
      ["A\tB", "control-character"],
      ["A\nB", "control-character"],
      ["A\u007f", "control-character"],
      ["A\u0085B", "control-character"],
      ["A\u2028B", "control-character"],
      ["A\ufffdB", "broken-text"],
      ["A\ud83c", "broken-text"],
      ["\udf81A", "broken-text"],
      [" A", "outer-blank"],
      ["A ", "outer-blank"],
      ["A\u00a0", "outer-blank"],
      ["\u3000A", "outer-blank"],
      ["\ufeffA", "outer-blank"],
    ] as const)
      expect([code, codeFault(code)]).toEqual([code, fault]);
  });
});

describe("legibleCode", () => {
  it("leaves a code without faults as it is", () => {
    expect(legibleCode("Sommer-ß 🎁")).toBe("Sommer-ß 🎁");
  });

  it("cuts between characters, never within one", () => {
    expect(legibleCode("🎁".repeat(200))).toBe("🎁".repeat(IMPORTED_CODE_LENGTH_MAX));
    expect(legibleCode("x" + "🎁".repeat(200))).toBe(
      "x" + "🎁".repeat(IMPORTED_CODE_LENGTH_MAX - 1),
    );
  });

  it("shows what cannot be seen", () => {
    expect(legibleCode("A\u0000B\tC\u007fD\u0085E\u2028F\ud83cG")).toBe(
      "A␀B␉C␡D\ufffdE\ufffdF\ufffdG",
    );
    expect(codeFault(legibleCode("A\u0000B\tC"))).toBe(null);
  });
});

describe("ROW_FAULTS", () => {
  it("says of each fault in one sentence what to change", () => {
    for (const [fault, remedy] of Object.entries(ROW_FAULTS)) {
      expect(fault).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(remedy).toMatch(/^[A-Z].*\.$/);
    }
  });
});
