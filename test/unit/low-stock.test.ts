import { describe, expect, it } from "vitest";
import { crossings, isBelow, thresholdCount, type Threshold } from "../../src/domain/low-stock.ts";
import { Random } from "../support/random.ts";

describe("a threshold", () => {
  it("is a number of codes, or a part of those made, rounded down", () => {
    expect(thresholdCount(100, 7)).toBe(100);
    expect(["10%", "1%", "99%"].map((part) => thresholdCount(part, 1_000))).toEqual([100, 10, 990]);
    expect(["10%", "50%", "99%"].map((part) => thresholdCount(part, 9))).toEqual([0, 4, 8]);
    expect(thresholdCount("7%", 5_000_000)).toBe(350_000);
  });

  it("is reached when no more than its count are left", () => {
    expect([101, 100, 99, 0].map((left) => isBelow(100, 1_000, left))).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect([10, 9].map((left) => isBelow("33%", 29, left))).toEqual([false, true]);
  });
});

describe("what is told of a stock", () => {
  const thresholds = [10, "50%", 3];

  it("is every threshold that was crossed at once, the highest first, then its end", () => {
    expect(crossings({ thresholds, codes: 100, available: 51, told: [] })).toEqual({
      raise: [],
      exhausted: false,
      told: [],
    });
    expect(crossings({ thresholds, codes: 100, available: 0, told: [] })).toEqual({
      raise: ["50%", 10, 3],
      exhausted: true,
      told: ["10", "50%", "3", "exhausted"],
    });
  });

  it("is told once, and again after there was more", () => {
    const first = crossings({ thresholds, codes: 100, available: 10, told: [] });
    expect(first).toEqual({ raise: ["50%", 10], exhausted: false, told: ["10", "50%"] });
    const { told } = first;
    expect(crossings({ thresholds, codes: 100, available: 9, told })).toMatchObject({ raise: [] });
    const more = crossings({ thresholds, codes: 110, available: 19, told });
    expect(more).toEqual({ raise: [], exhausted: false, told: ["50%"] });
    const again = crossings({ thresholds, codes: 110, available: 10, told: more.told });
    expect(again.raise).toEqual([10]);
  });

  it("has its end told once, and again after a top-up", () => {
    const none = { thresholds: [], codes: 5, available: 0 };
    expect(crossings({ ...none, told: [] })).toEqual({
      raise: [],
      exhausted: true,
      told: ["exhausted"],
    });
    expect(crossings({ ...none, told: ["exhausted"] }).exhausted).toBe(false);
    const topped = crossings({ thresholds: [], codes: 6, available: 1, told: ["exhausted"] });
    expect(topped).toEqual({ raise: [], exhausted: false, told: [] });
  });

  it("is nothing while there are no codes", () => {
    expect(crossings({ thresholds, codes: 0, available: 0, told: [] })).toEqual({
      raise: [],
      exhausted: false,
      told: [],
    });
  });

  it("forgets thresholds that were taken away, and tells new ones that are reached", () => {
    const told = ["10", "50%"];
    expect(crossings({ thresholds: [10, 20], codes: 100, available: 8, told })).toEqual({
      raise: [20],
      exhausted: false,
      told: ["10", "20"],
    });
  });

  it("is each crossing exactly once, on any walk of claims and top-ups, called late or twice", () => {
    const random = new Random(7);
    const all: Threshold[] = [1, 2, 5, 20, 21, "1%", "10%", "50%", "99%"];
    for (let walk = 0; walk < 300; walk++) {
      const chosen = all.filter(() => random.chance(0.5));
      const state = { codes: 0, available: 0, told: [] as string[] };
      // The oracle knows only edges: not reached before, reached now.
      const before = new Set<Threshold>();
      for (let step = 0; step < 60; step++) {
        if (random.chance(0.2)) {
          const more = random.int(1, 60);
          state.codes += more;
          state.available += more;
        } else {
          state.available -= Math.min(state.available, random.int(0, 30));
        }
        const { codes, available } = state;
        const countOf = (one: Threshold) =>
          typeof one === "number" ? one : Math.floor((codes * Number(one.slice(0, -1))) / 100);
        const now = new Set<Threshold>(
          codes === 0 ? [] : chosen.filter((one) => available <= countOf(one)),
        );
        if (codes > 0 && available === 0) now.add("end");
        const { raise, exhausted, told } = crossings({ thresholds: chosen, ...state });
        const raised = new Set([...raise, ...(exhausted ? ["end"] : [])]);
        expect(raised).toEqual(new Set([...now].filter((one) => !before.has(one))));
        const counts = raise.map(countOf);
        expect(counts).toEqual(counts.toSorted((one, other) => other - one));
        const repeated = crossings({ thresholds: chosen, ...state, told });
        expect(repeated).toEqual({ raise: [], exhausted: false, told });
        state.told = told;
        before.clear();
        for (const one of now) before.add(one);
      }
    }
  });
});
