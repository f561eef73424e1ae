import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { poolOfUser, userKeyOf } from "../../src/code-pool/stub.ts";
import { PoolOverloadedError } from "../../src/objects/call.ts";
import type { CampaignRow } from "../../src/db/campaigns.ts";

const campaign = {
  id: "cmp_00000000000000000000",
  shards: 4,
  userKeySecret: "0".repeat(64),
} as CampaignRow;

/** A namespace whose objects fail as told, one entry a call, and then answer. */
function failing(failures: object[]) {
  let stubs = 0;
  const calls = { count: 0, stubs: () => stubs };
  const getByName = (name: string) => {
    stubs += 1;
    return {
      showClaims: async () => {
        calls.count += 1;
        const failure = failures.shift();
        if (failure !== undefined) throw Object.assign(new Error("lost"), failure);
        return name;
      },
    };
  };
  const broken = { ...env, CODE_POOL: { getByName } as unknown as Env["CODE_POOL"] };
  const pool = poolOfUser(broken, campaign, "0000010000000000000000000z");
  return { calls, call: () => pool.call((stub) => stub.showClaims()), shard: pool.shard };
}

describe("a call to a pool", () => {
  it("goes to the user's shard of the campaign", async () => {
    const { call, shard } = failing([]);
    expect([shard, await call()]).toEqual([1, `${campaign.id}/1`]);
  });

  it("is made again with a new stub when the object was reset or asks for it", async () => {
    const { call, calls } = failing([{ durableObjectReset: true }, { retryable: true }]);
    expect(await call()).toBe(`${campaign.id}/1`);
    expect([calls.count, calls.stubs()]).toEqual([3, 3]);
  });

  it("is made again when the object before had not yet let go of its file", async () => {
    const busy = { message: "database is locked: SQLITE_BUSY", remote: true };
    const { call, calls } = failing([busy]);
    expect(await call()).toBe(`${campaign.id}/1`);
    expect(calls.stubs()).toBe(2);
  });

  it("is given up after three tries, as overloaded: the caller may repeat it", async () => {
    const { call, calls } = failing(Array.from({ length: 9 }, () => ({ retryable: true })));
    await expect(call()).rejects.toBeInstanceOf(PoolOverloadedError);
    expect(calls.count).toBe(3);
  });

  it("is never made again when the object is overloaded", async () => {
    const { call, calls } = failing([{ overloaded: true, retryable: true }]);
    await expect(call()).rejects.toBeInstanceOf(PoolOverloadedError);
    expect(calls.count).toBe(1);
  });

  it("is not made again when the object's own code threw", async () => {
    const { call, calls } = failing([{ remote: true }]);
    await expect(call()).rejects.not.toBeInstanceOf(PoolOverloadedError);
    expect(calls.count).toBe(1);
  });
});

describe("a user's key", () => {
  // Pinned: another key for the same user would let everybody claim again.
  it("is for ever the same: 128 bits of HMAC-SHA-256 of the id under the campaign's secret", async () => {
    expect(await userKeyOf(campaign, "u-1")).toBe("pawf2ktb2m4dt479w6d25t8vb8");
    expect(await userKeyOf({ ...campaign, userKeySecret: "1".repeat(64) }, "u-1")).not.toBe(
      "pawf2ktb2m4dt479w6d25t8vb8",
    );
  });
});
