/** Who gets which code. Synchronous: nothing awaits. Callers hold the transaction. */

import { decideClaim, type PoolCampaign } from "../domain/claim.ts";
import { heldStatus } from "../domain/redemption.ts";
import type { Breaker } from "./breaker.ts";
import type { Claim, Ledger } from "./ledger.ts";
import type { ClaimVerdict, ClaimRequest } from "./messages.ts";
import type { Requests } from "./requests.ts";
import type { Settings } from "./settings.ts";
import type { Stock } from "./stock.ts";

export class ClaimDesk {
  readonly #ledger: Ledger;
  readonly #stock: Stock;
  readonly #settings: Settings;
  readonly #requests: Requests;
  readonly #breaker: Breaker;
  /** Codes behind the one given last: a hint for the refill, never for a claim. */
  unspent = 0;

  constructor(options: {
    ledger: Ledger;
    stock: Stock;
    settings: Settings;
    requests: Requests;
    breaker: Breaker;
  }) {
    this.#ledger = options.ledger;
    this.#stock = options.stock;
    this.#settings = options.settings;
    this.#requests = options.requests;
    this.#breaker = options.breaker;
  }

  /**
   * Reads and, if the user is to have a code, writes. No await in here, ever. "Exhausted" means
   * that a code is due and none is here.
   */
  decide(request: ClaimRequest): ClaimVerdict {
    const campaign = this.#breaker.seen(this.#settings.newest(request.campaign, request.shard));
    const now = Date.now();
    const { version } = campaign;
    if (request.proof !== null) {
      const proof = { hash: request.proof.hash, fingerprint: request.userKey };
      if (!this.#requests.bind(proof, "proof", now)) return { kind: "proof-spent" };
    }
    const before = this.#answeredBefore(request, version, now);
    if (before !== null) return before;
    const held = this.#ledger.heldBy(request.userKey);
    const mine = held.find(({ attempt }) => attempt === request.attempt);
    if (mine !== undefined) {
      const status = heldStatus(mine, now);
      return { kind: "granted", claim: mine, version, status, isReplay: false };
    }
    const { consent } = request;
    const decision = decideClaim({ campaign, held: held.length, consent, now });
    switch (decision.kind) {
      case "repeat":
        return this.#answer(request, "repeated", held[decision.nth] as Claim, { version, now });
      case "closed":
        return {
          kind: "closed",
          reason: decision.reason,
          startsAt: campaign.startsAt,
          claimsPerMinuteMax: campaign.claimsPerMinuteMax,
        };
      case "consent-missing":
        return { kind: "consent-missing", version: decision.version };
      case "grant":
        // Whoever is paced is a page's user.
        if (campaign.isChallenged === true && request.pace !== null && request.proof === null) {
          return { kind: "proof-missing" };
        }
        return this.#grant(request, decision.nth, campaign, now);
    }
  }

  /** The answer that the request's key stands for, if there is one. */
  #answeredBefore(request: ClaimRequest, version: number, now: number): ClaimVerdict | null {
    if (request.key === null) return null;
    const recall = this.#requests.recall(request.key, now);
    if (recall.kind === "none") return null;
    if (recall.kind === "reused") return { kind: "key-reused" };
    const { answered, target, shown, attempt } = recall.first;
    const claim = this.#ledger.ofSlot(target);
    if (claim === null) throw new Error(`A request was answered with slot ${target}, not there`);
    // Whatever the caller took for one request: nobody is shown another user's code.
    if (claim.userKey !== request.userKey) return { kind: "key-reused" };
    const kind = answered === 201 ? "granted" : "repeated";
    return {
      kind,
      claim,
      version,
      status: shown ?? heldStatus(claim, now),
      isReplay: attempt !== request.attempt,
    };
  }

  #grant(request: ClaimRequest, nth: number, campaign: PoolCampaign, now: number): ClaimVerdict {
    const next = this.#stock.next(this.#ledger.lastSlot());
    if (next === null) return { kind: "exhausted" };
    // Decided anew, as that of a campaign which is paused from now on.
    if (this.#breaker.trips(campaign, now)) return this.decide(request);
    this.unspent = next.behind;
    const lifetime = campaign.codeLifetimeSeconds;
    const claim: Claim = {
      slot: next.slot,
      userKey: request.userKey,
      nth,
      userId: request.userId,
      code: next.code,
      claimedAt: now,
      expiresAt: lifetime === null ? null : now + lifetime * 1000,
      attempt: request.attempt,
      consent: request.consent,
      contact: request.contact,
      redeemedAt: null,
      revokedAt: null,
    };
    this.#ledger.insert(claim);
    return this.#answer(request, "granted", claim, { version: campaign.version, now });
  }

  /** Nothing is left anywhere: someone who holds a code still gets that one. */
  whenNoneIsLeft(request: ClaimRequest): ClaimVerdict {
    const claim = this.#ledger.heldBy(request.userKey).at(-1);
    if (claim === undefined) return { kind: "exhausted" };
    const { version } = this.#settings.current().campaign;
    return this.#answer(request, "repeated", claim, { version, now: Date.now() });
  }

  /** Notes the answer under the request's key, so that it stays the answer. */
  #answer(
    { key, attempt }: ClaimRequest,
    kind: "granted" | "repeated",
    claim: Claim,
    { version, now }: { version: number; now: number },
  ): ClaimVerdict {
    const status = heldStatus(claim, now);
    if (key !== null) {
      const answered = kind === "granted" ? 201 : 200;
      const first = { attempt, answered, target: claim.slot, shown: status } as const;
      this.#requests.record(key, { kind: "claim", ...first }, now);
    }
    return { kind, claim, version, status, isReplay: false };
  }
}
