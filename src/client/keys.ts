import type { List } from "./lists.ts";
import { path, type CallOptions, type CreateOptions, type Transport } from "./transport.ts";
import type { ApiKey, ApiKeyWithText, KeyRotation, KeyUpdate, NewApiKey, Paging } from "./types.ts";

/** A brand's API keys. Answers that hold a key are the only sight of it. */
export class Keys {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  create(key: NewApiKey, options: CreateOptions = {}): Promise<ApiKeyWithText> {
    return this.#transport.create({ route: "POST /v1/keys", json: key }, options);
  }

  list(paging: Paging = {}, options: CallOptions = {}): List<ApiKey> {
    return this.#transport.list("/v1/keys", paging, options);
  }

  get(key: string, options: CallOptions = {}): Promise<ApiKey> {
    return this.#transport.get(path`/v1/keys/${key}`, options);
  }

  update(key: string, change: KeyUpdate, options: CallOptions = {}): Promise<ApiKey> {
    const route = `PATCH ${path`/v1/keys/${key}`}` as const;
    return this.#transport.json({ route, json: change, isRepeatable: true, options });
  }

  /** A new key in its place; the old one stays good for `overlap_seconds`. */
  rotate(key: string, rotation: KeyRotation, options: CreateOptions = {}): Promise<ApiKeyWithText> {
    const route = `POST ${path`/v1/keys/${key}/rotate`}` as const;
    return this.#transport.create({ route, json: rotation }, options);
  }

  /** For good. */
  revoke(key: string, options: CallOptions = {}): Promise<void> {
    const route = `DELETE ${path`/v1/keys/${key}`}` as const;
    return this.#transport.json({ route, isRepeatable: true, options });
  }
}
