import type {
  BulkRedemption,
  Hold,
  NewBulkRedemption,
  NewHold,
  NewRedemption,
  NewRollback,
  Redemption,
} from "./checkout-types.ts";
import type { Claim, ExportedClaim, ExportedRedemption, NewClaim } from "./code-types.ts";
import type { Export, ExportFormat, List } from "./lists.ts";
import { path, type CallOptions, type CreateOptions, type Transport } from "./transport.ts";
import type { Paging } from "./types.ts";
import type { UserOptions } from "./user-token.ts";

export class Claims {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Gives the user a code: the one that the user holds, or one that nobody else ever gets. Where a
   * campaign gives a user several, each call gives the next; pass an `idempotencyKey` of your own
   * to repeat a call after this process has ended. From a page, with a publishable key, `userToken`
   * says who the user is, and the claim names none.
   */
  create(
    campaign: string,
    claim: NewClaim = {},
    options: CreateOptions & UserOptions = {},
  ): Promise<Claim> {
    const route = `POST ${path`/v1/campaigns/${campaign}/claims`}` as const;
    const { userToken = this.#transport.userToken, ...rest } = options;
    return this.#transport.create({ route, json: claim, userToken }, rest);
  }

  /**
   * Shows the code that was reserved, where the campaign reveals on demand; its life begins now.
   * Again: the same. From a page `userToken` says who the user is. Throws claim-lapsed when it is
   * too late.
   */
  reveal(claim: string, options: CallOptions & UserOptions = {}): Promise<Claim> {
    const route = `POST ${path`/v1/claims/${claim}/reveal`}` as const;
    const { userToken = this.#transport.userToken, ...rest } = options;
    return this.#transport.json({ route, userToken, isRepeatable: true, options: rest });
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

/** Of a call that the order's id makes repeatable; a key of one's own is checked beside that. */
type OrderOptions = CallOptions & { idempotencyKey?: string };

function keyed({ idempotencyKey, ...options }: OrderOptions) {
  const headers = idempotencyKey === undefined ? {} : { "Idempotency-Key": idempotencyKey };
  return { headers, isRepeatable: true, options };
}

/** Codes kept for orders while their users pay. */
export class Holds {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The same code and order again: the same hold, for longer if need be. */
  create(hold: NewHold, options: OrderOptions = {}): Promise<Hold> {
    return this.#transport.json({ route: "POST /v1/holds", json: hold, ...keyed(options) });
  }

  get(hold: string, options: CallOptions = {}): Promise<Hold> {
    return this.#transport.get(path`/v1/holds/${hold}`, options);
  }

  /** The code may be held or spent again. One that has ended stays as it ended. */
  release(hold: string, options: CallOptions = {}): Promise<void> {
    const route = `DELETE ${path`/v1/holds/${hold}`}` as const;
    return this.#transport.json({ route, isRepeatable: true, options });
  }
}

export class Redemptions {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Spends a code on an order. The same code and order again: the same redemption. */
  create(redemption: NewRedemption, options: OrderOptions = {}): Promise<Redemption> {
    const route = "POST /v1/redemptions";
    return this.#transport.json({ route, json: redemption, ...keyed(options) });
  }

  /** At most 100 at once, each for itself: one that is refused keeps no other from being spent. */
  createMany(redemptions: NewBulkRedemption, options: CallOptions = {}): Promise<BulkRedemption> {
    const route = "POST /v1/codes/bulk-redeem";
    return this.#transport.json({ route, json: redemptions, isRepeatable: true, options });
  }

  /** Undoes a redemption: its code may be spent again. The first reason stays. */
  rollBack(
    redemption: string,
    rollback: NewRollback,
    options: CallOptions = {},
  ): Promise<Redemption> {
    const route = `POST ${path`/v1/redemptions/${redemption}/rollback`}` as const;
    return this.#transport.json({ route, json: rollback, isRepeatable: true, options });
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
