/**
 * Telling D1 of claims, and of what became of their codes, which enters them into the event log
 * and shows them: in batches, in order, again until it has them.
 */

import { answered } from "../db/database.ts";
import type { LedgerRun } from "../inventory/event-log.ts";
import { formatClaimId } from "../domain/claim.ts";
import { showClaims, showLog, type ClaimToShow, type Entered } from "../inventory/projection.ts";
import { tellStock } from "../inventory/tell-stock.ts";
import type { Announcer } from "./announcer.ts";
import type { Ledger, PlacedClaim } from "./ledger.ts";
import type { Log, LogKind } from "./log.ts";
import type { Settings } from "./settings.ts";

/** How long claims gather before D1 is told: enough to share a statement, too short to notice. */
const SHOW_DELAY_MS = 200;
/** Shards that tell D1 so often. Where there are more each waits longer: D1 is one thread. */
const SHARDS_AT_FULL_PACE = 8;
/** Claims in one D1 statement: about 100 KB of JSON, far below the 2 MB of one parameter. */
const SHOW_MAX = 500;
/** Batches told in one go: each is up to 12 statements, of 1,000 in one invocation. */
const TURN_MAX = 80;
/** Between two of them, for calls that came meanwhile. */
const PAUSE_MS = 1;
/** The first wait after D1 failed, doubled up to the second. */
const RETRY_DELAY_MS = 1_000;
const RETRY_DELAY_MAX_MS = 30_000;

const EVENT_OF = {
  redeemed: "code.redeemed",
  rolled_back: "redemption.rolled_back",
  expired: "code.expired",
} as const satisfies Record<LogKind, LedgerRun["type"]>;

export class Outbox {
  readonly #ledger: Ledger;
  readonly #log: Log;
  readonly #settings: Settings;
  readonly #announcer: Announcer;
  readonly #db: () => D1Database;
  #failures = 0;
  #notBefore = 0;

  constructor(options: {
    ledger: Ledger;
    log: Log;
    settings: Settings;
    announcer: Announcer;
    db: () => D1Database;
  }) {
    this.#ledger = options.ledger;
    this.#log = options.log;
    this.#settings = options.settings;
    this.#announcer = options.announcer;
    this.#db = options.db;
  }

  isEmpty(): boolean {
    return (
      this.#settings.projectedSlot() >= this.#ledger.lastSlot() &&
      this.#settings.projectedLog() >= this.#log.lastNumber()
    );
  }

  /** Milliseconds from a claim until D1 is to be told of it, together with those that follow. */
  delayMs(): number {
    const { shards } = this.#settings.current().campaign;
    return Math.max(SHOW_DELAY_MS * Math.max(1, shards / SHARDS_AT_FULL_PACE), this.restMs());
  }

  /** Milliseconds until D1 should be asked again after it failed; 0 when it did not. */
  restMs(): number {
    return Math.max(0, this.#notBefore - Date.now());
  }

  /**
   * Shows D1 what there is at the moment; whether it did. Of a long backlog it shows a part, and
   * then does not rest. Never throws.
   */
  async drain(): Promise<boolean> {
    let isDone: boolean;
    try {
      // Of one moment: nothing that became of a code enters D1's log before its claim.
      const [slot, number] = [this.#ledger.lastSlot(), this.#log.lastNumber()];
      const turn = { left: TURN_MAX };
      isDone = (await this.#drainClaims(slot, turn)) && (await this.#drainLog(number, turn));
    } catch (error) {
      const delay = Math.min(RETRY_DELAY_MS * 2 ** this.#failures++, RETRY_DELAY_MAX_MS);
      this.#notBefore = Date.now() + delay;
      console.warn({ message: "D1 was not told of claims", delay_ms: delay, error: String(error) });
      return false;
    }
    this.#failures = 0;
    this.#notBefore = 0;
    return isDone;
  }

  async #drainClaims(until: number, turn: { left: number }): Promise<boolean> {
    for (; ; await scheduler.wait(PAUSE_MS)) {
      const from = this.#settings.projectedSlot();
      if (from >= until) return true;
      if (turn.left-- <= 0) return false;
      const waiting = this.#ledger.listPlaced(from, SHOW_MAX);
      const last = waiting.at(-1);
      if (last === undefined) throw new Error(`No claim with a block after slot ${from}`);
      const run = this.#run("claim.created", { from, to: last.slot, count: waiting.length });
      const claims = waiting.map((claim) => toShow(run.campaignId, claim));
      const entered = await answered(showClaims(this.#db(), run, claims));
      // Before it counts as done: what is not told now, nobody may come to tell later.
      await answered(tellStock(this.#db(), run.campaignId, entered.stock));
      this.#settings.projectedUpTo(entered.to, { isNews: this.#isNews(entered) });
    }
  }

  async #drainLog(until: number, turn: { left: number }): Promise<boolean> {
    for (; ; await scheduler.wait(PAUSE_MS)) {
      const from = this.#settings.projectedLog();
      if (from >= until) return true;
      if (turn.left-- <= 0) return false;
      const waiting = this.#log.listPlaced(from, SHOW_MAX);
      const [first, last] = [waiting[0], waiting.at(-1)];
      if (first === undefined || last === undefined) throw new Error(`No entry after ${from}`);
      const stretch = { from, to: last.number, count: waiting.length };
      const run = this.#run(EVENT_OF[first.kind], stretch);
      const entered = await answered(showLog(this.#db(), run, waiting));
      this.#settings.logProjectedUpTo(entered.to, { isNews: this.#isNews(entered) });
    }
  }

  #run(type: LedgerRun["type"], stretch: Pick<LedgerRun, "from" | "to" | "count">): LedgerRun {
    const { campaign, shard } = this.#settings.current();
    return { campaignId: campaign.id, shard, type, ...stretch };
  }

  #isNews({ brandId, isHeard }: Entered): boolean {
    this.#announcer.brandId = brandId;
    return isHeard;
  }
}

/** A claim as D1 shows it. */
export function toShow(campaignId: string, claim: PlacedClaim): ClaimToShow {
  const { batchId, ordinal, code, userId, userKey, nth, claimedAt, expiresAt } = claim;
  const claimId = formatClaimId({ campaignId, userKey, nth });
  return { batchId, ordinal, code, claimId, userId, claimedAt, expiresAt };
}
