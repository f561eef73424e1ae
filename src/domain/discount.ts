/** What a discount takes off an order. */

import type { Order } from "./redemption.ts";

/**
 * An offer, as on the wire. Percentages are of 100 with at most two decimals, amounts are integer
 * minor units of `currency`.
 */
export interface Discount {
  type: "percentage" | "fixed_amount" | "free_shipping" | "other";
  value?: number | undefined;
  currency?: string | undefined;
  description?: string | undefined;
}

/** Hundredths of a percent in the whole. */
const WHOLE = 10_000n;

/**
 * Minor units off the order, never more than it costs; half a unit rounds up, for the shopper. Null
 * when that is not for us to say: another currency, free shipping, or an offer of its own kind.
 */
export function discountAmount(discount: Discount | null, order: Order | null): number | null {
  if (discount?.value === undefined || order === null) return null;
  switch (discount.type) {
    case "percentage": {
      const share = BigInt(Math.round(discount.value * 100));
      return Number((BigInt(order.amount) * share + WHOLE / 2n) / WHOLE);
    }
    case "fixed_amount":
      return discount.currency === order.currency ? Math.min(discount.value, order.amount) : null;
    case "free_shipping":
    case "other":
      return null;
  }
}
