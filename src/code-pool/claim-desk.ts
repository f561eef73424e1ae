/** Who gets which code. Synchronous: nothing awaits. Callers hold the transaction. */

import { decideClaim, type PoolCampaign } from "../domain/claim.ts";
import type { Claim, Ledger } from "./ledger.ts";
import type { ClaimOutcome, ClaimRequest } from "./messages.ts";
import type { Settings } from "./settings.ts";
import type { Stock } from "./stock.ts";

export class ClaimDesk {
  readonly #ledger: Ledger;
  readonly #stock: Stock;
  readonly #settings: Settings;
  /** Codes behind the one given last: a hint for the refill, never for a claim. */
  unspent = 0;

  constructor(options: { ledger: Ledger; stock: Stock; settings: Settings }) {
    this.#ledger = options.ledger;
    this.#stock = options.stock;
    this.#settings = options.settings;
  }

  /**
   * Reads and, if the user is to have a code, writes. No await in here, ever. "Exhausted" means
   * that a code is due and none is here.
   */
  decide(request: ClaimRequest): ClaimOutcome {
    const campaign = this.#settings.newest(request.campaign, request.shard);
    const now = Date.now();
    const held = this.#ledger.heldBy(request.userKey);
    const mine = held.find(({ attempt }) => attempt === request.attempt);
    const { version } = campaign;
    if (mine !== undefined) return { kind: "granted", claim: mine, version };
    const { idempotencyKey } = request;
    const sameRequest =
      idempotencyKey === null
        ? -1
        : held.findIndex((claim) => claim.idempotencyKey === idempotencyKey);
    const decision = decideClaim({
      campaign,
      held: held.length,
      sameRequest: sameRequest < 0 ? null : sameRequest,
      consent: request.consent,
      now,
    });
    switch (decision.kind) {
      case "repeat":
        return { kind: "repeated", claim: held[decision.nth] as Claim, version };
      case "closed":
        return { kind: "closed", reason: decision.reason, startsAt: campaign.startsAt };
      case "consent-missing":
        return { kind: "consent-missing", version: decision.version };
      case "grant":
        return this.#grant(request, decision.nth, campaign, now);
    }
  }

  #grant(request: ClaimRequest, nth: number, campaign: PoolCampaign, now: number): ClaimOutcome {
    const next = this.#stock.next(this.#ledger.lastSlot());
    if (next === null) return { kind: "exhausted" };
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
      idempotencyKey: request.idempotencyKey,
      attempt: request.attempt,
      consent: request.consent,
      contact: request.contact,
      redeemedAt: null,
      revokedAt: null,
    };
    this.#ledger.insert(claim);
    return { kind: "granted", claim, version: campaign.version };
  }

  /** Nothing is left anywhere: someone who holds a code still gets that one. */
  whenNoneIsLeft({ userKey }: ClaimRequest): ClaimOutcome {
    const claim = this.#ledger.heldBy(userKey).at(-1);
    const { version } = this.#settings.current().campaign;
    return claim === undefined ? { kind: "exhausted" } : { kind: "repeated", claim, version };
  }
}
