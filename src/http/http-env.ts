/** What a request carries through the routes. */

import type { Context } from "hono";
import type { Near } from "../directory/copies.ts";
import type { CampaignScope } from "../db/campaigns.ts";
import type { BrandRow } from "../db/brands.ts";
import type { ApiKeyRow } from "../db/api-keys.ts";
import { inventoryOf, type InventoryId } from "../domain/inventory.ts";
import type { Once } from "./once.ts";

export interface HttpEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    /** Set with a brand's key: whose request this is, and what it may see. */
    brand: BrandRow;
    key: ApiKeyRow;
    scope: CampaignScope;
    /** Set where the request carries an Idempotency-Key and the route takes one. */
    once: Once | undefined;
  };
}

/** Whether we may call this machine itself: in local development only. */
export function allowsLoopback({ LOOPBACK_TARGETS }: { LOOPBACK_TARGETS: string }): boolean {
  return LOOPBACK_TARGETS === "allowed";
}

/** Where a typed code is looked for: a key knows the codes of its own mode, and no others. */
export function inventoryOfKey(c: { var: HttpEnv["Variables"] }): InventoryId {
  return inventoryOf(c.var.brand.id, c.var.key.mode);
}

/** What the directory works with, for the length of one request. */
export function near(c: Context<HttpEnv>): Near {
  return {
    kv: c.env.DIRECTORY,
    db: c.env.DB,
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  };
}
