import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { ToldEvent } from "../../src/domain/event.ts";
import { showLog } from "../../src/inventory/projection.ts";
import { Shop, slugOf, statuses } from "../support/checkout.ts";
import { faultyD1, type Fault } from "../support/faulty-d1.ts";
import { api } from "../support/worker-api.ts";

const poolOf = (campaign: string) => env.CODE_POOL.getByName(`${campaign}/0`);

async function newShop(fields: object = {}) {
  const shop = new Shop(api, await api.newBrand());
  const campaign = await api.newCampaign(shop.brand, 10, fields);
  return { shop, campaign };
}

/** Lets D1 show all that was answered. */
const show = (shop: Shop, campaign: string) => shop.send(`GET /v1/campaigns/${campaign}/stats`);

async function fates(shop: Shop, campaign: string): Promise<[string, unknown][]> {
  await show(shop, campaign);
  const events = await api.listAll<ToldEvent>(
    shop.brand.secret,
    `/v1/events?campaign_id=${campaign}`,
    100,
  );
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, i) => i + 1));
  return events.flatMap(({ type, data }): [string, unknown][] =>
    type === "claim.created" || type === "batch.completed"
      ? []
      : [[type, "order_id" in data ? data.order_id : data]],
  );
}

async function shownAs(shop: Shop, campaign: string, code: string): Promise<unknown> {
  await show(shop, campaign);
  const rows = await api.listAll<{ code: string; status: string }>(
    shop.brand.secret,
    `/v1/campaigns/${campaign}/codes`,
  );
  return rows.find((row) => row.code === code)?.status;
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a redemption that is rolled back", () => {
  it("is undone once: again gives the same state, and the first reason stays", async () => {
    const { shop, campaign } = await newShop();
    const code = await shop.codeFor(campaign, "u-1");
    const spent = (await shop.redeem(code, "o-1")).body;
    const undone = await shop.rollBack(spent.id, "The order was cancelled.");
    expect([undone.status, undone.body]).toEqual([
      200,
      {
        ...spent,
        status: "rolled_back",
        rolled_back_at: expect.any(String),
        rollback_reason: "The order was cancelled.",
      },
    ]);
    const again = await shop.rollBack(spent.id, "Another reason.");
    expect([again.status, again.body]).toEqual([200, undone.body]);
    expect((await shop.send(`GET /v1/redemptions/${spent.id}`)).body).toEqual(undone.body);
    expect(await shop.validate(code)).toMatchObject({ valid: true, reason: null });
    expect(await shownAs(shop, campaign, code)).toBe("claimed");
    expect((await api.integrity(shop.brand, campaign)).ok).toBe(true);
  });

  it("lets its code be spent again, by another order or the same, as a new redemption", async () => {
    const { shop, campaign } = await newShop();
    const code = await shop.codeFor(campaign, "u-1");
    const ids: string[] = [];
    for (const order of ["o-1", "o-2", "o-2", "o-1"]) {
      const spent = await shop.redeem(code, order);
      expect([order, spent.status]).toEqual([order, 201]);
      expect((await shop.redeem(code, order)).body).toEqual(spent.body);
      expect((await shop.redeem(code, "o-9")).status).toBe(409);
      ids.push(spent.body.id);
      expect((await shop.rollBack(spent.body.id)).status).toBe(200);
    }
    expect(new Set(ids).size).toBe(4);
    const last = await shop.redeem(code, "o-5");
    expect(last.status).toBe(201);
    // The late word of an earlier order undoes nothing.
    expect((await shop.rollBack(ids[0] ?? "")).body.status).toBe("rolled_back");
    expect((await shop.redeem(code, "o-6")).status).toBe(409);
    const pair = (order: string): [string, string][] => [
      ["code.redeemed", order],
      ["redemption.rolled_back", order],
    ];
    expect(await fates(shop, campaign)).toEqual([
      ...["o-1", "o-2", "o-2", "o-1"].flatMap(pair),
      ["code.redeemed", "o-5"],
    ]);
    expect(await shownAs(shop, campaign, code)).toBe("redeemed");
  });

  it("races with others and leaves one order, whoever comes first", async () => {
    const { shop, campaign } = await newShop();
    const code = await shop.codeFor(campaign, "u-1");
    for (let round = 0; round < 8; round++) {
      const spent = (await shop.redeem(code, `o-${round}`)).body;
      const answers = await Promise.all([
        ...Array.from({ length: 6 }, (_, i) => shop.redeem(code, `p-${round}-${i}`)),
        shop.rollBack(spent.id),
        shop.rollBack(spent.id),
        ...Array.from({ length: 6 }, (_, i) => shop.redeem(code, `q-${round}-${i}`)),
      ]);
      const won = answers.filter(({ status }) => status === 201);
      expect(won.length).toBeLessThanOrEqual(1);
      expect(statuses(answers)[200]).toBe(2);
      for (const { body } of won) expect((await shop.rollBack(body.id)).status).toBe(200);
    }
    const types = (await fates(shop, campaign)).map(([type]) => type);
    expect(types.filter((_, i) => i % 2 === 0)).not.toContain("redemption.rolled_back");
    expect(types.filter((_, i) => i % 2 === 1)).not.toContain("code.redeemed");
  });

  it("stays undone when its code has expired or is revoked since", async () => {
    const { shop, campaign } = await newShop({ code_lifetime_seconds: 60 });
    const [one, two] = [await shop.codeFor(campaign, "u-1"), await shop.codeFor(campaign, "u-2")];
    const first = (await shop.redeem(one, "o-1")).body;
    const second = (await shop.redeem(two, "o-2")).body;
    await shop.send("POST /v1/codes/revoke", { codes: [two] });
    vi.setSystemTime(Date.now() + 61_000);
    await shop.rollBack(first.id);
    await shop.rollBack(second.id);
    expect(slugOf(await shop.redeem(one, "o-1"))).toBe("code-expired");
    expect(slugOf(await shop.redeem(two, "o-2"))).toBe("code-revoked");
    const types = (await fates(shop, campaign)).map(([type]) => type);
    expect(types.filter((type) => type === "code.expired").length).toBe(1);
  });

  it("is told in order, whatever D1 does, and shown as it was last", async () => {
    for (const when of ["before", "after", "late"] as const) {
      const { shop, campaign } = await newShop();
      const code = await shop.codeFor(campaign, "u-1");
      const faults: Fault[] = [{ when, sql: /INSERT INTO event_runs/, times: 4 }];
      await runInDurableObject(poolOf(campaign), (pool) => {
        Object.assign(pool, { env: { ...env, DB: faultyD1(env.DB, faults) } });
      });
      const word: Promise<unknown>[] = [];
      for (const order of ["o-1", "o-2", "o-3"]) {
        const spent = await shop.redeem(code, order);
        expect(spent.status).toBe(201);
        // Several tell D1 at once, and some of their words come late.
        word.push(show(shop, campaign));
        if (order !== "o-3") await shop.rollBack(spent.body.id);
        word.push(show(shop, campaign));
      }
      await Promise.all(word);
      for (let i = 0; i < 50 && (await show(shop, campaign)).status !== 200; i++) {
        await scheduler.wait(100);
      }
      expect([when, await fates(shop, campaign)]).toEqual([
        when,
        [
          ["code.redeemed", "o-1"],
          ["redemption.rolled_back", "o-1"],
          ["code.redeemed", "o-2"],
          ["redemption.rolled_back", "o-2"],
          ["code.redeemed", "o-3"],
        ],
      ]);
      expect(await shownAs(shop, campaign, code)).toBe("redeemed");
    }
  });

  it("is not undone in D1 by a word of its spending that comes late", async () => {
    const { shop, campaign } = await newShop();
    const code = await shop.codeFor(campaign, "u-1");
    const spent = await shop.redeem(code, "o-1");
    await show(shop, campaign);
    await shop.rollBack(spent.body.id);
    expect(await shownAs(shop, campaign, code)).toBe("claimed");
    const place = await env.DB.prepare(
      "SELECT batch_id AS batchId, ordinal FROM codes WHERE claim_id IS NOT NULL AND code = ?",
    )
      .bind(code)
      .first<{ batchId: string; ordinal: number }>();
    if (place === null) throw new Error("No code");
    const run = { campaignId: campaign, shard: 0, from: 0, to: 1, count: 1 };
    const again = await showLog(env.DB, { ...run, type: "code.redeemed" }, [
      { ...place, kind: "redeemed", at: Date.parse(spent.body.redeemed_at) },
    ]);
    // It is in the log, where it stood.
    expect(again.to).toBe(1);
    expect(await shownAs(shop, campaign, code)).toBe("claimed");
    expect((await fates(shop, campaign)).length).toBe(2);
  });

  it("has its first answer under its Idempotency-Key, as all first answers", async () => {
    const { shop, campaign } = await newShop();
    const code = await shop.codeFor(campaign, "u-1");
    const key = { "Idempotency-Key": "spend-1" };
    const spent = await shop.redeem(code, "o-1", {}, key);
    await shop.rollBack(spent.body.id);
    const again = await shop.redeem(code, "o-1", {}, key);
    expect([again.status, again.body, again.headers.get("Idempotent-Replayed")]).toEqual([
      201,
      spent.body,
      "true",
    ]);
    expect(await shop.validate(code)).toMatchObject({ valid: true });
  });

  it("is in the code's history and not among what was redeemed", async () => {
    const { shop, campaign } = await newShop();
    const code = await shop.codeFor(campaign, "u-1");
    const spent = await shop.redeem(code, "o-1");
    await shop.rollBack(spent.body.id);
    const seen = await shop.send<{ history: { event: string }[] }>("POST /v1/codes/lookup", {
      code,
    });
    expect(seen.body).toMatchObject({ status: "claimed", redemption_id: null, order_id: null });
    expect(seen.body.history.map(({ event }) => event)).toEqual([
      "made",
      "claimed",
      "redeemed",
      "rolled_back",
    ]);
    const stats = await show(shop, campaign);
    expect(stats.body["totals"]).toMatchObject({ claimed: 1, redeemed: 0 });
  });

  it("is nobody else's to undo, and asks for a reason", async () => {
    const { shop, campaign } = await newShop();
    const rival = new Shop(api, await api.newBrand());
    const code = await shop.codeFor(campaign, "u-1");
    const { id } = (await shop.redeem(code, "o-1")).body;
    expect((await rival.rollBack(id)).status).toBe(404);
    expect((await shop.rollBack(id.slice(0, -1) + "7")).status).toBe(404);
    expect((await shop.rollBack("rdm_none")).status).toBe(404);
    for (const body of [
      {},
      { reason: "" },
      { reason: "x".repeat(201) },
      { reason: "ok", more: 1 },
    ]) {
      expect((await shop.send(`POST /v1/redemptions/${id}/rollback`, body)).status).toBe(422);
    }
    expect((await shop.redeem(code, "o-2")).status).toBe(409);
  });
});
