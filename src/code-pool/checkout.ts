/** What becomes of codes that users hold: spent, or revoked. Synchronous: nothing awaits. */

import { refusalReason } from "../domain/redemption.ts";
import type { Ledger } from "./ledger.ts";
import type {
  HeldByUser,
  HeldClaim,
  HeldRedemption,
  RedeemOutcome,
  RedeemRequest,
  RevokeOutcome,
} from "./messages.ts";
import type { Redemption, Redemptions } from "./redemptions.ts";
import type { Place, Stock } from "./stock.ts";

export class Checkout {
  readonly #storage: DurableObjectStorage;
  readonly #ledger: Ledger;
  readonly #stock: Stock;
  readonly #redemptions: Redemptions;

  constructor(options: {
    storage: DurableObjectStorage;
    ledger: Ledger;
    stock: Stock;
    redemptions: Redemptions;
  }) {
    this.#storage = options.storage;
    this.#ledger = options.ledger;
    this.#stock = options.stock;
    this.#redemptions = options.redemptions;
  }

  /** Who holds the code, and what it was spent on. */
  inspect(place: Place): HeldClaim {
    const slot = this.#stock.slotOf(place);
    const claim = slot === null ? null : this.#ledger.ofSlot(slot);
    return claim && { claim, redemption: this.#redemptions.ofSlot(claim.slot) };
  }

  /** The user's claims, first to last, and what each was spent on. Not those that were erased. */
  heldBy(userKey: string): HeldByUser[] {
    return this.#ledger
      .heldBy(userKey)
      .filter(({ userId }) => userId !== null)
      .map((claim) => ({ claim, redemption: this.#redemptions.ofSlot(claim.slot) }));
  }

  /**
   * Spends the code, once: the same order again gets the same redemption. The schema lets no slot
   * have two.
   */
  redeem(request: RedeemRequest, now: number): RedeemOutcome {
    return this.#storage.transactionSync(() => {
      if (request.revokedAt !== null) this.#revokeOne(request.place, request.revokedAt);
      const held = this.inspect(request.place);
      if (held === null) return { kind: "refused", reason: "not-claimed" };
      const { claim, redemption } = held;
      const reason = refusalReason(claim, { userKey: request.userKey, now });
      if (reason === "redeemed" && redemption?.orderId === request.orderId) {
        return { kind: "repeated", claim, redemption };
      }
      if (reason !== null) return { kind: "refused", reason };
      const made = {
        number: this.#redemptions.lastNumber() + 1,
        slot: claim.slot,
        orderId: request.orderId,
        terms: request.terms,
        redeemedAt: now,
      };
      this.#redemptions.insert(made);
      return { kind: "redeemed", claim: { ...claim, redeemedAt: now }, redemption: made };
    });
  }

  /** From now on none of the codes is given, and none is spent. */
  revoke(places: Place[], now: number): RevokeOutcome[] {
    return this.#storage.transactionSync(() => places.map((place) => this.#revokeOne(place, now)));
  }

  #revokeOne(place: Place, now: number): RevokeOutcome {
    const held = this.inspect(place);
    if (held === null) {
      this.#stock.withdraw(place);
      return "unclaimed";
    }
    this.#ledger.revoke(held.claim.slot, now);
    return held.claim.redeemedAt === null ? "claimed" : "redeemed";
  }

  find(number: number): HeldRedemption | null {
    const redemption = this.#redemptions.find(number);
    return redemption && this.#withClaim(redemption);
  }

  /** Oldest first, those above `number`. */
  list(number: number, limit: number): HeldRedemption[] {
    return this.#redemptions.listAfter(number, limit).map((one) => this.#withClaim(one));
  }

  #withClaim(redemption: Redemption): HeldRedemption {
    const claim = this.#ledger.ofSlot(redemption.slot);
    if (claim === null) throw new Error(`Redemption ${redemption.number} has no claim`);
    return { redemption, claim };
  }
}
