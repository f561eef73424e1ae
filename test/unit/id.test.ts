import { describe, expect, it } from "vitest";
import { formatClaimId, parseClaimId, shardOf } from "../../src/domain/claim.ts";
import { base32, base32Value, formatId } from "../../src/domain/id.ts";
import { slugFrom } from "../../src/domain/slug.ts";

const random = (count: number) => crypto.getRandomValues(new Uint8Array(count));

describe("an id", () => {
  it("is its prefix and 20 characters that sort by time", () => {
    const times = [0, 1, 31, 32, 1_700_000_000_000, 1_700_000_000_001, 2 ** 45 - 1];
    const ids = times.map((time) => formatId("campaign", time, random(7)));
    for (const id of ids) expect(id).toMatch(/^cmp_[0-9a-hjkmnp-tv-z]{20}$/);
    expect(ids.toSorted()).toEqual(ids);
  });

  it("is its own among many of one millisecond", () => {
    const ids = Array.from({ length: 10_000 }, () =>
      formatId("batch", 1_700_000_000_000, random(7)),
    );
    expect(new Set(ids).size).toBe(10_000);
  });
});

describe("base32", () => {
  it("keeps every bit: the number comes back", () => {
    expect(base32(Uint8Array.of(0xff))).toBe("zw");
    expect(base32(Uint8Array.of(0, 0, 0, 0, 1))).toBe("00000001");
    expect(base32Value("00000001")).toBe(1);
    expect(base32(new Uint8Array(16)).length).toBe(26);
  });
});

describe("a claim's id", () => {
  const address = {
    campaignId: formatId("campaign", 1_700_000_000_000, random(7)),
    userKey: base32(random(16)),
    nth: 0,
  };

  it("says where the claim is kept", () => {
    for (const nth of [0, 1, 9, 10, 99]) {
      expect(parseClaimId(formatClaimId({ ...address, nth }))).toEqual({ ...address, nth });
    }
  });

  it("is nothing when it is cut, padded or of another kind", () => {
    const id = formatClaimId(address);
    for (const text of [
      "",
      "clm_",
      id.slice(0, -1),
      `${id}x`,
      `${id}00`,
      id.replace("clm_", "cmp_"),
      id.toUpperCase(),
    ]) {
      expect([text, parseClaimId(text)]).toEqual([text, null]);
    }
  });
});

describe("shardOf", () => {
  // Pinned: another shard for the same user would let everybody claim again.
  it("is for ever the same: the first 30 bits of the key, modulo the shards", () => {
    const key = "zzzzzz00000000000000000000";
    expect([1, 2, 7, 64].map((shards) => shardOf(key, shards))).toEqual([0, 1, 0, 63]);
    expect(shardOf("00000100000000000000000000", 64)).toBe(1);
    expect(shardOf("0000zz00000000000000000000", 1_000)).toBe(23);
  });

  it("is a shard that exists", () => {
    for (let i = 0; i < 1_000; i++) {
      const key = base32(random(16));
      for (const shards of [1, 2, 7, 64]) {
        expect(shardOf(key, shards)).toBeLessThan(shards);
      }
    }
  });

  it("spreads users evenly", () => {
    const counts = Array.from({ length: 64 }, () => 0);
    for (let i = 0; i < 64_000; i++) {
      const shard = shardOf(base32(random(16)), 64);
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    // 1,000 expected, standard deviation 31: seven of them is one chance in 10^10.
    expect(Math.min(...counts)).toBeGreaterThan(780);
    expect(Math.max(...counts)).toBeLessThan(1_220);
  });
});

describe("slugFrom", () => {
  it("keeps Latin letters and digits of a name", () => {
    expect(slugFrom("Döner & Söhne, Inc.")).toBe("doner-sohne-inc");
    expect(slugFrom("  --Acme--  ")).toBe("acme");
    expect(slugFrom("東京")).toBe("");
    expect(slugFrom("x".repeat(200)).length).toBe(50);
    expect(slugFrom(`${"a".repeat(49)} b`)).toBe("a".repeat(49));
  });
});
