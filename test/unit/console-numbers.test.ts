/** Numbers as the console says them. */

import { expect, test } from "vitest";
import { counted, percent } from "../../src/pages/console/parts/numbers.ts";

test.each([
  [0, "0 claims"],
  [1, "1 claim"],
  [2_000, "2,000 claims"],
])("counts %i", (number, words) => {
  expect(counted(number, "claim")).toBe(words);
});

test.each([
  [0, 0, "–"],
  [0, 7, "0 %"],
  [1, 30_000, "< 0.1 %"],
  [30, 30_000, "0.1 %"],
  [26, 100, "26 %"],
  [199, 200, "99.5 %"],
  [29_970, 30_000, "99.9 %"],
  [29_999, 30_000, "> 99.9 %"],
  [30_000, 30_000, "100 %"],
])("says %i of %i as a part that is no more than it is", (part, whole, words) => {
  expect(percent(part, whole)).toBe(words.replace(" %", "\u00a0%"));
});
