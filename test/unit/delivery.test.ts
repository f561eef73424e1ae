import { describe, expect, it } from "vitest";
import {
  deliveryMadeAt,
  deliveryNumberAt,
  formatDeliveryId,
  nextDeliveryNumber,
  parseDeliveryId,
} from "../../src/domain/delivery.ts";

const endpointId = "whe_01k3q9m7x2v8d4t6w5ab";
const now = Date.parse("2026-11-24T12:00:00.123Z");

describe("a delivery's number", () => {
  it("grows, whatever the clock does, and tells when it was made", () => {
    const first = nextDeliveryNumber(0, now);
    expect(deliveryMadeAt(first)).toBe(now);
    expect(nextDeliveryNumber(first, now)).toBe(first + 1);
    expect(nextDeliveryNumber(first, now - 60_000)).toBe(first + 1);
    expect(deliveryMadeAt(nextDeliveryNumber(first, now + 1))).toBe(now + 1);
    expect(deliveryNumberAt(now)).toBe(first);
  });
});

describe("a delivery's id", () => {
  it("says where it is kept", () => {
    for (const number of [0, 1, nextDeliveryNumber(0, now), Number.MAX_SAFE_INTEGER]) {
      const id = formatDeliveryId({ endpointId, number });
      expect(id).toMatch(/^dlv_[0-9a-z]{31}$/);
      expect(parseDeliveryId(id)).toEqual({ endpointId, number });
    }
  });

  it("sorts by its number within an endpoint", () => {
    const ids = [5, 31, 32, 1_023, 2 ** 40].map((number) =>
      formatDeliveryId({ endpointId, number }),
    );
    expect(ids).toEqual(ids.toSorted());
  });

  it.each([
    "",
    "dlv_",
    "dlv_none",
    endpointId,
    "clm_01k3q9m7x2v8d4t6w5ab00000000001",
    "dlv_01k3q9m7x2v8d4t6w5ab0000000001",
    "dlv_01k3q9m7x2v8d4t6w5ab000000000001",
    "dlv_01k3q9m7x2v8d4t6w5ab0000000000L",
    "dlv_01K3q9m7x2v8d4t6w5ab00000000001",
    // Larger than a double holds exactly.
    "dlv_01k3q9m7x2v8d4t6w5ab80000000000",
    " dlv_01k3q9m7x2v8d4t6w5ab00000000001",
  ])("is not read from %j", (text) => {
    expect(parseDeliveryId(text)).toBeNull();
  });
});
