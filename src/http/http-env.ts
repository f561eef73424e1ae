/** What a request carries through the routes. */

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
