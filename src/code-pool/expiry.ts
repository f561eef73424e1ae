/**
 * Telling of codes whose life ended unspent. Whether a code is expired is decided by the clock when
 * somebody asks (domain/redemption.ts); this only lets the brand know, soon after. Synchronous SQL;
 * callers hold the transaction.
 */

import type { Claim, Ledger } from "./ledger.ts";
import type { Log } from "./log.ts";

/** From a code's end until it is told, with those that follow meanwhile. */
const TELL_DELAY_MS = 5_000;
/** Codes looked at in one go, some milliseconds, and the rest before the next go. */
const SWEEP_MAX = 1_000;

/** Slots that were given for one length of life, as far as their ends are not told yet. */
interface Stretch {
  firstSlot: number;
  nextSlot: number;
  upTo: number;
}

export class Expiry {
  readonly #sql: SqlStorage;
  readonly #ledger: Ledger;
  readonly #log: Log;

  constructor(options: { sql: SqlStorage; ledger: Ledger; log: Log }) {
    this.#sql = options.sql;
    this.#ledger = options.ledger;
    this.#log = options.log;
  }

  #stretches(): Stretch[] {
    const last = this.#ledger.lastSlot();
    return this.#sql
      .exec<{ firstSlot: number; nextSlot: number; upTo: number | null }>(
        `SELECT first_slot AS firstSlot, next_slot AS nextSlot,
                lead(first_slot) OVER (ORDER BY first_slot) - 1 AS upTo FROM lives`,
      )
      .toArray()
      .map(({ firstSlot, nextSlot, upTo }) => ({ firstSlot, nextSlot, upTo: upTo ?? last }))
      .filter(({ nextSlot, upTo }) => nextSlot <= upTo);
  }

  /** When the next end is to be told; null while none is in sight. */
  sweepsAt(): number | null {
    const ends = this.#stretches().flatMap(({ nextSlot, upTo }) => {
      const end = this.#ledger.listFrom(nextSlot, upTo, 1)[0]?.expiresAt ?? null;
      return end === null ? [] : [end + TELL_DELAY_MS];
    });
    return ends.length === 0 ? null : Math.min(...ends);
  }

  /** Notes the ends that lie before `now`: some, in one go. Whether more are left. */
  sweep(now: number): boolean {
    let left = SWEEP_MAX;
    for (const { firstSlot, nextSlot, upTo } of this.#stretches()) {
      // They end in this order: where the first has not, all that follow need no look.
      const [first] = this.#ledger.listFrom(nextSlot, upTo, 1);
      if (first === undefined || !isOver(first, now)) continue;
      const claims = this.#ledger.listFrom(nextSlot, upTo, left);
      const living = claims.findIndex((claim) => !isOver(claim, now));
      const over = living < 0 ? claims : claims.slice(0, living);
      const last = over.at(-1);
      if (last === undefined) continue;
      for (const claim of over) this.#note(claim, now);
      this.#sql.exec(
        "UPDATE lives SET next_slot = ? WHERE first_slot = ?",
        last.slot + 1,
        firstSlot,
      );
      left -= over.length;
      if (left === 0) return true;
    }
    return false;
  }

  /**
   * A code may be spent again: its end is noted if it came; or else is yet to come, though it was
   * passed over as that of a spent code before the campaign's end was moved.
   */
  reopen(claim: Claim, now: number): void {
    this.#note(claim, now);
    if (isOver(claim, now)) return;
    this.#sql.exec(
      `UPDATE lives SET next_slot = min(next_slot, ?1)
       WHERE first_slot = (SELECT max(first_slot) FROM lives WHERE first_slot <= ?1)`,
      claim.slot,
    );
  }

  /** Notes the end of a code, if it came and was not noted before: unspent, and not revoked. */
  #note(claim: Claim, now: number): void {
    if (claim.slot < 0 || claim.redeemedAt !== null || claim.revokedAt !== null) return;
    if (!isOver(claim, now) || this.#log.hasEnd(claim.slot)) return;
    const at = claim.expiresAt ?? now;
    this.#log.append({ kind: "expired", slot: claim.slot, redemption: null, at });
  }
}

function isOver({ expiresAt }: Claim, now: number): boolean {
  return expiresAt !== null && expiresAt <= now;
}
