import { describe, expect, it } from "vitest";
import { closedReason, decideClaim, type PoolCampaign } from "../../src/domain/claim.ts";
import { openCampaign as open } from "../support/pool-requests.ts";

function decide(
  change: Partial<PoolCampaign>,
  input: Partial<Parameters<typeof decideClaim>[0]> = {},
) {
  return decideClaim({
    campaign: { ...open, ...change },
    held: 0,
    consent: null,
    now: 1_000,
    ...input,
  });
}

describe("closedReason", () => {
  it("is null from the very start to just before the very end", () => {
    const window = { ...open, startsAt: 100, endsAt: 200 };
    expect([99, 100, 199, 200].map((now) => closedReason(window, now))).toEqual([
      "not-started",
      null,
      null,
      "ended",
    ]);
  });

  it("names the most final reason", () => {
    expect(closedReason({ ...open, status: "paused", startsAt: 9_999 }, 1)).toBe("paused");
    expect(closedReason({ ...open, status: "paused", endsAt: 1 }, 1)).toBe("ended");
    expect(closedReason({ ...open, status: "ended", startsAt: 9_999 }, 1)).toBe("ended");
  });
});

describe("decideClaim", () => {
  it("grants to whoever holds less than the limit", () => {
    expect(decide({})).toEqual({ kind: "grant", nth: 0 });
    expect(decide({ claimsPerUser: 3 }, { held: 2 })).toEqual({ kind: "grant", nth: 2 });
  });

  it("repeats the latest at the limit, and above it", () => {
    expect(decide({}, { held: 1 })).toEqual({ kind: "repeat", nth: 0 });
    expect(decide({ claimsPerUser: 3 }, { held: 3 })).toEqual({ kind: "repeat", nth: 2 });
    expect(decide({ claimsPerUser: 1 }, { held: 3 })).toEqual({ kind: "repeat", nth: 2 });
  });

  it("gives holders theirs whatever became of the campaign, and newcomers the reason", () => {
    for (const [change, reason] of [
      [{ status: "paused" }, "paused"],
      [{ status: "ended" }, "ended"],
      [{ startsAt: 2_000 }, "not-started"],
      [{ endsAt: 1_000 }, "ended"],
    ] as const) {
      expect(decide(change)).toEqual({ kind: "closed", reason });
      expect(decide(change, { held: 1 })).toEqual({ kind: "repeat", nth: 0 });
      expect(decide({ ...change, claimsPerUser: 2 }, { held: 1 })).toEqual({
        kind: "repeat",
        nth: 0,
      });
    }
  });

  it("asks for consent before a grant, not before a repeat, and not of a closed campaign", () => {
    const consent = { required: true, version: "2" };
    const missing = { kind: "consent-missing", version: "2" };
    const given = (share_contact: boolean, version: string) => ({
      consent: { share_contact, version },
    });
    expect(decide({ consent })).toEqual(missing);
    expect(decide({ consent }, given(false, "2"))).toEqual(missing);
    expect(decide({ consent }, given(true, "1"))).toEqual(missing);
    expect(decide({ consent }, given(true, "2"))).toEqual({ kind: "grant", nth: 0 });
    expect(decide({ consent }, { held: 1, ...given(true, "1") })).toEqual({
      kind: "repeat",
      nth: 0,
    });
    expect(decide({ consent, status: "paused" })).toEqual({ kind: "closed", reason: "paused" });
  });

  it("takes no consent to a text that is not shown, even where none is required", () => {
    const consent = { required: false, version: "2" };
    const given = (version: string) => ({ consent: { share_contact: true, version } });
    expect(decide({ consent })).toEqual({ kind: "grant", nth: 0 });
    expect(decide({ consent }, given("2"))).toEqual({ kind: "grant", nth: 0 });
    expect(decide({ consent }, given("1"))).toEqual({ kind: "consent-missing", version: "2" });
    expect(decide({}, given("1"))).toEqual({ kind: "grant", nth: 0 });
  });
});
