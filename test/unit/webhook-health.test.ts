import { describe, expect, it } from "vitest";
import { afterFailure, isFailing, type Failure, type Health } from "../../src/webhooks/health.ts";

const DAY_MS = 24 * 3_600_000;
const HIGHEST = 1 - Number.EPSILON;
const url = "https://shop.example/hook";

function failed(before: Health | null, failure: Partial<Failure> = {}): Health {
  const common = { url, now: 1_000_000, isGone: false, retryAfterMs: null, random: 0.5 };
  return afterFailure(before, { ...common, speedup: 1, ...failure });
}

/** After that many failures in a row, all at the same time. */
function afterMany(count: number, failure: Partial<Failure> = {}): Health {
  let health = failed(null, failure);
  for (let i = 1; i < count; i++) health = failed(health, failure);
  return health;
}

const restOf = (health: Health) => health.restsUntil - 1_000_000;

describe("an endpoint", () => {
  it("is failing from the fifth failure in a row on, not before", () => {
    expect([null, afterMany(1), afterMany(4), afterMany(5)].map(isFailing)).toEqual([
      false,
      false,
      false,
      true,
    ]);
    expect(restOf(afterMany(4))).toBeLessThanOrEqual(0);
  });

  it("is probed after 5 seconds, then ever later, and at least about every 5 minutes", () => {
    const rests = [5, 6, 7, 8, 9, 10, 11, 12, 50, 2_000].map((count) => restOf(afterMany(count)));
    const [first, second, third] = [5_000, 10_000, 20_000];
    expect(rests.slice(0, 3)).toEqual([first, second, third]);
    expect(rests.slice(-4)).toEqual([300_000, 300_000, 300_000, 300_000]);
    expect(restOf(afterMany(5, { random: 0 }))).toBe(4_000);
    expect(restOf(afterMany(50, { random: HIGHEST }))).toBeCloseTo(360_000);
  });

  it("rests for as long as it asks to, but no longer than between two probes", () => {
    expect(restOf(failed(null, { retryAfterMs: 60_000 }))).toBe(60_000);
    expect(restOf(failed(null, { retryAfterMs: DAY_MS }))).toBe(300_000);
    // A later failure shortens no rest.
    expect(restOf(failed(failed(null, { retryAfterMs: 60_000 })))).toBe(60_000);
  });

  it("is disabled after more than 5 days without a success, not before", () => {
    const first = failed(null);
    const at = (days: number) => failed(first, { now: 1_000_000 + days * DAY_MS + 1 });
    expect(at(4.99).disabling).toBeNull();
    expect(at(5).disabling).toEqual({
      reason: "failing",
      at: 1_000_000 + 5 * DAY_MS + 1,
      failingSince: 1_000_000,
      url,
    });
    expect(at(5).since).toBe(1_000_000);
  });

  it("is disabled at once when it is gone, and the first reason stays", () => {
    const gone = failed(null, { isGone: true });
    expect(gone.disabling).toMatchObject({ reason: "gone", at: 1_000_000 });
    expect(failed(gone, { now: 2_000_000 }).disabling).toEqual(gone.disabling);
  });

  it("rests shorter and is disabled sooner in a rehearsal", () => {
    expect(restOf(afterMany(5, { speedup: 100 }))).toBe(50);
    const later = { now: 1_000_000 + DAY_MS, speedup: 10 };
    expect(failed(failed(null), later).disabling?.reason).toBe("failing");
  });
});
