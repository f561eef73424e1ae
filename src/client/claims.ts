import type {
  Claim,
  ExportedClaim,
  ExportedRedemption,
  NewClaim,
  NewRedemption,
  Redemption,
} from "./code-types.ts";
import type { Export, ExportFormat, List } from "./lists.ts";
import { path, type CallOptions, type CreateOptions, type Transport } from "./transport.ts";
import type { Paging } from "./types.ts";

export class Claims {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Gives the user a code: the one that the user holds, or one that nobody else ever gets. Where a
   * campaign gives a user several, each call gives the next; pass an `idempotencyKey` of your own
   * to repeat a call after this process has ended. From a page, with a publishable key, `userToken`
   * says who the user is.
   */
  create(
    campaign: string,
    claim: NewClaim,
    options: CreateOptions & { userToken?: string } = {},
  ): Promise<Claim> {
    const route = `POST ${path`/v1/campaigns/${campaign}/claims`}` as const;
    const { userToken, ...rest } = options;
    const headers = userToken === undefined ? {} : { "Codedrop-User-Token": userToken };
    return this.#transport.create({ route, json: claim, headers }, rest);
  }

  get(claim: string, options: CallOptions = {}): Promise<Claim> {
    return this.#transport.get(path`/v1/claims/${claim}`, options);
  }

  list(
    campaign: string,
    filter: Paging & { user_id?: string } = {},
    options: CallOptions = {},
  ): List<Claim> {
    return this.#transport.list(path`/v1/campaigns/${campaign}/claims`, filter, options);
  }

  export(
    campaign: string,
    filter: { format?: ExportFormat } = {},
    options: CallOptions = {},
  ): Export<ExportedClaim> {
    return this.#transport.export(path`/v1/campaigns/${campaign}/claims/export`, filter, options);
  }
}

export class Redemptions {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Spends a code on an order. The same code and order again: the same redemption. */
  create(
    redemption: NewRedemption,
    options: CallOptions & { idempotencyKey?: string } = {},
  ): Promise<Redemption> {
    const { idempotencyKey, ...call } = options;
    return this.#transport.json({
      route: "POST /v1/redemptions",
      json: redemption,
      ...(idempotencyKey === undefined ? {} : { headers: { "Idempotency-Key": idempotencyKey } }),
      isRepeatable: true,
      options: call,
    });
  }

  get(redemption: string, options: CallOptions = {}): Promise<Redemption> {
    return this.#transport.get(path`/v1/redemptions/${redemption}`, options);
  }

  export(
    campaign: string,
    filter: { format?: ExportFormat } = {},
    options: CallOptions = {},
  ): Export<ExportedRedemption> {
    return this.#transport.export(
      path`/v1/campaigns/${campaign}/redemptions/export`,
      filter,
      options,
    );
  }
}
