import type { List } from "./lists.ts";
import type { CallOptions, Transport } from "./transport.ts";
import type { Event } from "./event-types.ts";
import type { Paging } from "./types.ts";

export class Events {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Oldest first. `after` is the id of the last event that you know, or of one campaign its
   * sequence: what follows is all that you missed.
   */
  list(
    filter: Paging & { campaign_id?: string; type?: Event["type"]; after?: string | number } = {},
    options: CallOptions = {},
  ): List<Event> {
    return this.#transport.list("/v1/events", filter, options);
  }
}
