/** What a request carries through the routes. */

import type { Context } from "hono";
import type { Near } from "../directory/copies.ts";
import type { CampaignScope } from "../db/campaigns.ts";
import type { BrandRow } from "../db/brands.ts";
import type { KeyMode } from "../domain/api-key.ts";

export interface HttpEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    /** Set by `secretKey`: whose request this is, and what it may see. */
    brand: BrandRow;
    keyMode: KeyMode;
    scope: CampaignScope;
  };
}

/** What the directory works with, for the length of one request. */
export function near(c: Context<HttpEnv>): Near {
  return {
    kv: c.env.DIRECTORY,
    db: c.env.DB,
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  };
}
