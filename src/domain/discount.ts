/** What a discount takes off an order, and which orders it is for. */

import type { Order } from "./redemption.ts";

/**
 * An offer, as on the wire. Percentages are of 100 with at most two decimals, amounts are integer
 * minor units of `currency`, which is there whenever there is an amount.
 */
export interface Discount {
  type: "percentage" | "fixed_amount" | "free_shipping" | "other";
  value?: number | undefined;
  currency?: string | undefined;
  /** Smaller orders get nothing. */
  minimum_order_amount?: number | undefined;
  /** No more than this comes off, of a percentage. */
  maximum_discount_amount?: number | undefined;
  description?: string | undefined;
}

/** Hundredths of a percent in the whole. */
const WHOLE = 10_000n;

/**
 * Minor units off the order, never more than it costs nor than the discount's maximum; half a unit
 * rounds up, for the shopper. Null when that is not for us to say: another currency, free shipping,
 * or an offer of its own kind. An order that the discount is not for is `orderRefusal`'s to refuse.
 */
export function discountAmount(discount: Discount | null, order: Order | null): number | null {
  if (discount?.value === undefined || order === null) return null;
  if (isForeign(discount, order)) return null;
  switch (discount.type) {
    case "percentage": {
      const share = BigInt(Math.round(discount.value * 100));
      const part = Number((BigInt(order.amount) * share + WHOLE / 2n) / WHOLE);
      return Math.min(part, discount.maximum_discount_amount ?? part);
    }
    case "fixed_amount":
      return Math.min(discount.value, order.amount);
    case "free_shipping":
    case "other":
      return null;
  }
}

/** `order-required`: nobody said what the order comes to, and a minimum is set. */
export type OrderRefusal = "order-required" | "currency-mismatch" | "order-too-small";

/** Why the discount is not for this order, so that no code is spent on it; null when it is. */
export function orderRefusal(discount: Discount | null, order: Order | null): OrderRefusal | null {
  if (discount === null) return null;
  const { minimum_order_amount: minimum } = discount;
  if (order === null) return minimum === undefined ? null : "order-required";
  if (isForeign(discount, order)) return "currency-mismatch";
  return minimum !== undefined && order.amount < minimum ? "order-too-small" : null;
}

function isForeign({ currency }: Discount, order: Order): boolean {
  return currency !== undefined && currency !== order.currency;
}
