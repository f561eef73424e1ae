/**
 * What becomes of codes at a checkout: held, spent, given back, revoked. Synchronous: nothing
 * awaits.
 */

import { NOBODY, refusalReason, type RefusalReason } from "../domain/redemption.ts";
import type { Expiry } from "./expiry.ts";
import type { Hold, Holds } from "./holds.ts";
import type { Claim, Ledger } from "./ledger.ts";
import type { Log } from "./log.ts";
import type {
  AskedOf,
  CheckoutOutcome,
  CheckoutRequest,
  HeldByUser,
  HeldClaim,
  HeldHold,
  HeldRedemption,
  HoldOutcome,
  HoldRequest,
  RedeemOutcome,
  RedeemRequest,
  RevokeOutcome,
} from "./messages.ts";
import type { Places } from "./places.ts";
import type { Redemption, Redemptions } from "./redemptions.ts";
import type { Requests } from "./requests.ts";
import type { AnyClaim, Reservations } from "./reservations.ts";
import type { Settings } from "./settings.ts";
import type { Place, Stock } from "./stock.ts";

interface Parts {
  storage: DurableObjectStorage;
  settings: Settings;
  ledger: Ledger;
  stock: Stock;
  places: Places;
  reservations: Reservations;
  redemptions: Redemptions;
  holds: Holds;
  log: Log;
  expiry: Expiry;
  requests: Requests;
}

export class Checkout {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Who holds the code, and what became of it. */
  inspect(place: Place, now: number): HeldClaim {
    const claim = this.#holderOf(place);
    return claim && this.#withFate(claim, now);
  }

  /** The user's claims, first to last, and what became of each. Not those that were erased. */
  heldBy(userKey: string, now: number): HeldByUser<AnyClaim>[] {
    const { ledger, reservations } = this.#parts;
    const given = ledger.heldBy(userKey).filter(({ userId }) => userId !== null);
    const reserved = reservations.openOf(userKey, now);
    return [
      ...given.map((claim) => this.#withFate(claim, now)),
      ...reserved.map((claim) => ({ claim, redemptions: [], hold: null })),
    ].toSorted((one, other) => one.claim.nth - other.claim.nth);
  }

  #withFate(claim: Claim, now: number): HeldByUser {
    const { redemptions, holds } = this.#parts;
    return {
      claim,
      redemptions: redemptions.allOfSlot(claim.slot),
      hold: holds.openOf(claim.slot, now),
    };
  }

  #holderOf(place: Place): Claim | null {
    const { places, ledger } = this.#parts;
    const slot = places.slotOf(place);
    return slot === null ? null : ledger.ofSlot(slot);
  }

  /**
   * Spends the code, once: the same order again gets the same redemption. The schema lets no slot
   * have two that stand.
   */
  redeem(asked: AskedOf, request: RedeemRequest, now: number): RedeemOutcome {
    return this.#once<HeldRedemption>(request, now, {
      find: (number) => {
        const held = this.find(number);
        // As it was answered, whatever became of it.
        return held && { ...held, redemption: { ...held.redemption, rolledBack: null } };
      },
      make: () => this.#spend(asked, request, now),
      numberOf: ({ redemption }) => redemption.number,
    });
  }

  /** Keeps the code for an order: one at a time. The same order again gets the same hold. */
  hold(asked: AskedOf, request: HoldRequest, now: number): HoldOutcome {
    return this.#once(request, now, {
      find: (number) => this.findHold(number),
      make: () => this.#keep(asked, request, now),
      numberOf: ({ hold }) => hold.number,
    });
  }

  /**
   * In one transaction: the answer that the request's key stands for, or what it comes to, noted
   * under the key.
   */
  #once<Made extends object>(
    { key, attempt }: CheckoutRequest,
    now: number,
    of: {
      find: (number: number) => Made | null;
      make: () => CheckoutOutcome<Made>;
      numberOf: (made: Made) => number;
    },
  ): CheckoutOutcome<Made> {
    const { storage, requests } = this.#parts;
    return storage.transactionSync(() => {
      const recall = key === null ? ({ kind: "none" } as const) : requests.recall(key, now);
      if (recall.kind === "reused") return { kind: "key-reused" };
      if (recall.kind === "answered") {
        const { answered, target, attempt: first } = recall.first;
        const made = of.find(target);
        if (made === null) throw new Error(`A request was answered with number ${target}`);
        const kind = answered === 201 ? "made" : "repeated";
        return { ...made, kind, isReplay: attempt !== first };
      }
      const outcome = of.make();
      if (key !== null && "isReplay" in outcome) {
        const answered = outcome.kind === "made" ? 201 : 200;
        const first = { attempt, answered, target: of.numberOf(outcome), shown: null } as const;
        requests.record(key, { kind: "redemption", ...first }, now);
      }
      return outcome;
    });
  }

  #spend(asked: AskedOf, request: RedeemRequest, now: number): RedeemOutcome {
    const { redemptions, holds, log } = this.#parts;
    const { orderId, holdNumber, terms } = request;
    const claim = this.#claimFor(asked, request, now);
    if (claim === null) return refused("not-claimed");
    const { slot } = claim;
    const hold = holds.openOf(slot, now);
    const reason = this.#refusal(claim, hold, request, now);
    // Somebody else's code says nothing but that, whatever hold is named.
    const isWrongHold = holdNumber !== null && holds.find(holdNumber)?.slot !== slot;
    if (isWrongHold && reason !== "not-yours") return refused("wrong-hold");
    const before = reason === "redeemed" ? redemptions.ofSlot(slot) : null;
    if (before?.orderId === orderId) {
      return { kind: "repeated", claim, redemption: before, isReplay: false };
    }
    if (reason !== null) return refused(reason);
    const number = redemptions.lastNumber() + 1;
    const redemption = { number, slot, orderId, terms, redeemedAt: now, rolledBack: null };
    redemptions.insert(redemption);
    log.append({ kind: "redeemed", slot, redemption: number, at: now });
    if (hold !== null) holds.end(hold.number, "redeemed", now);
    const spent = { ...claim, redeemedAt: now };
    return { kind: "made", claim: spent, redemption, isReplay: false };
  }

  #keep(asked: AskedOf, request: HoldRequest, now: number): HoldOutcome {
    const { holds } = this.#parts;
    const { orderId, ttlMs, place } = request;
    const claim = this.#claimFor(asked, request, now);
    if (claim === null) return refused("not-claimed");
    const { slot } = claim;
    const open = holds.openOf(slot, now);
    const reason = this.#refusal(claim, open, request, now);
    if (reason !== null) return refused(reason);
    // No longer than the code itself is good.
    const expiresAt = Math.min(now + ttlMs, claim.expiresAt ?? Infinity);
    if (open === null) {
      const hold = holds.insert({ slot, orderId, madeAt: now, expiresAt });
      return { kind: "made", claim, hold, place, isReplay: false };
    }
    if (expiresAt > open.expiresAt) holds.lengthen(open.number, expiresAt);
    const hold = { ...open, expiresAt: Math.max(expiresAt, open.expiresAt) };
    return { kind: "repeated", claim, hold, place, isReplay: false };
  }

  #refusal(
    claim: Claim,
    hold: Hold | null,
    request: CheckoutRequest & Partial<RedeemRequest>,
    now: number,
  ) {
    const { holderOnly } = this.#parts.settings.current().campaign;
    const { userKey, orderId, holdNumber = null, refusal } = request;
    const asking = { userKey, holderOnly, orderId, holdNumber, order: refusal, now };
    return refusalReason(claim, hold, asking);
  }

  /**
   * Whose the code is that an order asks for. One that was handed out elsewhere is noted here with
   * its first order, if the campaign allows it.
   */
  #claimFor(asked: AskedOf, request: CheckoutRequest, now: number): Claim | null {
    const { settings, places, ledger } = this.#parts;
    const { place, code, attempt, revokedAt, isOutside } = request;
    const { campaign } = settings.newest(asked.campaign, asked.shard);
    const { redeemUnclaimed, holderOnly } = campaign;
    const known = this.#holderOf(place);
    const isAllowed = redeemUnclaimed && !holderOnly;
    // What was spent while it was allowed stays so.
    if (known?.userKey === NOBODY && known.redeemedAt === null && !isAllowed) return null;
    const isNew = known === null && isOutside && isAllowed;
    const slot = isNew ? places.addOutside(place, { code, attempt, now }) : (known?.slot ?? null);
    if (revokedAt !== null) this.#revokeOne(place, revokedAt);
    return slot === null ? null : ledger.ofSlot(slot);
  }

  /** Ends the hold, unless it ended before. Null when there is none. */
  release(number: number, now: number): Hold | null {
    const { storage, holds } = this.#parts;
    return storage.transactionSync(() => {
      const hold = holds.find(number);
      if (hold !== null && hold.expiresAt > now) holds.end(number, "released", now);
      return hold;
    });
  }

  findHold(number: number): HeldHold | null {
    const { holds, places } = this.#parts;
    const hold = holds.find(number);
    const place = hold && places.placeOf(hold.slot);
    return hold && place && { hold, claim: this.#claimOf(hold.slot), place };
  }

  /** Undoes a redemption, once: it stays undone for the reason that came first. */
  rollBack(number: number, reason: string, now: number): HeldRedemption | null {
    const { storage, redemptions, log, expiry } = this.#parts;
    return storage.transactionSync(() => {
      const redemption = redemptions.find(number);
      if (redemption === null) return null;
      if (redemption.rolledBack === null) {
        const { slot } = redemption;
        const entry = log.append({ kind: "rolled_back", slot, redemption: number, at: now });
        redemptions.rollBack(redemption, entry, { at: now, reason });
        expiry.reopen(this.#claimOf(slot), now);
      }
      return this.find(number);
    });
  }

  /** From now on none of the codes is given, and none is spent. */
  revoke(places: Place[], now: number): RevokeOutcome[] {
    return this.#parts.storage.transactionSync(() =>
      places.map((place) => this.#revokeOne(place, now)),
    );
  }

  #revokeOne(place: Place, now: number): RevokeOutcome {
    const claim = this.#holderOf(place);
    if (claim === null) {
      this.#parts.stock.withdraw(place, now);
      return "unclaimed";
    }
    this.#parts.ledger.revoke(claim.slot, now);
    return claim.redeemedAt === null ? "claimed" : "redeemed";
  }

  find(number: number): HeldRedemption | null {
    const redemption = this.#parts.redemptions.find(number);
    return redemption && this.#withClaim(redemption);
  }

  /** Oldest first, those above `number`. */
  list(number: number, limit: number): HeldRedemption[] {
    return this.#parts.redemptions.listAfter(number, limit).map((one) => this.#withClaim(one));
  }

  #withClaim(redemption: Redemption): HeldRedemption {
    return { redemption, claim: this.#claimOf(redemption.slot) };
  }

  #claimOf(slot: number): Claim {
    const claim = this.#parts.ledger.ofSlot(slot);
    if (claim === null) throw new Error(`Slot ${slot} was redeemed or held without a claim`);
    return claim;
  }
}

function refused(reason: RefusalReason) {
  return { kind: "refused" as const, reason };
}
