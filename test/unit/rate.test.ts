import { describe, expect, it } from "vitest";
import { claimsPerHour, emptyAt } from "../../src/domain/rate.ts";

const NOW = Date.parse("2026-11-24T12:00:00.000Z");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe("the rate of claims", () => {
  it("is what came since the oldest of them, by the hour", () => {
    const since = (ms: number, count: number) =>
      claimsPerHour({ count, oldestAt: NOW - ms, newestAt: NOW }, NOW);
    expect(since(30 * MINUTE, 100)).toBe(200);
    expect(since(2 * MINUTE, 1_000)).toBe(30_000);
  });

  it("counts over a minute at least", () => {
    const just = { oldestAt: NOW, newestAt: NOW };
    expect(claimsPerHour({ count: 1, ...just }, NOW)).toBe(60);
    expect(claimsPerHour({ count: 1, ...just }, NOW - 5)).toBe(60);
    expect(claimsPerHour({ count: 10, oldestAt: NOW - MINUTE, newestAt: NOW }, NOW)).toBe(600);
  });

  it("is 0 when none came within the hour", () => {
    expect(claimsPerHour({ count: 0, oldestAt: null, newestAt: null }, NOW)).toBe(0);
    const seen = { count: 5, oldestAt: NOW - HOUR - 5, newestAt: NOW - HOUR };
    expect(claimsPerHour(seen, NOW)).toBe(0);
    expect(claimsPerHour(seen, NOW - 1)).toBeGreaterThan(0);
  });
});

describe("the time at which none is left", () => {
  it("is when the rest is gone at that rate", () => {
    expect(emptyAt(300, 600, NOW)).toBe(NOW + HOUR / 2);
    expect(emptyAt(1, 3_600_000, NOW)).toBe(NOW + 1);
  });

  it("is not told when none goes, or none is left", () => {
    expect(emptyAt(300, 0, NOW)).toBeNull();
    expect(emptyAt(0, 600, NOW)).toBeNull();
    expect(emptyAt(-1, 600, NOW)).toBeNull();
  });

  it("is not told beyond ten years", () => {
    const years = (count: number) => emptyAt(count * 365 * 24, 1, NOW);
    expect(years(10)).toBe(NOW + 3_650 * 24 * HOUR);
    expect(years(10.01)).toBeNull();
    expect(emptyAt(Number.MAX_SAFE_INTEGER, 1, NOW)).toBeNull();
  });
});
