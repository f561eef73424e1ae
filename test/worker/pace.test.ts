import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { bindKey } from "../../src/code-pool/stub.ts";
import { shardOf } from "../../src/domain/claim.ts";
import { staleRequest } from "../support/pool-requests.ts";
import { api } from "../support/worker-api.ts";

const poolOf = (campaign: string) => env.CODE_POOL.getByName(`${campaign}/0`);

/** 26 characters that stand for a user. */
const keyOf = (user: string) => user.padEnd(26, "0");

async function newCampaign(codes: number): Promise<string> {
  return api.newCampaign(await api.newBrand(), codes);
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a user's pace at a pool", () => {
  const pace = { callsMax: 3, windowMs: 60_000 };
  const claim = (campaign: string, user: string) =>
    poolOf(campaign).claim(staleRequest(campaign, { userKey: keyOf(user), pace }));

  it("is told with every answer, and refuses what is too much", async () => {
    const campaign = await newCampaign(5);
    const start = Date.now();
    vi.setSystemTime(start);
    const outcomes = [];
    for (let i = 0; i < 4; i++) outcomes.push(await claim(campaign, "ann"));
    expect(outcomes.map(({ kind, paceLeft }) => [kind, paceLeft?.remaining])).toEqual([
      ["granted", 2],
      ["repeated", 1],
      ["repeated", 0],
      ["paced", 0],
    ]);
    vi.setSystemTime(start + 59_000);
    expect(await claim(campaign, "ann")).toEqual({
      kind: "paced",
      retryAfterMs: 1_000,
      paceLeft: { remaining: 0, resetMs: 1_000 },
    });
    expect(await claim(campaign, "bob")).toMatchObject({ kind: "granted" });
    vi.setSystemTime(start + 60_000);
    expect(await claim(campaign, "ann")).toMatchObject({ kind: "repeated" });
  });

  it("is told with refusals too", async () => {
    const campaign = await newCampaign(0);
    expect(await claim(campaign, "ann")).toMatchObject({
      kind: "exhausted",
      paceLeft: { remaining: 2 },
    });
  });

  it("lets three of 20 calls at once through", async () => {
    const campaign = await newCampaign(5);
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => claim(campaign, "ann")));
    expect(outcomes.filter(({ kind }) => kind !== "paced").length).toBe(3);
  });

  it("is forgotten by an object that was evicted, and not kept where none was asked for", async () => {
    const campaign = await newCampaign(5);
    for (let i = 0; i < 4; i++) await claim(campaign, "ann");
    await evictDurableObject(poolOf(campaign));
    expect(await claim(campaign, "ann")).toMatchObject({ kind: "repeated" });
    for (let i = 0; i < 9; i++) {
      const outcome = await poolOf(campaign).claim(staleRequest(campaign));
      expect(outcome).toMatchObject({ paceLeft: null });
      expect(["granted", "repeated"]).toContain(outcome.kind);
    }
  });
});

describe("a proof", () => {
  const claim = (campaign: string, user: string, hash: string) =>
    poolOf(campaign).claim(staleRequest(campaign, { userKey: keyOf(user), proof: { hash } }));

  it("is good for one user, again and again, and brings another nothing", async () => {
    const campaign = await newCampaign(5);
    expect(await claim(campaign, "ann", "proof-1")).toMatchObject({ kind: "granted" });
    expect(await claim(campaign, "ann", "proof-1")).toMatchObject({ kind: "repeated" });
    expect(await claim(campaign, "bob", "proof-1")).toEqual({
      kind: "proof-spent",
      paceLeft: null,
    });
    await evictDurableObject(poolOf(campaign));
    expect(await claim(campaign, "bob", "proof-1")).toMatchObject({ kind: "proof-spent" });
    expect(await claim(campaign, "bob", "proof-2")).toMatchObject({ kind: "granted" });
  });

  it("is one user's when many come with it at once", async () => {
    const campaign = await newCampaign(30);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => claim(campaign, `u${i}`, "proof")),
    );
    expect(outcomes.filter(({ kind }) => kind === "granted").length).toBe(1);
    expect(outcomes.filter(({ kind }) => kind === "proof-spent").length).toBe(19);
  });

  it("is kept for longer than 10 minutes, and then deleted", async () => {
    const campaign = await newCampaign(5);
    const start = Date.now();
    await claim(campaign, "ann", "proof");
    await runDurableObjectAlarm(poolOf(campaign));
    vi.setSystemTime(start + 50 * 60_000);
    expect(await claim(campaign, "bob", "proof")).toMatchObject({ kind: "proof-spent" });
    vi.setSystemTime(start + 25 * 3_600_000);
    expect(await runDurableObjectAlarm(poolOf(campaign))).toBe(true);
    await runInDurableObject(poolOf(campaign), (_pool, { storage }) => {
      expect(storage.sql.exec("SELECT 1 FROM requests").toArray()).toEqual([]);
    });
  });

  it("is bound in the shard that its hash picks, for users of other shards", async () => {
    const id = await newCampaign(0);
    const campaign = { id, shards: 4 };
    const hash = "0000000";
    const own = shardOf(hash, 4);
    const bind = (user: string, userShard: number) =>
      bindKey(env, { ...campaign, userShard }, { hash, fingerprint: keyOf(user) }, "proof");
    const others = [0, 1, 2, 3].filter((shard) => shard !== own);
    expect(await bind("ann", others[0] ?? 0)).toBe(true);
    expect(await bind("ann", others[0] ?? 0)).toBe(true);
    expect(await bind("bob", others[1] ?? 0)).toBe(false);
    // Who is of that shard is judged there, by the claim.
    const late = await env.CODE_POOL.getByName(`${id}/${own}`).claim(
      staleRequest(id, { shard: own, userKey: keyOf("cat"), proof: { hash } }),
    );
    expect(late).toMatchObject({ kind: "proof-spent" });
  });
});
