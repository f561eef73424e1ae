import type { LiveStock } from "./code-types.ts";
import type { List } from "./lists.ts";
import { liveStock } from "./live.ts";
import { watch } from "./time.ts";
import { path, type CallOptions, type CreateOptions, type Transport } from "./transport.ts";
import type {
  Batch,
  Campaign,
  CampaignUpdate,
  NewBatch,
  NewCampaign,
  Paging,
  PublicCampaign,
} from "./types.ts";

/** Twice the time after which a feed that has nothing to tell says that it is alive. */
const LIVE_TIMEOUT_MS = 30_000;

/** A campaign is named by its id or its slug throughout. */
export class Campaigns {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  create(campaign: NewCampaign, options: CreateOptions = {}): Promise<Campaign> {
    return this.#transport.create({ route: "POST /v1/campaigns", json: campaign }, options);
  }

  list(paging: Paging = {}, options: CallOptions = {}): List<Campaign> {
    return this.#transport.list("/v1/campaigns", paging, options);
  }

  get(campaign: string, options: CallOptions = {}): Promise<Campaign> {
    return this.#transport.get(path`/v1/campaigns/${campaign}`, options);
  }

  /** The campaign as a page may see it: with a publishable key, in a browser. */
  view(campaign: string, options: CallOptions = {}): Promise<PublicCampaign> {
    return this.#transport.get(path`/v1/campaigns/${campaign}`, options);
  }

  update(campaign: string, change: CampaignUpdate, options: CallOptions = {}): Promise<Campaign> {
    const route = `PATCH ${path`/v1/campaigns/${campaign}`}` as const;
    return this.#transport.json({ route, json: change, isRepeatable: true, options });
  }

  /**
   * Its stock as it goes, at once and then whenever it changes. Ends after 10 minutes, or with the
   * campaign; throws when it is cut before. `break`, or the signal, hangs up.
   */
  async *live(campaign: string, options: CallOptions = {}): AsyncGenerator<LiveStock, void> {
    const route = `GET ${path`/v1/campaigns/${campaign}/live`}` as const;
    const call = { timeoutMs: LIVE_TIMEOUT_MS, ...options };
    yield* liveStock(await this.#transport.stream({ route, isRepeatable: true, options: call }));
  }

  /** Hands out no code until it is resumed. */
  pause(campaign: string, options: CallOptions = {}): Promise<Campaign> {
    return this.#turn(campaign, "pause", options);
  }

  resume(campaign: string, options: CallOptions = {}): Promise<Campaign> {
    return this.#turn(campaign, "resume", options);
  }

  /** For good. */
  end(campaign: string, options: CallOptions = {}): Promise<Campaign> {
    return this.#turn(campaign, "end", options);
  }

  #turn(campaign: string, verb: string, options: CallOptions): Promise<Campaign> {
    const route = `POST ${path`/v1/campaigns/${campaign}/${verb}`}` as const;
    return this.#transport.json({ route, isRepeatable: true, options });
  }
}

export class Batches {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** A small batch is complete in the answer; a large one is running: `watch` it. */
  create(campaign: string, batch: NewBatch, options: CreateOptions = {}): Promise<Batch> {
    const route = `POST ${path`/v1/campaigns/${campaign}/batches`}` as const;
    return this.#transport.create({ route, json: batch }, options);
  }

  get(batch: string, options: CallOptions = {}): Promise<Batch> {
    return this.#transport.get(path`/v1/batches/${batch}`, options);
  }

  list(campaign: string, paging: Paging = {}, options: CallOptions = {}): List<Batch> {
    return this.#transport.list(path`/v1/campaigns/${campaign}/batches`, paging, options);
  }

  /** Codes that were made stay. */
  cancel(batch: string, options: CallOptions = {}): Promise<Batch> {
    const route = `POST ${path`/v1/batches/${batch}/cancel`}` as const;
    return this.#transport.json({ route, isRepeatable: true, options });
  }

  /** The batch as it is now, and again and again until it is no longer running. */
  watch(
    batch: string,
    options: CallOptions & { intervalMs?: number } = {},
  ): AsyncGenerator<Batch, void> {
    return watch((call) => this.get(batch, call), options);
  }
}
