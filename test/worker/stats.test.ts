/** What the statistics say of a campaign's course. */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Brand } from "../support/api.ts";
import { api } from "../support/worker-api.ts";

interface Stats {
  totals: Record<string, number>;
  series: { start: string; claimed: number; redeemed: number }[];
  claims_per_hour: number;
  empty_at: string | null;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOON = Date.parse("2027-03-02T12:00:00.000Z");

async function statsOf({ secret }: Brand, campaign: string, query = ""): Promise<Stats> {
  const answer = await api.send<Stats>(secret, `GET /v1/campaigns/${campaign}/stats${query}`);
  expect([answer.status, answer.text]).toEqual([200, answer.text]);
  return answer.body;
}

/** The intervals in which something happened. */
const busy = ({ series }: Stats) =>
  series.filter(({ claimed, redeemed }) => claimed + redeemed > 0);

const redeem = ({ secret }: Brand, code: string) =>
  api.send(secret, "POST /v1/redemptions", { code, order_id: code });

const poolOf = (campaign: string, shard = 0) => env.CODE_POOL.getByName(`${campaign}/${shard}`);

afterEach(() => {
  vi.useRealTimers();
});

describe("the series", () => {
  it("counts claims and redemptions in the intervals in which they came", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 20);
    const at = async (offset: number, count: number, redeemed = 0) => {
      vi.setSystemTime(NOON + offset);
      for (let i = 0; i < count; i++) {
        const { body } = await api.claim(brand, campaign, `u-${offset}-${i}`);
        if (i < redeemed) await redeem(brand, body.code);
      }
    };
    await at(0, 2, 1);
    await at(MINUTE - 1, 1);
    await at(MINUTE, 3);
    await at(2 * HOUR, 4, 2);
    vi.setSystemTime(NOON + 2 * HOUR + 5);
    const minutes = await statsOf(
      brand,
      campaign,
      "?interval=minute&from=2027-03-02T13:00:00%2B01:00&to=2027-03-02T12:03:00Z",
    );
    expect(minutes.series).toEqual([
      { start: "2027-03-02T12:00:00.000Z", claimed: 3, redeemed: 1 },
      { start: "2027-03-02T12:01:00.000Z", claimed: 3, redeemed: 0 },
      { start: "2027-03-02T12:02:00.000Z", claimed: 0, redeemed: 0 },
    ]);
    const hours = await statsOf(brand, campaign);
    expect(hours.series).toHaveLength(24);
    expect(hours.series.at(-1)?.start).toBe("2027-03-02T14:00:00.000Z");
    expect(busy(hours)).toEqual([
      { start: "2027-03-02T12:00:00.000Z", claimed: 6, redeemed: 1 },
      { start: "2027-03-02T14:00:00.000Z", claimed: 4, redeemed: 2 },
    ]);
    const days = await statsOf(brand, campaign, "?interval=day");
    expect(days.series).toHaveLength(30);
    expect(busy(days)).toEqual([{ start: "2027-03-02T00:00:00.000Z", claimed: 10, redeemed: 3 }]);
    expect((await statsOf(brand, campaign, "?interval=minute")).series).toHaveLength(60);
  });

  it("does not count slots whose code was withdrawn, and adds up the shards", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 60, { shards: 3 });
    const claimed: string[] = [];
    for (let round = 0; round < 4; round++) {
      vi.setSystemTime(NOON + round * MINUTE);
      for (let i = 0; i < 8; i++) {
        claimed.push((await api.claim(brand, campaign, `u-${round}-${i}`)).body.code);
      }
      const codes = await api.listAll<{ code: string; status: string }>(
        brand.secret,
        `/v1/campaigns/${campaign}/codes?status=available`,
      );
      const free = codes.filter(({ code }) => !claimed.includes(code)).slice(0, 3);
      await api.send(brand.secret, "POST /v1/codes/revoke", { codes: free.map((c) => c.code) });
    }
    const window = "?interval=minute&from=2027-03-02T11:59:30Z&to=2027-03-02T12:05:00Z";
    const { series, totals } = await statsOf(brand, campaign, window);
    expect(series.map((interval) => interval.claimed)).toEqual([0, 8, 8, 8, 8, 0]);
    expect(totals).toMatchObject({ claimed: 32, revoked: 12, available: 16 });
  });

  it("is exact over thousands of claims, wherever its edges lie", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1);
    await api.claim(brand, campaign, "u-first");
    const times: number[] = [];
    await runInDurableObject(poolOf(campaign), (_pool, { storage }) => {
      storage.sql.exec("DELETE FROM claims");
      storage.sql.exec("UPDATE blocks SET size = 9000");
      for (let slot = 1, at = NOON; slot <= 9_000; slot++) {
        at += [0, 0, 0, 1, 700, 20_000][(slot * 7919) % 6] ?? 0;
        if (slot % 5 === 0) {
          storage.sql.exec(
            "INSERT INTO withdrawn (batch_id, ordinal) SELECT batch_id, ? FROM blocks",
            slot - 1,
          );
          continue;
        }
        times.push(at);
        storage.sql.exec(
          "INSERT INTO claims (slot, user_key, nth, user_id, code, claimed_at, attempt) VALUES (?, ?, 0, ?, 'x', ?, 'a')",
          slot,
          `k-${slot}`,
          `u-${slot}`,
          at,
        );
      }
    });
    const pool = poolOf(campaign);
    const first = NOON - 3 * MINUTE;
    const edges = Array.from({ length: 620 }, (_, i) => first + i * MINUTE);
    const { between, claims } = await pool.tally(edges);
    expect(claims).toBe(times.length);
    const expected = edges
      .slice(1)
      .map((to, i) => times.filter((at) => at >= (edges[i] ?? 0) && at < to).length);
    expect(expected.reduce((sum, count) => sum + count)).toBe(times.length);
    expect(between.map((interval) => interval.claimed)).toEqual(expected);
    // The moment of a claim itself, and the one after it.
    const [at = 0] = times.slice(4_000);
    const same = times.filter((time) => time === at).length;
    expect((await pool.tally([at, at + 1])).between).toEqual([{ claimed: same, redeemed: 0 }]);
  });

  it("asks a pool for a hundred intervals at a time, and puts them together", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 9);
    const marks = [99, 100, 101, 200, 999];
    for (const minute of marks) {
      vi.setSystemTime(NOON + minute * MINUTE);
      await api.claim(brand, campaign, `u-${minute}`);
    }
    const to = new Date(NOON + 1_000 * MINUTE).toISOString();
    const window = `?interval=minute&from=2027-03-02T12:00:00Z&to=${to}`;
    const { series } = await statsOf(brand, campaign, window);
    expect(series).toHaveLength(1_000);
    const found = series.flatMap(({ claimed }, i) => (claimed > 0 ? [[i, claimed]] : []));
    expect(found).toEqual(marks.map((minute) => [minute, 1]));
  });
});

describe("the window", () => {
  it("is refused with 422 where it has no length, too much, or no such form", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const refused = async (query: string) => {
      const route = `GET /v1/campaigns/${campaign}/stats?${query}`;
      const { status, body } = await api.send(brand.secret, route);
      return [status, (body["errors"] as { pointer: string }[])[0]?.pointer];
    };
    for (const [query, pointer] of [
      ["from=2027-03-02T12:00:00Z&to=2027-03-02T12:00:00Z", "/from"],
      ["from=2027-03-03T12:00:00Z&to=2027-03-02T12:00:00Z", "/from"],
      ["from=2999-01-01T00:00:00Z", "/from"],
      ["interval=minute&from=2027-03-02T00:00:00Z&to=2027-03-02T16:41:00Z", "/from"],
      ["from=0001-01-01T00:00:00Z", "/from"],
      ["from=yesterday", "/from"],
      ["to=2026-11-24", "/to"],
      ["interval=week", "/interval"],
      ["since=2027-03-02T00:00:00Z", "/since"],
    ] as const) {
      expect([query, ...(await refused(query))]).toEqual([query, 422, pointer]);
    }
    const most = "interval=minute&from=2027-03-02T00:00:00Z&to=2027-03-02T16:40:00Z";
    expect((await statsOf(brand, campaign, `?${most}`)).series).toHaveLength(1_000);
    const last = "?interval=day&from=9999-12-31T00:00:00Z&to=9999-12-31T23:59:59.999Z";
    expect((await statsOf(brand, campaign, last)).series).toEqual([
      { start: "9999-12-31T00:00:00.000Z", claimed: 0, redeemed: 0 },
    ]);
  });
});

describe("the rate", () => {
  it("is that of the last claims of all shards, and says when none is left", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 100, { shards: 2 });
    expect(await statsOf(brand, campaign)).toMatchObject({ claims_per_hour: 0, empty_at: null });
    vi.setSystemTime(NOON);
    for (let i = 0; i < 40; i++) await api.claim(brand, campaign, `u-${i}`);
    vi.setSystemTime(NOON + 30 * MINUTE);
    expect(await statsOf(brand, campaign)).toMatchObject({
      claims_per_hour: 80,
      empty_at: new Date(NOON + 75 * MINUTE).toISOString(),
    });
    vi.setSystemTime(NOON + HOUR);
    expect(await statsOf(brand, campaign)).toMatchObject({ claims_per_hour: 0, empty_at: null });
  });

  it("is there, and no time of it, when nothing is left or nothing is handed out", async () => {
    const brand = await api.newBrand();
    const gone = await api.newCampaign(brand, 1);
    await api.claim(brand, gone, "u-1");
    expect(await statsOf(brand, gone)).toMatchObject({ claims_per_hour: 60, empty_at: null });
    const paused = await api.newCampaign(brand, 2);
    await api.claim(brand, paused, "u-1");
    expect((await statsOf(brand, paused)).empty_at).not.toBeNull();
    await api.send(brand.secret, `POST /v1/campaigns/${paused}/pause`);
    expect(await statsOf(brand, paused)).toMatchObject({ claims_per_hour: 60, empty_at: null });
  });
});
