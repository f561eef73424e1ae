import { describe, expect, it } from "vitest";
import { Shop } from "../support/checkout.ts";
import { countingApi } from "../support/watched-api.ts";
import { api } from "../support/worker-api.ts";

interface Verdict {
  code: string;
  valid: boolean;
  reason: string | null;
  discount_amount?: number;
}

interface Spent {
  code: string;
  order_id: string;
  result: string;
  reason: string | null;
  redemption: { id: string; code: string; discount_amount: number | null } | null;
}

async function newShop() {
  const shop = new Shop(api, await api.newBrand());
  const one = await api.newCampaign(shop.brand, 20, {
    shards: 3,
    discount: { type: "percentage", value: 15 },
  });
  const two = await api.newCampaign(shop.brand, 5, { holder_only: true });
  return { shop, one, two };
}

const validateAll = (shop: Shop, codes: object[]) =>
  shop.send<{ data: Verdict[] }>("POST /v1/codes/bulk-validate", { codes });
const redeemAll = (shop: Shop, redemptions: object[]) =>
  shop.send<{ data: Spent[] }>("POST /v1/codes/bulk-redeem", { redemptions });

describe("many codes in one call", () => {
  it("are judged each for itself, in order", async () => {
    const { shop, one, two } = await newShop();
    const [a, b, c] = [
      await shop.codeFor(one, "u-1"),
      await shop.codeFor(one, "u-2"),
      await shop.codeFor(two, "u-3"),
    ];
    await shop.redeem(b, "o-1");
    const order = { amount: 1_010, currency: "EUR" };
    const answer = await validateAll(shop, [
      { code: "NO-SUCH-CODE" },
      { code: a.toLowerCase(), order },
      { code: b },
      { code: c },
      { code: c, user_id: "u-3" },
      { code: a, user_id: "u-9" },
      { code: a },
    ]);
    expect(answer.status).toBe(200);
    expect(answer.body.data).toMatchObject([
      { code: "NO-SUCH-CODE", valid: false, reason: "unknown" },
      { code: a.toLowerCase(), valid: true, reason: null, discount_amount: 152 },
      { code: b, reason: "redeemed" },
      { code: c, reason: "not-yours" },
      { code: c, valid: true },
      { code: a, reason: "not-yours" },
      { code: a, valid: true },
    ]);
  });

  it("are spent each for itself, once, and again gives the same", async () => {
    const { shop, one, two } = await newShop();
    const codes: string[] = [];
    for (let i = 0; i < 6; i++) codes.push(await shop.codeFor(one, `u-${i}`));
    const theirs = await shop.codeFor(two, "u-9");
    const held = await shop.hold(codes[1] ?? "", "cart-1");
    await shop.hold(codes[2] ?? "", "cart-2");
    const asked = [
      { code: codes[0], order_id: "o-0", order: { amount: 1_000, currency: "EUR" } },
      { code: codes[1], order_id: "o-1", hold_id: held.body.id },
      { code: codes[2], order_id: "o-2" },
      { code: codes[3], order_id: "o-3", hold_id: held.body.id },
      { code: codes[0], order_id: "o-9" },
      { code: codes[0], order_id: "o-0" },
      { code: theirs, order_id: "o-4" },
      { code: "NO-SUCH-CODE", order_id: "o-5" },
    ];
    const first = await redeemAll(shop, asked);
    expect(first.status).toBe(200);
    expect(first.body.data.map(({ result, reason }) => [result, reason])).toEqual([
      ["redeemed", null],
      ["redeemed", null],
      ["refused", "held"],
      ["refused", "wrong-hold"],
      ["refused", "redeemed"],
      ["repeated", null],
      ["refused", "not-yours"],
      ["refused", "unknown"],
    ]);
    expect(first.body.data[0]?.redemption).toMatchObject({ discount_amount: 150 });
    const again = await redeemAll(shop, asked);
    expect(again.body.data.slice(0, 2).map(({ result }) => result)).toEqual([
      "repeated",
      "repeated",
    ]);
    expect(again.body.data.map(({ redemption }) => redemption)).toEqual(
      first.body.data.map(({ redemption }) => redemption),
    );
  });

  it("sent by several at once are spent by one each", async () => {
    const { shop, one } = await newShop();
    const codes: string[] = [];
    for (let i = 0; i < 20; i++) codes.push(await shop.codeFor(one, `u-${i}`));
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, caller) =>
        redeemAll(
          shop,
          codes.map((code) => ({ code, order_id: `o-${caller}` })),
        ),
      ),
    );
    const spent = answers
      .flatMap(({ body }) => body.data)
      .filter(({ result }) => result === "redeemed");
    expect(spent.length).toBe(20);
    expect(new Set(spent.map(({ code }) => code)).size).toBe(20);
  });

  it("cost one look into D1 and one call to each pool", async () => {
    const { shop, one, two } = await newShop();
    const codes: { code: string; order_id: string }[] = [];
    for (let i = 0; i < 20; i++) {
      codes.push({ code: await shop.codeFor(one, `u-${i}`), order_id: `o-${i}` });
    }
    const { api: watched, calls } = countingApi();
    const counted = new Shop(watched, shop.brand);
    await validateAll(counted, codes);
    Object.assign(calls, { d1: 0, objects: 0 });
    await redeemAll(counted, codes);
    expect(calls).toEqual({ d1: 1, objects: 3 });
    // Codes that nobody has are asked for no oftener.
    const code = await shop.codeFor(two, "u-1");
    const theirs = await api.listAll<{ code: string }>(
      shop.brand.secret,
      `/v1/campaigns/${two}/codes`,
    );
    Object.assign(calls, { d1: 0, objects: 0 });
    const refused = await redeemAll(
      counted,
      theirs
        .filter((row) => row.code !== code)
        .map((row) => ({ code: row.code, order_id: "o", user_id: "u-1" })),
    );
    expect(refused.body.data.map(({ reason }) => reason)).toEqual(
      Array.from({ length: 4 }, () => "not-claimed"),
    );
    expect(calls).toEqual({ d1: 1, objects: 1 });
  });

  it("cost no more where nobody has them: a mark for all, if the campaign redeems them", async () => {
    const { shop, one } = await newShop();
    const [given, ...rest] = await api.listAll<{ code: string }>(
      shop.brand.secret,
      `/v1/campaigns/${one}/codes`,
    );
    await shop.codeFor(one, "u-1");
    const orders = [given, ...rest].map((row, i) => ({
      code: row?.code ?? "",
      order_id: `o-${i}`,
    }));
    const { api: watched, calls } = countingApi();
    const counted = new Shop(watched, shop.brand);
    await validateAll(counted, orders);
    Object.assign(calls, { d1: 0, objects: 0 });
    await redeemAll(counted, orders);
    expect(calls.d1).toBe(1);
    expect(calls.objects).toBeLessThanOrEqual(3);
    await shop.send(`PATCH /v1/campaigns/${one}`, { redeem_unclaimed: true });
    await validateAll(counted, orders);
    Object.assign(calls, { d1: 0, objects: 0 });
    const { body } = await redeemAll(counted, orders);
    expect(body.data.filter(({ result }) => result !== "refused").length).toBe(20);
    expect(calls.d1).toBeLessThanOrEqual(3);
    expect(calls.objects).toBeLessThanOrEqual(6);
  });

  it("are at most 100, and at least one", async () => {
    const { shop } = await newShop();
    const many = Array.from({ length: 101 }, (_, i) => ({ code: `X${i}`, order_id: "o" }));
    expect((await redeemAll(shop, many)).status).toBe(422);
    expect((await validateAll(shop, [])).status).toBe(422);
    expect(
      (
        await validateAll(
          shop,
          many.slice(0, 1).map(({ code }) => ({ code })),
        )
      ).status,
    ).toBe(200);
  });
});
