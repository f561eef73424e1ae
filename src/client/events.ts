import type { List } from "./lists.ts";
import type { CallOptions, Transport } from "./transport.ts";
import type { Event, Paging } from "./types.ts";

export class Events {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Oldest first. Of one campaign, `after` is the last sequence that you know: what follows is all
   * that you missed.
   */
  list(
    filter: Paging & { campaign_id?: string; type?: Event["type"]; after?: number } = {},
    options: CallOptions = {},
  ): List<Event> {
    return this.#transport.list("/v1/events", filter, options);
  }
}
