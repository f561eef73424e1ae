/** Calls from one shard of a campaign to the others. */

import type { CampaignRow } from "../db/campaigns.ts";
import { poolName } from "../domain/claim.ts";
import type { StockAnswer } from "./refill.ts";
import type { Settings } from "./settings.ts";
import { poolCampaign } from "./stub.ts";

export class Siblings {
  readonly #pools: () => Env["CODE_POOL"];
  readonly #settings: Settings;

  constructor(options: { pools: () => Env["CODE_POOL"]; settings: Settings }) {
    this.#pools = options.pools;
    this.#settings = options.settings;
  }

  giveBack(shard: number): Promise<StockAnswer | null> {
    const { campaign } = this.#settings.current();
    return this.#pools().getByName(poolName(campaign.id, shard)).giveBack();
  }

  /** Lets every shard, this one too, take over what D1 says of the campaign. */
  async configureAll(campaign: CampaignRow): Promise<void> {
    const settings = poolCampaign(campaign);
    const own = this.#settings.current().shard;
    this.#settings.newest(settings, own);
    const others = Array.from({ length: campaign.shards }, (_, shard) => shard);
    others.splice(own, 1);
    await Promise.all(
      others.map((shard) =>
        this.#pools().getByName(poolName(campaign.id, shard)).configure(settings, shard),
      ),
    );
  }
}
