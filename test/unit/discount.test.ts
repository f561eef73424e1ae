import { Decimal } from "decimal.js";
import { describe, expect, it } from "vitest";
import { isCurrency } from "../../src/domain/currency.ts";
import { discountAmount, orderRefusal, type Discount } from "../../src/domain/discount.ts";
import type { Order } from "../../src/domain/redemption.ts";
import { AMOUNT_MAX } from "../../src/http/campaign-schemas.ts";
import { Random } from "../support/random.ts";

const SEED = 20_261_124;
const CASES = 20_000;

/** No digit of any case is lost: AMOUNT_MAX times a percentage has 17 of them. */
const Exact = Decimal.clone({ precision: 40, rounding: Decimal.ROUND_HALF_UP });

/** What comes off, as a library for decimals has it. */
function oracle({ type, value = 0, ...limits }: Discount, { amount }: Order): number {
  const total = new Exact(amount);
  const off = type === "percentage" ? total.times(value).div(100).toDecimalPlaces(0) : value;
  return Exact.min(off, total, limits.maximum_discount_amount ?? Infinity).toNumber();
}

const eur = (amount: number): Order => ({ amount, currency: "EUR" });
const percent = (value: number, maximum?: number): Discount => ({
  type: "percentage",
  value,
  ...(maximum === undefined ? {} : { maximum_discount_amount: maximum, currency: "EUR" }),
});
const fixed = (value: number, currency = "EUR"): Discount => ({
  type: "fixed_amount",
  value,
  currency,
});

const amounts: [string, Discount, Order, number][] = [
  ["half a unit goes up", percent(15), eur(4_990), 749],
  ["a little less goes down", percent(12.49), eur(100), 12],
  ["a half that binary fractions miss goes up", percent(4.35), eur(1_000), 44],
  ["a half of the smallest percentage goes up", percent(0.01), eur(5_000), 1],
  ["less than half a unit is nothing", percent(0.01), eur(4_999), 0],
  ["half of one unit is that unit", percent(50), eur(1), 1],
  ["a third of one unit is nothing", percent(33.33), eur(1), 0],
  ["nearly all of one unit is that unit", percent(99.99), eur(1), 1],
  ["all is all", percent(100), eur(4_991), 4_991],
  ["of nothing comes nothing", percent(100), eur(0), 0],
  ["the largest order keeps its digits", percent(33.33), eur(AMOUNT_MAX - 1), 333_300_000_000],
  ["the largest order may be free", percent(100), eur(AMOUNT_MAX), AMOUNT_MAX],
  ["yen have no fractions", percent(10), { amount: 105, currency: "JPY" }, 11],
  ["fils are thousandths", percent(5), { amount: 12_345, currency: "KWD" }, 617],
  ["a maximum caps", percent(15, 500), eur(4_990), 500],
  ["a maximum that is just reached changes nothing", percent(15, 749), eur(4_990), 749],
  ["a maximum caps what was rounded up to it", percent(15, 748), eur(4_990), 748],
  ["a maximum above the order changes nothing", percent(100, AMOUNT_MAX), eur(7), 7],
  ["a fixed amount is itself", fixed(500), eur(4_990), 500],
  ["a fixed amount above the order is the order", fixed(500), eur(499), 499],
  ["a fixed amount off nothing is nothing", fixed(500), eur(0), 0],
  ["the largest fixed amount fits", fixed(AMOUNT_MAX), eur(AMOUNT_MAX), AMOUNT_MAX],
  ["a fixed amount of yen", fixed(300, "JPY"), { amount: 250, currency: "JPY" }, 250],
  ["a fixed amount of dinars", fixed(1_500, "KWD"), { amount: 2_001, currency: "KWD" }, 1_500],
];

/** From 0 to AMOUNT_MAX, all magnitudes alike. */
function anyAmount(random: Random): number {
  const magnitude = 10 ** random.int(0, 12);
  return Math.min(AMOUNT_MAX, Math.floor(random.next() * magnitude) + random.int(0, 99));
}

function anyCase(random: Random): [Discount, Order] {
  const currency = random.pick(["EUR", "JPY", "KWD"]);
  const order = { amount: anyAmount(random), currency };
  if (random.chance(0.2)) return [fixed(Math.max(1, anyAmount(random)), currency), order];
  // Half of them are such as people choose, which meet halves more often.
  const discount = percent(
    random.chance(0.5) ? random.int(1, 10_000) / 100 : random.int(1, 200) / 2,
  );
  if (random.chance(0.5)) return [discount, order];
  return [
    { ...discount, currency, maximum_discount_amount: Math.max(1, anyAmount(random)) },
    order,
  ];
}

describe("what comes off an order", () => {
  it.each(amounts)("%s", (_, discount, order, off) => {
    expect([discountAmount(discount, order), oracle(discount, order)]).toEqual([off, off]);
  });

  it("is to the unit what a library for decimals says, and never more than the order", () => {
    const random = new Random(SEED);
    let halves = 0;
    let capped = 0;
    for (let i = 0; i < CASES; i++) {
      const [discount, order] = anyCase(random);
      const off = discountAmount(discount, order);
      const expected = oracle(discount, order);
      if (off !== expected) expect([discount, order, off]).toEqual([discount, order, expected]);
      expect(off).toBeLessThanOrEqual(order.amount);
      const hundredths = new Exact(order.amount).times(discount.value ?? 0).mod(100);
      if (discount.type === "percentage" && hundredths.eq(50)) halves += 1;
      if (off === discount.maximum_discount_amount) capped += 1;
    }
    // Else it would not be the rounding and the maximum that were compared.
    expect(halves).toBeGreaterThan(50);
    expect(capped).toBeGreaterThan(1_000);
  });

  it("is not said without an order, without a value, or in another currency", () => {
    expect(discountAmount(null, eur(100))).toBeNull();
    for (const discount of [percent(10), fixed(10)]) {
      expect(discountAmount(discount, null)).toBeNull();
    }
    for (const type of ["free_shipping", "other"] as const) {
      expect(discountAmount({ type }, eur(100))).toBeNull();
    }
    const yen = { amount: 100, currency: "JPY" };
    expect(discountAmount(fixed(10), yen)).toBeNull();
    expect(discountAmount(percent(10, 5), yen)).toBeNull();
    expect(discountAmount(percent(10), yen)).toBe(10);
  });
});

describe("an order that a discount is not for", () => {
  const from = (minimum: number, discount: Discount): Discount => ({
    ...discount,
    currency: "EUR",
    minimum_order_amount: minimum,
  });
  const yen = { amount: AMOUNT_MAX, currency: "JPY" };
  const discounts = [
    percent(10),
    fixed(500),
    { type: "free_shipping" },
    { type: "other" },
  ] as const;

  it.each(discounts)("is below the minimum of $type", (discount) => {
    const limited = from(5_000, discount);
    expect(orderRefusal(limited, eur(4_999))).toBe("order-too-small");
    expect(orderRefusal(limited, eur(0))).toBe("order-too-small");
    expect(orderRefusal(limited, eur(5_000))).toBeNull();
    expect(orderRefusal(limited, eur(AMOUNT_MAX))).toBeNull();
  });

  it.each(discounts)("is one that nobody named, where $type has a minimum", (discount) => {
    expect(orderRefusal(from(1, discount), null)).toBe("order-required");
    expect(orderRefusal(discount, null)).toBeNull();
  });

  it("is in another currency than the discount's amounts", () => {
    for (const discount of [fixed(10), percent(10, 5), from(1, { type: "free_shipping" })]) {
      expect(orderRefusal(discount, yen)).toBe("currency-mismatch");
      expect(orderRefusal(discount, eur(1))).toBeNull();
    }
    // Amounts of two currencies say nothing of which is more.
    expect(orderRefusal(from(5_000, percent(10)), { ...yen, amount: 1 })).toBe("currency-mismatch");
  });

  it("is none where the discount names no amount, or there is no discount", () => {
    for (const discount of [percent(10), { type: "free_shipping" }, { type: "other" }] as const) {
      for (const order of [eur(0), yen]) expect(orderRefusal(discount, order)).toBeNull();
    }
    for (const order of [null, yen]) expect(orderRefusal(null, order)).toBeNull();
    expect(orderRefusal(percent(10, 5), null)).toBeNull();
    expect(orderRefusal(fixed(10), null)).toBeNull();
  });
});

describe("a currency", () => {
  it("is one of ISO 4217, as it is written there", () => {
    for (const code of ["EUR", "USD", "JPY", "KWD", "CLF", "UYW", "SLE", "XCG", "ZWG"]) {
      expect([code, isCurrency(code)]).toEqual([code, true]);
    }
    for (const code of ["", "eur", "EU", "EURO", "EUX", "BTC", "XXX", "XTS", "XAU"]) {
      expect([code, isCurrency(code)]).toEqual([code, false]);
    }
  });
});
