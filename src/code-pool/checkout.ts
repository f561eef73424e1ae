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
import type { Requests } from "./requests.ts";
import type { Redemption, Redemptions } from "./redemptions.ts";
import type { Place, Stock } from "./stock.ts";

export class Checkout {
  readonly #storage: DurableObjectStorage;
  readonly #ledger: Ledger;
  readonly #stock: Stock;
  readonly #redemptions: Redemptions;
  readonly #requests: Requests;

  constructor(options: {
    storage: DurableObjectStorage;
    ledger: Ledger;
    stock: Stock;
    redemptions: Redemptions;
    requests: Requests;
  }) {
    this.#storage = options.storage;
    this.#ledger = options.ledger;
    this.#stock = options.stock;
    this.#redemptions = options.redemptions;
    this.#requests = options.requests;
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
      const before = this.#answeredBefore(request, now);
      if (before !== null) return before;
      const outcome = this.#spend(request, now);
      if (request.key !== null && "redemption" in outcome) {
        const { kind, redemption } = outcome;
        const answered = kind === "redeemed" ? 201 : 200;
        const first = { attempt: request.attempt, answered, target: redemption.number } as const;
        this.#requests.record(request.key, { kind: "redemption", shown: null, ...first }, now);
      }
      return outcome;
    });
  }

  /** The answer that the request's key stands for, if there is one. */
  #answeredBefore({ key, attempt }: RedeemRequest, now: number): RedeemOutcome | null {
    if (key === null) return null;
    const recall = this.#requests.recall(key, now);
    if (recall.kind === "none") return null;
    if (recall.kind === "reused") return { kind: "key-reused" };
    const { answered, target, attempt: first } = recall.first;
    const held = this.find(target);
    if (held === null) throw new Error(`A request was answered with redemption ${target}`);
    const kind = answered === 201 ? "redeemed" : "repeated";
    return { kind, ...held, isReplay: attempt !== first };
  }

  #spend(request: RedeemRequest, now: number): RedeemOutcome {
    const held = this.inspect(request.place);
    if (held === null) return { kind: "refused", reason: "not-claimed" };
    const { claim, redemption } = held;
    const reason = refusalReason(claim, { userKey: request.userKey, now });
    if (reason === "redeemed" && redemption?.orderId === request.orderId) {
      return { kind: "repeated", claim, redemption, isReplay: false };
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
    const spent = { ...claim, redeemedAt: now };
    return { kind: "redeemed", claim: spent, redemption: made, isReplay: false };
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
