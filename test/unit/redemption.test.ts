import { describe, expect, it } from "vitest";
import {
  areCodesOver,
  codeEnd,
  formatHoldId,
  formatRedemptionId,
  heldStatus,
  NOBODY,
  parseHoldId,
  parseRedemptionId,
  refusalReason,
  type Asking,
  type HeldCode,
} from "../../src/domain/redemption.ts";

const NOW = 1_000_000;
const code: HeldCode = { userKey: "ann", expiresAt: null, redeemedAt: null, revokedAt: null };
const asking: Asking = {
  userKey: null,
  holderOnly: false,
  orderId: "o-1",
  holdNumber: null,
  order: null,
  now: NOW,
};
const hold = { number: 7, orderId: "o-2" };

describe("a code at the checkout is refused", () => {
  it.each<[string, Partial<HeldCode>, typeof hold | null, Partial<Asking>, string | null]>([
    ["to nobody while nothing speaks against it", {}, null, {}, null],
    ["to another user", {}, null, { userKey: "bob" }, "not-yours"],
    ["not to its holder", {}, null, { userKey: "ann" }, null],
    ["to who is not named, where holders only may", {}, null, { holderOnly: true }, "not-yours"],
    ["not to a named holder there", {}, null, { holderOnly: true, userKey: "ann" }, null],
    ["not to a user, where nobody holds it", { userKey: NOBODY }, null, { userKey: "bob" }, null],
    [
      "to a user there, where holders only may",
      { userKey: NOBODY },
      null,
      { userKey: "bob", holderOnly: true },
      "not-yours",
    ],
    ["when it is spent", { redeemedAt: 1 }, null, {}, "redeemed"],
    [
      "as spent, whatever came later",
      { redeemedAt: 1, revokedAt: 2, expiresAt: 3 },
      hold,
      {},
      "redeemed",
    ],
    ["when it is revoked", { revokedAt: 1, expiresAt: 2 }, null, {}, "revoked"],
    ["at its end", { expiresAt: NOW }, null, {}, "expired"],
    ["not the moment before", { expiresAt: NOW + 1 }, null, {}, null],
    ["as expired though it is held", { expiresAt: NOW }, hold, {}, "expired"],
    ["while another order holds it", {}, hold, {}, "held"],
    ["not to the order that holds it", {}, hold, { orderId: "o-2" }, null],
    ["not to who names the hold", {}, hold, { holdNumber: 7 }, null],
    ["to who names another hold", {}, hold, { holdNumber: 8 }, "held"],
    ["to who names no order", {}, hold, { orderId: null }, "held"],
    ["for its order last of all", {}, hold, { order: "order-too-small" }, "held"],
    ["for its order", {}, null, { order: "order-too-small" }, "order-too-small"],
  ])("%s", (...[, change, held, more, reason]) => {
    expect(refusalReason({ ...code, ...change }, held, { ...asking, ...more })).toBe(reason);
  });
});

describe("a code's end", () => {
  it.each<[number | null, number | null, boolean, number | null]>([
    [null, null, false, null],
    [5, null, false, 5],
    [null, 9, false, 9],
    [5, 9, false, 5],
    [9, 5, false, 5],
    [9, 5, true, 9],
    [null, 5, true, null],
  ])("of its own %s, of its campaign %s, outliving it: %s, is %s", (own, end, outlives, is) => {
    expect(codeEnd(own, { endsAt: end, codesOutliveCampaign: outlives })).toBe(is);
  });

  it("is exclusive, of a campaign too", () => {
    const campaign = { endsAt: NOW, codesOutliveCampaign: false };
    expect([areCodesOver(campaign, NOW - 1), areCodesOver(campaign, NOW)]).toEqual([false, true]);
    expect(areCodesOver({ ...campaign, codesOutliveCampaign: true }, NOW)).toBe(false);
    expect(heldStatus({ ...code, expiresAt: NOW }, NOW - 1)).toBe("claimed");
  });
});

describe("an id of a redemption or a hold", () => {
  const address = { campaignId: "cmp_01k3q9m7x2v8d4t6w5ab", shard: 63, number: 123_456 };

  it("says where it is kept", () => {
    expect(parseRedemptionId(formatRedemptionId(address))).toEqual(address);
    expect(parseHoldId(formatHoldId(address))).toEqual(address);
    expect(formatHoldId(address)).toBe("hld_01k3q9m7x2v8d4t6w5ab1z123456");
  });

  it("is not taken for one of the other kind, nor is anything else", () => {
    expect(parseHoldId(formatRedemptionId(address))).toBeNull();
    expect(parseRedemptionId(formatHoldId(address))).toBeNull();
    for (const text of ["", "hld_", "hld_01k3q9m7x2v8d4t6w5ab1z0", "hld_01k3q9m7x2v8d4t6w5abuu1"]) {
      expect([text, parseHoldId(text)]).toEqual([text, null]);
    }
  });
});
