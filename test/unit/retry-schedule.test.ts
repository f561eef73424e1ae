import { describe, expect, it } from "vitest";
import {
  ATTEMPTS_MAX,
  DELAY_MAX_MS,
  jittered,
  parseRetryAfter,
  retryDelayMs,
} from "../../src/domain/retry-schedule.ts";

const HOUR_MS = 3_600_000;
const LOWEST = 0;
const HIGHEST = 1 - Number.EPSILON;

function delays(random: number, retryAfterMs: number | null = null): number[] {
  const found: number[] = [];
  for (let attempts = 1; ; attempts++) {
    const delay = retryDelayMs(attempts, { random, retryAfterMs });
    if (delay === null) return found;
    found.push(delay);
  }
}

const sum = (numbers: number[]) => numbers.reduce((total, one) => total + one, 0);

describe("the retry schedule", () => {
  it("goes on for more than 72 hours and at most 4 days, whatever the jitter", () => {
    expect(sum(delays(LOWEST))).toBeGreaterThan(72 * HOUR_MS);
    expect(sum(delays(HIGHEST))).toBeLessThanOrEqual(96 * HOUR_MS);
  });

  it("waits longer each time, from seconds to hours, and never longer than 12 hours", () => {
    const middle = delays(0.5);
    expect(middle.slice(0, 6)).toEqual([5_000, 300_000, 1_800_000, 2, 5, 10].map(inMs));
    expect(middle).toEqual(middle.toSorted((a, b) => a - b));
    expect(Math.max(...delays(HIGHEST))).toBeLessThanOrEqual(DELAY_MAX_MS);
    expect(DELAY_MAX_MS).toBe(12 * HOUR_MS);
  });

  it("spreads each delay to both sides", () => {
    const [low, middle, high] = [delays(LOWEST), delays(0.5), delays(HIGHEST)];
    for (const [i, delay] of middle.entries()) {
      expect(low[i]).toBeLessThan(delay * 0.95);
      expect(high[i]).toBeGreaterThan(delay * 1.05);
    }
  });

  it("ends after its last attempt", () => {
    expect(ATTEMPTS_MAX).toBe(13);
    expect(delays(0.5).length).toBe(ATTEMPTS_MAX - 1);
    const last = { random: 0.5, retryAfterMs: 1_000 };
    expect(retryDelayMs(ATTEMPTS_MAX - 1, last)).not.toBeNull();
    expect(retryDelayMs(ATTEMPTS_MAX, last)).toBeNull();
    expect(retryDelayMs(ATTEMPTS_MAX + 1, last)).toBeNull();
  });

  it("waits as long as the receiver asks, and never shorter for it", () => {
    const ask = (retryAfterMs: number) => retryDelayMs(2, { random: 0.5, retryAfterMs });
    expect(ask(0)).toBe(300_000);
    expect(ask(299_999)).toBe(300_000);
    expect(ask(HOUR_MS)).toBe(HOUR_MS);
    expect(ask(1e15)).toBe(DELAY_MAX_MS);
  });
});

/** Small numbers are hours. */
const inMs = (number: number) => (number < 1_000 ? number * HOUR_MS : number);

describe("Retry-After", () => {
  const now = Date.parse("2026-11-24T12:00:00Z");
  it.each([
    ["120", 120_000],
    [" 0 ", 0],
    ["Tue, 24 Nov 2026 12:00:30 GMT", 30_000],
    ["Tuesday, 24-Nov-26 12:01:00 GMT", 60_000],
    ["Tue Nov 24 12:00:10 2026 GMT", 10_000],
    ["Tue, 24 Nov 2026 11:00:00 GMT", 0],
    [null, null],
    ["", null],
    ["soon", null],
    ["-5", null],
    ["1.5", null],
    ["99999999999999999999", null],
    ["Tue, 99 Foo 2026", null],
  ])("%s asks for %s ms", (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });
});

describe("jitter", () => {
  it("keeps within its share", () => {
    expect(jittered(100, 0.2, 0)).toBeCloseTo(80);
    expect(jittered(100, 0.2, 0.5)).toBeCloseTo(100);
    expect(jittered(100, 0.2, HIGHEST)).toBeCloseTo(120);
  });
});
