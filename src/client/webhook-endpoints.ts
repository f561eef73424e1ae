import type { List } from "./lists.ts";
import { path, type CallOptions, type CreateOptions, type Transport } from "./transport.ts";
import type { Paging } from "./types.ts";
import type {
  NewWebhookEndpoint,
  SecretRotation,
  WebhookEndpoint,
  WebhookEndpointUpdate,
  WebhookEndpointWithSecret,
} from "./webhook-types.ts";

/** Where events are sent. Answers that hold a secret are the only sight of it. */
export class WebhookEndpoints {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  create(
    endpoint: NewWebhookEndpoint,
    options: CreateOptions = {},
  ): Promise<WebhookEndpointWithSecret> {
    return this.#transport.create({ route: "POST /v1/webhook-endpoints", json: endpoint }, options);
  }

  list(paging: Paging = {}, options: CallOptions = {}): List<WebhookEndpoint> {
    return this.#transport.list("/v1/webhook-endpoints", paging, options);
  }

  get(endpoint: string, options: CallOptions = {}): Promise<WebhookEndpoint> {
    return this.#transport.get(path`/v1/webhook-endpoints/${endpoint}`, options);
  }

  update(
    endpoint: string,
    change: WebhookEndpointUpdate,
    options: CallOptions = {},
  ): Promise<WebhookEndpoint> {
    const route = `PATCH ${path`/v1/webhook-endpoints/${endpoint}`}` as const;
    return this.#transport.json({ route, json: change, isRepeatable: true, options });
  }

  /** A new secret; the old one signs, too, for `overlap_seconds`. */
  rotateSecret(
    endpoint: string,
    rotation: SecretRotation,
    options: CreateOptions = {},
  ): Promise<WebhookEndpointWithSecret> {
    const route = `POST ${path`/v1/webhook-endpoints/${endpoint}/rotate-secret`}` as const;
    return this.#transport.create({ route, json: rotation }, options);
  }

  /** For good. */
  delete(endpoint: string, options: CallOptions = {}): Promise<void> {
    const route = `DELETE ${path`/v1/webhook-endpoints/${endpoint}`}` as const;
    return this.#transport.json({ route, isRepeatable: true, options });
  }
}
