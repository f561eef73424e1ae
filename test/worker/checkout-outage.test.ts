/** The checkout while D1 does not answer, and before D1 shows anything. */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Brand } from "../support/api.ts";
import { Shop, slugOf } from "../support/checkout.ts";
import { faultyD1, type Fault } from "../support/faulty-d1.ts";
import { apiWith } from "../support/watched-api.ts";
import { api } from "../support/worker-api.ts";

const ALL: Fault["sql"] = /./;

/** A shop whose Worker has looked everything up that it has copies of, and then loses D1. */
async function losingD1(brand: Brand, campaign: string) {
  const faults: Fault[] = [{ when: "before", sql: ALL, times: 0 }];
  const shop = new Shop(apiWith({ DB: faultyD1(env.DB, faults) }), brand);
  await shop.validate("NO-SUCH-CODE");
  await shop.send(`POST /v1/campaigns/${campaign}/claims`, { user: { id: "warm" } });
  return {
    shop,
    lose: () => Object.assign(faults[0] as Fault, { times: 1_000 }),
    regain: () => Object.assign(faults[0] as Fault, { times: 0 }),
  };
}

/** The pool cannot tell D1 anything. */
async function muted(campaign: string): Promise<void> {
  await runInDurableObject(env.CODE_POOL.getByName(`${campaign}/0`), (pool) => {
    const faults: Fault[] = [{ when: "before", sql: /event_runs/, times: 1_000 }];
    Object.assign(pool, { env: { ...env, DB: faultyD1(env.DB, faults) } });
  });
}

describe("a code that D1 does not show yet", () => {
  it("is held, spent and rolled back within moments of its claim", async () => {
    const shop = new Shop(api, await api.newBrand());
    const campaign = await api.newCampaign(shop.brand, 60);
    await api.claim(shop.brand, campaign, "first");
    await muted(campaign);
    for (let i = 0; i < 20; i++) {
      const code = await shop.codeFor(campaign, `u-${i}`);
      const held = await shop.hold(code, `o-${i}`);
      const spent = await shop.redeem(code, `o-${i}`);
      const undone = await shop.rollBack(spent.body.id);
      const again = await shop.redeem(code, `p-${i}`);
      expect([held.status, spent.status, undone.status, again.status]).toEqual([
        201, 201, 200, 201,
      ]);
    }
    const shown = await env.DB.prepare(
      `SELECT count(claim_id) AS claims, count(redeemed_at) AS redeemed
       FROM codes JOIN batches ON batches.id = batch_id WHERE campaign_id = ?`,
    )
      .bind(campaign)
      .first();
    expect(shown).toEqual({ claims: 0, redeemed: 0 });
  });
});

describe("while D1 is down", () => {
  it("a code that was seen in somebody's hands goes on: held, spent, refused to others", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 20, { shards: 2 });
    const { shop, lose } = await losingD1(brand, campaign);
    const code = await shop.codeFor(campaign, "u-1");
    expect(await shop.validate(code)).toMatchObject({ valid: true });
    lose();
    expect(await shop.validate(code)).toMatchObject({ valid: true, campaign_id: campaign });
    const held = await shop.hold(code, "o-1");
    expect(held.status).toBe(201);
    expect(slugOf(await shop.redeem(code, "o-2"))).toBe("code-held");
    expect((await shop.release(held.body.id)).status).toBe(204);
    const undone = await shop.redeem(code, "o-4");
    expect((await shop.rollBack(undone.body.id)).body.status).toBe("rolled_back");
    expect((await shop.redeem(code, "o-1")).status).toBe(201);
    expect((await shop.redeem(code, "o-1")).status).toBe(200);
    expect(slugOf(await shop.redeem(code, "o-3"))).toBe("code-already-redeemed");
    expect(await shop.validate(code, { user_id: "u-2" })).toMatchObject({ reason: "not-yours" });
  });

  it("a code goes on by its hold, also where nobody has seen it", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 20);
    const elsewhere = new Shop(api, brand);
    const { shop, lose } = await losingD1(brand, campaign);
    const [one, two] = [
      await elsewhere.codeFor(campaign, "u-1"),
      await elsewhere.codeFor(campaign, "u-2"),
    ];
    const held = await elsewhere.hold(one, "o-1");
    lose();
    // As typed: other than any isolate has seen it.
    const typed = `${one} `.toLowerCase();
    const spent = await shop.redeem(` ${typed}`, "o-1", { hold_id: held.body.id });
    expect([spent.status, spent.body.code]).toEqual([201, one]);
    // A hold says nothing of another code.
    expect((await shop.redeem(`${two}  `, "o-1", { hold_id: held.body.id })).status).toBe(503);
  });

  it("any other code is neither good nor bad: 503, and then the truth", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 20);
    const elsewhere = new Shop(api, brand);
    const { shop, lose, regain } = await losingD1(brand, campaign);
    const code = `${await elsewhere.codeFor(campaign, "u-1")}   `;
    lose();
    for (const route of ["POST /v1/codes/validate", "POST /v1/redemptions", "POST /v1/holds"]) {
      const more = route.endsWith("validate") ? {} : { order_id: "o-1" };
      const ttl = route.endsWith("holds") ? { ttl_seconds: 60 } : {};
      const answer = await shop.send(route, { code, ...more, ...ttl });
      expect([route, answer.status]).toEqual([route, 503]);
      expect(answer.headers.get("Retry-After")).not.toBeNull();
    }
    const several = await shop.send("POST /v1/codes/bulk-validate", { codes: [{ code }] });
    expect(several.status).toBe(503);
    regain();
    expect((await shop.redeem(code, "o-1")).status).toBe(201);
  });

  it("a code that was revoked before stays so", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 20);
    const { shop, lose } = await losingD1(brand, campaign);
    const code = await shop.codeFor(campaign, "u-1");
    await shop.validate(code);
    await new Shop(api, brand).send("POST /v1/codes/revoke", { codes: [code] });
    lose();
    expect(slugOf(await shop.redeem(code, "o-1"))).toBe("code-revoked");
  });

  it("a code that was seen to be revoked stays so, though its pool was never told", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 20);
    const { shop, lose } = await losingD1(brand, campaign);
    const code = await shop.codeFor(campaign, "u-1");
    // A call that revokes broke off.
    await env.DB.prepare("UPDATE codes SET revoked_at = ? WHERE code = ?")
      .bind(Date.now(), code)
      .run();
    expect(await shop.validate(code)).toMatchObject({ reason: "revoked" });
    lose();
    expect(await shop.validate(code)).toMatchObject({ reason: "revoked" });
    expect(slugOf(await shop.redeem(code, "o-1"))).toBe("code-revoked");
  });

  it("what became of a code is not told from memory", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 20);
    const code = await new Shop(api, brand).codeFor(campaign, "u-1");
    const faults: Fault[] = [{ when: "before", sql: /match_key/, times: 0 }];
    const shop = new Shop(apiWith({ DB: faultyD1(env.DB, faults) }), brand);
    await shop.validate(code);
    await shop.send("POST /v1/codes/revoke", { codes: [code], reason: "leaked" });
    Object.assign(faults[0] as Fault, { times: 10 });
    expect((await shop.send("POST /v1/codes/lookup", { code })).status).toBe(503);
    Object.assign(faults[0] as Fault, { times: 0 });
    const { body } = await shop.send("POST /v1/codes/lookup", { code });
    expect(body).toMatchObject({ revoked_at: expect.any(String), revoked_reason: "leaked" });
  });

  it("no code of another brand or mode is known by what was seen of it", async () => {
    const brand = await api.newBrand();
    const rival = await api.newBrand();
    const campaign = await api.newCampaign(brand, 20);
    const others = await api.newCampaign(rival, 20);
    const { shop } = await losingD1(brand, campaign);
    const { shop: thief, lose } = await losingD1(rival, others);
    const code = await shop.codeFor(campaign, "u-1");
    await shop.validate(code);
    const held = await shop.hold(code, "o-1");
    lose();
    const answer = await thief.redeem(code, "o-2", { hold_id: held.body.id });
    // By its looks it is none of the rival's, as their copies say: that is true without D1.
    expect([404, 503]).toContain(answer.status);
    expect(answer.text).not.toContain(code);
  });
});
