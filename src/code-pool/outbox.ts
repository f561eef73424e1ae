/** Telling D1 of claims: in batches, in order, again and again until D1 has them. */

import { formatClaimId } from "../domain/claim.ts";
import { showClaims, type ClaimToShow } from "../inventory/projection.ts";
import type { Ledger, PlacedClaim } from "./ledger.ts";
import type { Settings } from "./settings.ts";

/** Claims in one D1 statement: about 100 KB of JSON, far below the 2 MB of one parameter. */
const SHOW_MAX = 500;
/** The first wait after D1 failed, doubled up to the second. */
const RETRY_DELAY_MS = 1_000;
const RETRY_DELAY_MAX_MS = 30_000;

export class Outbox {
  readonly #ledger: Ledger;
  readonly #settings: Settings;
  readonly #db: () => D1Database;
  #failures = 0;

  constructor(options: { ledger: Ledger; settings: Settings; db: () => D1Database }) {
    this.#ledger = options.ledger;
    this.#settings = options.settings;
    this.#db = options.db;
  }

  isEmpty(): boolean {
    return this.#settings.projectedSlot() >= this.#ledger.lastSlot();
  }

  /**
   * Shows D1 all claims up to those of the moment. Returns null when it did, else the milliseconds
   * after which to try again. Never throws.
   */
  async drain(): Promise<number | null> {
    const until = this.#ledger.lastSlot();
    try {
      for (;;) {
        const from = this.#settings.projectedSlot();
        if (from >= until) break;
        const waiting = this.#ledger.listAfter(from, SHOW_MAX);
        const { campaign } = this.#settings.current();
        await showClaims(
          this.#db(),
          waiting.map((claim) => toShow(campaign.id, claim)),
        );
        this.#settings.projectedUpTo(from + waiting.length);
      }
    } catch (error) {
      const delay = Math.min(RETRY_DELAY_MS * 2 ** this.#failures++, RETRY_DELAY_MAX_MS);
      console.warn({
        message: "Claims were not shown to D1",
        delay_ms: delay,
        error: String(error),
      });
      return delay;
    }
    this.#failures = 0;
    return null;
  }
}

/** A claim as D1 shows it. */
export function toShow(campaignId: string, claim: PlacedClaim): ClaimToShow {
  const { batchId, ordinal, code, userId, userKey, nth, claimedAt, expiresAt } = claim;
  const claimId = formatClaimId({ campaignId, userKey, nth });
  return { batchId, ordinal, code, claimId, userId, claimedAt, expiresAt };
}
