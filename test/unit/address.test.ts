import { describe, expect, it } from "vitest";
import { networkOf } from "../../src/domain/address.ts";

const home = { v4Bits: 32, v6Bits: 64 };
const street = { v4Bits: 24, v6Bits: 48 };

describe("the network of an address", () => {
  it("is its first bits", () => {
    expect(networkOf("192.0.2.129", home)).toBe("192.0.2.129/32");
    expect(networkOf("192.0.2.129", street)).toBe("192.0.2.0/24");
    expect(networkOf("2001:db8:1:2:3:4:5:6", home)).toBe("2001:db8:1:2::/64");
    expect(networkOf("2001:DB8:1::6", street)).toBe("2001:db8:1::/48");
    expect(networkOf("::1", home)).toBe("0:0:0:0::/64");
    expect(networkOf("1::", home)).toBe("1:0:0:0::/64");
  });

  it("does not depend on how the address is written", () => {
    expect(networkOf("::ffff:192.0.2.1", home)).toBe(networkOf("192.0.2.1", home));
    expect(networkOf("2001:0db8::0001", home)).toBe(networkOf("2001:db8::1", home));
  });

  it("cuts within a number", () => {
    expect(networkOf("10.255.0.0", { v4Bits: 12, v6Bits: 64 })).toBe("10.240.0.0/12");
    expect(networkOf("2001:dbff::", { v4Bits: 32, v6Bits: 28 })).toBe("2001:dbf0::/28");
  });

  it("is null for what is no address", () => {
    for (const text of [
      "",
      "x",
      "1.2.3",
      "1.2.3.256",
      "1:2",
      ":::",
      "1::2::3",
      "1:2:3:4:5:6:7:8:9",
      "g::",
    ]) {
      expect([text, networkOf(text, home)]).toEqual([text, null]);
    }
  });
});
