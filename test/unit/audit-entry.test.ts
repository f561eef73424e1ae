import { describe, expect, it } from "vitest";
import { addressPrefix, hashedText, type AuditEntry } from "../../src/domain/audit-entry.ts";

describe("an address in the log", () => {
  it("is kept as its network", () => {
    const cases: Record<string, string | null> = {
      "203.0.113.77": "203.0.113.0/24",
      "0.0.0.0": "0.0.0.0/24",
      "255.255.255.255": "255.255.255.0/24",
      "2001:db8:1:2:3:4:5:6": "2001:db8:1::/48",
      "2001:DB8::1": "2001:db8:0::/48",
      "::1": "0:0:0::/48",
      "::": "0:0:0::/48",
      "1::": "1:0:0::/48",
      "::ffff:203.0.113.77": "203.0.113.0/24",
      "::ffff:cb00:714d": "203.0.113.0/24",
      "64:ff9b::203.0.113.77": "64:ff9b:0::/48",
    };
    for (const [address, prefix] of Object.entries(cases)) {
      expect([address, addressPrefix(address)]).toEqual([address, prefix]);
    }
  });

  it("that is none is not kept at all", () => {
    for (const text of [
      "",
      "localhost",
      "256.1.1.1",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.4, 5.6.7.8",
      "g::1",
      ":::",
      "fe80::1%eth0",
      "]/[",
      "unknown",
      "a".repeat(500),
    ]) {
      expect([text, addressPrefix(text)]).toEqual([text, null]);
    }
  });
});

describe("what an entry's hash is of", () => {
  const entry: AuditEntry = {
    brandId: "brd_1",
    number: 2,
    id: "aud_1",
    at: 3,
    actor: "key_1",
    action: "createKey",
    target: "key_2",
    fields: '["name"]',
    requestId: "r-1",
    addressPrefix: null,
    previousHash: "00",
  };

  it("changes with every field", () => {
    for (const name of Object.keys(entry) as (keyof AuditEntry)[]) {
      const other = { ...entry, [name]: typeof entry[name] === "number" ? 9 : "other" };
      expect([name, hashedText(other) === hashedText(entry)]).toEqual([name, false]);
    }
  });

  it("tells where one field ends and the next begins", () => {
    const one = { ...entry, actor: 'a","b', action: "c" };
    const other = { ...entry, actor: "a", action: 'b","c' };
    expect(hashedText(one)).not.toBe(hashedText(other));
    expect(hashedText({ ...entry, addressPrefix: "null" })).not.toBe(hashedText(entry));
  });
});
