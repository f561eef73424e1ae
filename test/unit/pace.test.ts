import { describe, expect, it } from "vitest";
import { Pace } from "../../src/code-pool/pace.ts";

const PACE = { callsMax: 2, windowMs: 1_000 };

describe("the pace of a user", () => {
  it("lets so many calls through in a window, and says what is left of both", () => {
    const pace = new Pace();
    expect([0, 300, 600, 999].map((now) => pace.count("ann", PACE, now))).toEqual([
      { remaining: 1, resetMs: 1_000, isTooMany: false },
      { remaining: 0, resetMs: 700, isTooMany: false },
      { remaining: 0, resetMs: 400, isTooMany: true },
      { remaining: 0, resetMs: 1, isTooMany: true },
    ]);
  });

  it("starts a new window with the first call after the last one's end", () => {
    const pace = new Pace();
    for (const now of [0, 1, 2]) pace.count("ann", PACE, now);
    expect(pace.count("ann", PACE, 1_000)).toEqual({
      remaining: 1,
      resetMs: 1_000,
      isTooMany: false,
    });
  });

  it("is each user's own", () => {
    const pace = new Pace();
    for (const now of [0, 1, 2]) pace.count("ann", PACE, now);
    expect(pace.count("bob", PACE, 3).isTooMany).toBe(false);
    expect(pace.count("ann", PACE, 3).isTooMany).toBe(true);
  });

  it("forgets who began longest ago when there are too many to remember", () => {
    const pace = new Pace();
    for (let i = 0; i < 3; i++) pace.count("first", PACE, 0);
    for (let i = 0; i < 3; i++) pace.count("second", PACE, 0);
    for (let i = 0; i < 9_999; i++) pace.count(`u-${i}`, PACE, 1);
    expect(pace.count("second", PACE, 2).isTooMany).toBe(true);
    expect(pace.count("first", PACE, 2).isTooMany).toBe(false);
  });
});
