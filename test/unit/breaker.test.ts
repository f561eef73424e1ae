import { describe, expect, it } from "vitest";
import { shardLimit } from "../../src/domain/breaker.ts";
import { Random } from "../support/random.ts";

describe("a shard's part of max_claims_per_minute", () => {
  it("is all of it for one shard, and never more than all", () => {
    expect([1, 7, 1_000_000].map((max) => shardLimit(max, 1))).toEqual([1, 7, 1_000_000]);
    for (const shards of [2, 8, 64]) expect(shardLimit(1, shards)).toBe(1);
    expect(shardLimit(6_400, 64)).toBe(130);
  });

  it("has room for the unevenness of a hash", () => {
    const random = new Random(1);
    let tripped = 0;
    const minutes = 400;
    for (let minute = 0; minute < minutes; minute++) {
      const counts = Array<number>(8).fill(0);
      for (let i = 0; i < 800; i++) {
        const shard = random.int(0, 7);
        counts[shard] = (counts[shard] ?? 0) + 1;
      }
      if (counts.some((count) => count > shardLimit(800, 8))) tripped += 1;
    }
    // With an even share as limit it would be nearly every minute.
    expect(tripped / minutes).toBeLessThan(0.03);
  });
});
