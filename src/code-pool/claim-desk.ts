/** Who gets which code. Synchronous: nothing awaits. Callers hold the transaction. */

import {
  closedReason,
  decideClaim,
  type ClosedReason,
  type PoolCampaign,
} from "../domain/claim.ts";
import { codeEnd, heldStatus } from "../domain/redemption.ts";
import type { Breaker } from "./breaker.ts";
import type { Claim, Ledger } from "./ledger.ts";
import type { ClaimAnswer, ClaimVerdict, ClaimRequest, RevealRequest } from "./messages.ts";
import type { FirstAnswer, Requests } from "./requests.ts";
import { reservedStatus, type AnyClaim, type Reservations, type Reserved } from "./reservations.ts";
import type { Settings } from "./settings.ts";
import type { Stock } from "./stock.ts";

interface Parts {
  ledger: Ledger;
  stock: Stock;
  reservations: Reservations;
  settings: Settings;
  requests: Requests;
  breaker: Breaker;
}

/** The campaign as it was seen for this decision, and when. */
interface Moment {
  campaign: PoolCampaign;
  now: number;
  /** Reservations that are not noted as lapsed. */
  reserved: number;
}

type Asked = ClaimRequest | RevealRequest;

export class ClaimDesk {
  readonly #parts: Parts;
  /** Codes behind the one given last: a hint for the refill, never for a claim. */
  unspent = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Reads and, if the user is to have a code, writes. No await in here, ever. "Exhausted" means
   * that a code is due and none is here.
   */
  decide(request: Asked): ClaimVerdict {
    const { breaker, settings } = this.#parts;
    const { campaign: newest, reserved } = settings.newest(request.campaign, request.shard);
    const moment = { campaign: breaker.seen(newest), now: Date.now(), reserved };
    return "nth" in request ? this.#reveal(request, moment) : this.#claim(request, moment);
  }

  #claim(request: ClaimRequest, moment: Moment): ClaimVerdict {
    const { campaign, now } = moment;
    const { requests } = this.#parts;
    if (request.proof !== null) {
      const proof = { hash: request.proof.hash, fingerprint: request.userKey };
      if (!requests.bind(proof, "proof", now)) return { kind: "proof-spent" };
    }
    const before = this.#answeredBefore(request, moment);
    if (before !== null) return before;
    const held = this.#held(request.userKey, moment);
    const mine = held.find(({ attempt }) => attempt === request.attempt);
    if (mine !== undefined) return { kind: "granted", claim: mine, ...shown(mine, moment) };
    const { consent } = request;
    const decision = decideClaim({ campaign, held: held.length, consent, now });
    switch (decision.kind) {
      case "repeat":
        return this.#answer(request, "repeated", held[decision.nth] as AnyClaim, moment);
      case "closed":
        return closed(campaign, decision.reason);
      case "consent-missing":
        return { kind: "consent-missing", version: decision.version };
      case "grant":
        // Whoever is paced is a page's user.
        if (campaign.isChallenged === true && request.pace !== null && request.proof === null) {
          return { kind: "proof-missing" };
        }
        return this.#grant(request, freeNth(held), moment);
    }
  }

  /** What the user has, first to last. */
  #held(userKey: string, { now, reserved: any }: Moment): AnyClaim[] {
    const { ledger, reservations } = this.#parts;
    const given = ledger.heldBy(userKey);
    if (any === 0) return given;
    const reserved = reservations.openOf(userKey, now);
    return [...given, ...reserved].toSorted((one, other) => one.nth - other.nth);
  }

  /** The answer that the request's key stands for, if there is one. */
  #answeredBefore(request: ClaimRequest, moment: Moment): ClaimVerdict | null {
    const { requests, ledger } = this.#parts;
    if (request.key === null) return null;
    const recall = requests.recall(request.key, moment.now);
    if (recall.kind === "none") return null;
    if (recall.kind === "reused") return { kind: "key-reused" };
    const { answered, target, shown: status, attempt } = recall.first;
    const isReplay = attempt !== request.attempt;
    if (status === "reserved") return this.#reservedBefore(request, recall.first, moment);
    const claim = ledger.ofSlot(target);
    if (claim === null) throw new Error(`A request was answered with slot ${target}, not there`);
    // Whatever the caller took for one request: nobody is shown another user's code.
    if (claim.userKey !== request.userKey) return { kind: "key-reused" };
    const answer = shown(claim, moment);
    return {
      kind: answered === 201 ? "granted" : "repeated",
      claim,
      ...answer,
      status: status ?? answer.status,
      isReplay,
    };
  }

  /**
   * What was reserved by that request, as it is now: it may have been revealed. Null when it has
   * lapsed: then it is as if it had never been asked for.
   */
  #reservedBefore(
    request: ClaimRequest,
    { answered, target, attempt }: FirstAnswer,
    moment: Moment,
  ): ClaimVerdict | null {
    const claim = this.#held(request.userKey, moment).find(({ nth }) => nth === target);
    if (claim === undefined) return null;
    const kind = answered === 201 ? "granted" : "repeated";
    return { kind, claim, ...shown(claim, moment), isReplay: attempt !== request.attempt };
  }

  #grant(request: ClaimRequest, nth: number, moment: Moment): ClaimVerdict {
    const { campaign, now } = moment;
    const next = this.#next(moment);
    if (next === null) return { kind: "exhausted" };
    // Decided anew, as that of a campaign which is paused from now on.
    if (this.#parts.breaker.trips(campaign, now)) return this.decide(request);
    const { userKey, userId, attempt, consent, contact } = request;
    const fields = { userKey, nth, userId, attempt, consent, contact };
    const claim =
      campaign.reveal === "on_demand"
        ? this.#reserve(fields, moment)
        : this.#give({ ...fields, ...next }, moment);
    return this.#answer(request, "granted", claim, moment);
  }

  /** The code to give next, if one is left beside those that are reserved. */
  #next({ campaign, now, reserved }: Moment): { slot: number; code: string } | null {
    const { stock, ledger, reservations } = this.#parts;
    const last = ledger.lastSlot();
    const next = stock.next(last);
    if (next === null) return null;
    this.unspent = next.behind - reserved;
    const isReserving = reserved > 0 || campaign.reveal === "on_demand";
    const unspent = isReserving ? stock.unspent(last) : Infinity;
    if (unspent <= reserved && unspent <= reservations.countOpen(now)) return null;
    return { slot: next.slot, code: next.code };
  }

  #give(
    fields: Pick<Claim, "userKey" | "nth" | "userId" | "attempt" | "consent" | "contact"> & {
      slot: number;
      code: string;
    },
    { campaign, now }: Moment,
  ): Claim {
    const lifetime = campaign.codeLifetimeSeconds;
    const ownEnd = lifetime === null ? null : now + lifetime * 1000;
    const claim: Claim = {
      ...fields,
      claimedAt: now,
      expiresAt: ownEnd,
      redeemedAt: null,
      revokedAt: null,
    };
    this.#parts.ledger.insert(claim);
    return { ...claim, expiresAt: codeEnd(ownEnd, campaign) };
  }

  #reserve(
    fields: Pick<Claim, "userKey" | "nth" | "userId" | "attempt" | "consent" | "contact">,
    { campaign, now }: Moment,
  ): Reserved {
    const reserved: Reserved = {
      ...fields,
      code: null,
      claimedAt: now,
      revealBy: now + campaign.revealWithinSeconds * 1000,
      expiresAt: null,
      redeemedAt: null,
      revokedAt: null,
    };
    this.#parts.reservations.insert(reserved);
    return reserved;
  }

  /** Gives a code to a user who has reserved one. Safe to repeat: it is the same again. */
  #reveal(request: RevealRequest, moment: Moment): ClaimVerdict {
    const { campaign, now, reserved: all } = moment;
    const { ledger, stock, reservations, breaker } = this.#parts;
    const { userKey, nth } = request;
    const given = ledger.find(userKey, nth);
    if (given !== null) return { kind: "repeated", claim: given, ...shown(given, moment) };
    const reserved = reservations.find(userKey, nth);
    if (reserved === null) return { kind: "not-found" };
    if (reservedStatus(reserved, now) === "lapsed") return { kind: "lapsed" };
    const reason = closedReason(campaign, now);
    if (reason !== null) return closed(campaign, reason);
    // One is there, unless those that were left have been revoked.
    const next = stock.next(ledger.lastSlot());
    if (next === null) return { kind: "exhausted" };
    if (breaker.trips(campaign, now)) return this.decide(request);
    this.unspent = next.behind - all;
    const { userId, attempt, consent, contact } = reserved;
    const { slot, code } = next;
    reservations.remove(reserved);
    const claim = this.#give(
      { userKey, nth, userId, attempt, consent, contact, slot, code },
      moment,
    );
    return { kind: "granted", claim, ...shown(claim, moment) };
  }

  /** Nothing is left anywhere: someone who holds a code still gets that one. */
  whenNoneIsLeft(request: Asked): ClaimVerdict {
    const moment = { ...this.#parts.settings.current(), now: Date.now() };
    const claim = this.#held(request.userKey, moment).at(-1);
    if (claim === undefined || "nth" in request) return { kind: "exhausted" };
    return this.#answer(request, "repeated", claim, moment);
  }

  /** Notes the answer under the request's key, so that it stays the answer. */
  #answer(
    { key, attempt }: ClaimRequest,
    kind: "granted" | "repeated",
    claim: AnyClaim,
    moment: Moment,
  ): ClaimVerdict {
    const answer = shown(claim, moment);
    if (key !== null) {
      const first = {
        kind: "claim" as const,
        attempt,
        answered: kind === "granted" ? (201 as const) : (200 as const),
        target: claim.code === null ? claim.nth : claim.slot,
        shown: claim.code === null ? ("reserved" as const) : heldStatus(claim, moment.now),
      };
      this.#parts.requests.record(key, first, moment.now);
    }
    return { kind, claim, ...answer };
  }
}

/** The first that the user has not. */
function freeNth(held: readonly AnyClaim[]): number {
  const gap = held.findIndex(({ nth }, at) => nth !== at);
  return gap < 0 ? held.length : gap;
}

function shown(claim: AnyClaim, { campaign, now }: Moment): ClaimAnswer {
  const status = claim.code === null ? reservedStatus(claim, now) : heldStatus(claim, now);
  return { version: campaign.version, status, isReplay: false };
}

function closed(campaign: PoolCampaign, reason: ClosedReason): ClaimVerdict {
  const { startsAt, claimsPerMinuteMax } = campaign;
  return { kind: "closed", reason, startsAt, claimsPerMinuteMax };
}
