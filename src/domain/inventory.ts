/**
 * Whose a code is. A brand has two inventories: that of its live campaigns and that of its test
 * campaigns. Neither knows of the other's codes, of how they look, or of the keys of their check
 * characters, so nothing that is done in one can be told in the other.
 */

import type { KeyMode } from "./api-key.ts";

declare const isInventory: unique symbol;

/** Names an inventory. No other text is one, so that a brand's id does not pass for it. */
export type InventoryId = string & { [isInventory]: true };

/** The live one is named as its brand, as it was before there were two (migration 0015). */
export function inventoryOf(brandId: string, mode: KeyMode): InventoryId {
  return (mode === "live" ? brandId : `${brandId}/test`) as InventoryId;
}
