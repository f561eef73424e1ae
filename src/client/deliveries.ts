import type { Delivery } from "./delivery-types.ts";
import type { List } from "./lists.ts";
import { path, type CallOptions, type Transport } from "./transport.ts";
import type { Paging } from "./types.ts";

/** Events on their way to webhook endpoints. */
export class Deliveries {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Newest first. */
  list(
    filter: Paging & { endpoint_id?: string; status?: Delivery["status"] } = {},
    options: CallOptions = {},
  ): List<Delivery> {
    return this.#transport.list("/v1/deliveries", filter, options);
  }

  get(delivery: string, options: CallOptions = {}): Promise<Delivery> {
    return this.#transport.get(path`/v1/deliveries/${delivery}`, options);
  }

  /** Sends it again, whatever became of it. */
  retry(delivery: string, options: CallOptions = {}): Promise<Delivery> {
    const route = `POST ${path`/v1/deliveries/${delivery}/retry`}` as const;
    return this.#transport.json({ route, isRepeatable: true, options });
  }

  /** Sends a `webhook.test` to an endpoint, once and at once; the delivery has its one attempt. */
  test(endpoint: string, options: CallOptions = {}): Promise<Delivery> {
    const route = `POST ${path`/v1/webhook-endpoints/${endpoint}/test`}` as const;
    return this.#transport.json({ route, isRepeatable: true, options });
  }
}
