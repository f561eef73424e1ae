import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { formatApiKey, isWellFormedApiKey } from "../../src/domain/api-key.ts";

const bytes = (count: number) => crypto.getRandomValues(new Uint8Array(count));

describe("an API key", () => {
  it("says its kind and mode, and is well-formed", () => {
    for (const [kind, mode, prefix] of [
      ["secret", "live", "cdk_live_"],
      ["secret", "test", "cdk_test_"],
      ["publishable", "live", "cdp_live_"],
      ["publishable", "test", "cdp_test_"],
    ] as const) {
      const key = formatApiKey(kind, mode, bytes);
      expect(key).toMatch(new RegExp(`^${prefix}[0-9A-Za-z]{36}$`));
      expect(isWellFormedApiKey(key)).toBe(true);
    }
  });

  it("ends in the CRC-32 of what stands before it, in base 62", () => {
    const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (let i = 0; i < 50; i++) {
      const key = formatApiKey("secret", "live", bytes);
      const value = Array.from(key.slice(-6)).reduce((sum, c) => sum * 62 + digits.indexOf(c), 0);
      expect(value).toBe(crc32(key.slice(0, -6)));
    }
  });

  it("is refused for every typo of one character and every swap of two neighbours", () => {
    const key = formatApiKey("secret", "live", bytes);
    for (let i = 0; i < key.length; i++) {
      for (const letter of "aZ09_") {
        if (letter === key[i]) continue;
        expect(isWellFormedApiKey(key.slice(0, i) + letter + key.slice(i + 1))).toBe(false);
      }
      if (key[i] !== key[i + 1] && i + 1 < key.length) {
        const swapped = key.slice(0, i) + key.charAt(i + 1) + key.charAt(i) + key.slice(i + 2);
        expect(isWellFormedApiKey(swapped)).toBe(false);
      }
    }
  });

  it("is refused in any other shape", () => {
    const key = formatApiKey("secret", "live", bytes);
    for (const text of [
      "",
      "cdk_live_",
      key.slice(0, -1),
      `${key}0`,
      ` ${key}`,
      key.toUpperCase(),
      `sk_${key}`,
    ]) {
      expect(isWellFormedApiKey(text)).toBe(false);
    }
  });
});
