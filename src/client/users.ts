import type { Erasure, UserInCampaign } from "./code-types.ts";
import type { List } from "./lists.ts";
import { path, type CallOptions, type Transport } from "./transport.ts";
import type { Paging } from "./types.ts";

/** A brand's users, named by the brand's own ids of them. */
export class Users {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Everything held about a user, campaign by campaign. Throws not-found where that is nothing. */
  get(userId: string, paging: Paging = {}, options: CallOptions = {}): List<UserInCampaign> {
    return this.#transport.list(path`/v1/users/${userId}`, paging, options);
  }

  /** Complete in the answer, as a rule; a running one is seen through: `erasure` tells how far. */
  erase(userId: string, options: CallOptions = {}): Promise<Erasure> {
    const route = `DELETE ${path`/v1/users/${userId}`}` as const;
    return this.#transport.json({ route, isRepeatable: true, options });
  }

  erasure(erasure: string, options: CallOptions = {}): Promise<Erasure> {
    return this.#transport.get(path`/v1/erasures/${erasure}`, options);
  }
}
