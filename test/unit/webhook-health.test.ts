import { describe, expect, it } from "vitest";
import {
  afterFailure,
  afterSuccess,
  isFailing,
  type Failure,
  type Health,
} from "../../src/webhooks/health.ts";

const DAY_MS = 24 * 3_600_000;
const HIGHEST = 1 - Number.EPSILON;
const url = "https://shop.example/hook";

function failed(before: Health | null, failure: Partial<Failure> = {}): Health {
  const { now = 1_000_000, begunAt = now } = failure;
  const common = { url, isGone: false, retryAfterMs: null, random: 0.5, speedup: 1 };
  return afterFailure(before, { ...common, ...failure, now, begunAt });
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

  it("is probed no later because several calls at once failed", () => {
    const failing = afterMany(5);
    const burst = failed(failing, { begunAt: 999_999, now: 1_000_100 });
    expect([burst.failures, restOf(burst)]).toEqual([5, 5_100]);
    expect(failed(burst, { begunAt: 1_000_100, now: 1_000_200 }).failures).toBe(6);
    expect(failed(afterMany(4), { begunAt: 999_999 }).failures).toBe(5);
  });

  it("is well again with a success, but rests on where that was under way before", () => {
    const resting = failed(null, { retryAfterMs: 60_000 });
    const [before, now] = [999_999, 1_000_001];
    expect(afterSuccess(null, { begunAt: now, now })).toBeNull();
    expect(afterSuccess(resting, { begunAt: 1_000_000, now })).toBeNull();
    expect(afterSuccess(resting, { begunAt: before, now: 1_060_000 })).toBeNull();
    const rested = afterSuccess(resting, { begunAt: before, now });
    expect(rested).toMatchObject({ failures: 0, restsUntil: 1_060_000, disabling: null });
    // What fails next is the first of its row.
    const later = 1_000_000 + 6 * DAY_MS;
    expect(failed(rested, { now: later })).toMatchObject({ failures: 1, since: later });
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
