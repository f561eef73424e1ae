/** Claims in the pool's storage: synchronous SQL, nothing awaits. Callers hold the transaction. */

import type { Consent } from "../domain/claim.ts";
import type { LastClaims } from "../domain/rate.ts";
import { NOBODY } from "../domain/redemption.ts";

export interface Contact {
  email?: string | undefined;
  name?: string | undefined;
  attributes?: Record<string, string> | undefined;
}

/**
 * One row of the ledger. Times are Unix milliseconds. `attempt` names the request that made it, so
 * that a repeat of that very request, whose answer was lost, is told from a new one.
 */
export interface Claim {
  slot: number;
  userKey: string;
  nth: number;
  /**
   * Null once the user's data was erased: `userKey` stands for them from then on. And where nobody
   * holds it (NOBODY).
   */
  userId: string | null;
  code: string;
  claimedAt: number;
  /** Read: as the campaign stands, whose end may be the code's. Stored: the end of its own life. */
  expiresAt: number | null;
  attempt: string;
  consent: Consent | null;
  contact: Contact | null;
  redeemedAt: number | null;
  revokedAt: number | null;
}

/** What D1 is shown of a claim, with the place of its code in the inventory. No contact data. */
export interface PlacedClaim extends Omit<
  Claim,
  "attempt" | "consent" | "contact" | "redeemedAt" | "revokedAt"
> {
  batchId: string;
  ordinal: number;
}

type ClaimRow = {
  slot: number;
  user_key: string;
  nth: number;
  user_id: string;
  erased_by: string | null;
  code: string;
  claimed_at: number;
  expires_at: number | null;
  attempt: string;
  consent: string | null;
  contact: string | null;
  redeemed_at: number | null;
  revoked_at: number | null;
};

/** What stored claims show depends on the settings of the campaign. */
interface Shown {
  /** Claims that were made later show their contact data. */
  contactsFrom: () => number;
  /** When a code expires whose own life ends then. */
  codeEnd: (ownEnd: number | null) => number | null;
}

function toClaim(row: ClaimRow, { contactsFrom, codeEnd }: Shown): Claim {
  const isShown = row.contact !== null && row.claimed_at > contactsFrom();
  const contact = isShown ? row.contact : null;
  return {
    slot: row.slot,
    userKey: row.user_key,
    nth: row.nth,
    userId: row.erased_by === null && row.user_key !== NOBODY ? row.user_id : null,
    code: row.code,
    claimedAt: row.claimed_at,
    expiresAt: codeEnd(row.expires_at),
    attempt: row.attempt,
    consent: row.consent === null ? null : (JSON.parse(row.consent) as Consent),
    contact: contact === null ? null : (JSON.parse(contact) as Contact),
    redeemedAt: row.redeemed_at,
    revokedAt: row.revoked_at,
  };
}

export class Ledger {
  readonly #sql: SqlStorage;
  readonly #shown: () => Shown;

  constructor(sql: SqlStorage, shown: () => Shown) {
    this.#sql = sql;
    this.#shown = shown;
  }

  #claims(sql: string, ...values: SqlStorageValue[]): Claim[] {
    const rows = this.#sql.exec<ClaimRow>(sql, ...values).toArray();
    if (rows.length === 0) return [];
    const shown = this.#shown();
    return rows.map((row) => toClaim(row, shown));
  }

  /**
   * Slots are given in order; those of codes that were withdrawn are passed over. Below zero are
   * codes that were handed out elsewhere, which count for nothing here.
   */
  lastSlot(): number {
    return this.#sql
      .exec<{ last: number }>("SELECT coalesce(max(slot), 0) AS last FROM claims WHERE slot > 0")
      .one().last;
  }

  /** When the last claim up to that slot was made. */
  claimedAtOrBefore(slot: number): number | null {
    const row = this.#sql
      .exec<{ at: number }>(
        `SELECT claimed_at AS at FROM claims WHERE slot <= ? AND slot > 0
         ORDER BY slot DESC LIMIT 1`,
        slot,
      )
      .toArray()[0];
    return row?.at ?? null;
  }

  /** How many of the last `max` claims were made at `time` or later. */
  countSince(time: number, max: number): number {
    return this.#sql
      .exec<{ count: number }>(
        `SELECT count(*) AS count FROM (SELECT claimed_at FROM claims WHERE slot > 0 ORDER BY slot DESC LIMIT ?)
         WHERE claimed_at >= ?`,
        max,
        time,
      )
      .one().count;
  }

  /** The claims since `time`, of the last `max`. */
  lastClaims(time: number, max: number): LastClaims {
    return this.#sql
      .exec<{ count: number; oldestAt: number | null; newestAt: number | null }>(
        `SELECT count(*) AS count, min(claimed_at) AS oldestAt, max(claimed_at) AS newestAt
         FROM (SELECT claimed_at FROM claims WHERE slot > 0 ORDER BY slot DESC LIMIT ?) WHERE claimed_at >= ?`,
        max,
        time,
      )
      .one();
  }

  /** A user's claims, first to last. */
  heldBy(userKey: string): Claim[] {
    return this.#claims("SELECT * FROM claims WHERE user_key = ? ORDER BY nth", userKey);
  }

  /** Throws when the slot is taken or the user has an nth claim: the caller's checks were wrong. */
  insert(claim: Claim): void {
    this.#sql.exec(
      `INSERT INTO claims (slot, user_key, nth, user_id, code, claimed_at, expires_at,
                           attempt, consent, contact)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      claim.slot,
      claim.userKey,
      claim.nth,
      claim.userId ?? "",
      claim.code,
      claim.claimedAt,
      claim.expiresAt,
      claim.attempt,
      claim.consent === null ? null : JSON.stringify(claim.consent),
      claim.contact === null ? null : JSON.stringify(claim.contact),
    );
  }

  find(userKey: string, nth: number): Claim | null {
    const where = "user_key = ? AND nth = ?";
    return this.#claims(`SELECT * FROM claims WHERE ${where}`, userKey, nth)[0] ?? null;
  }

  ofSlot(slot: number): Claim | null {
    return this.#claims("SELECT * FROM claims WHERE slot = ?", slot)[0] ?? null;
  }

  /** Oldest first: those from `slot` up to `upTo`. */
  listFrom(slot: number, upTo: number, limit: number): Claim[] {
    return this.#claims(
      "SELECT * FROM claims WHERE slot >= ? AND slot <= ? ORDER BY slot LIMIT ?",
      slot,
      upTo,
      limit,
    );
  }

  /** A claim that was revoked before keeps its time. */
  revoke(slot: number, now: number): void {
    this.#sql.exec(
      "UPDATE claims SET revoked_at = ? WHERE slot = ? AND revoked_at IS NULL",
      now,
      slot,
    );
  }

  /** Newest first, those below `beforeSlot`. */
  listBefore(beforeSlot: number, limit: number): Claim[] {
    return this.#claims(
      "SELECT * FROM claims WHERE slot < ? AND slot > 0 ORDER BY slot DESC LIMIT ?",
      beforeSlot,
      limit,
    );
  }

  /** Oldest first: those above `slot`, without the first `skip` of them. */
  listAfter(slot: number, skip: number, limit: number): Claim[] {
    return this.#claims(
      "SELECT * FROM claims WHERE slot > ? ORDER BY slot LIMIT ? OFFSET ?",
      slot,
      limit,
      skip,
    );
  }

  /** Oldest first, those above `slot`. */
  listPlaced(slot: number, limit: number): PlacedClaim[] {
    return this.#sql
      .exec<PlacedClaim & Record<string, SqlStorageValue>>(
        `SELECT claims.slot, user_key AS userKey, nth, nullif(user_id, '') AS userId, code,
                claimed_at AS claimedAt, expires_at AS expiresAt, batch_id AS batchId,
                from_ordinal + claims.slot - first_slot AS ordinal
         FROM claims JOIN blocks
           ON first_slot = (SELECT max(first_slot) FROM blocks WHERE first_slot <= claims.slot)
         WHERE claims.slot > ? ORDER BY claims.slot LIMIT ?`,
        slot,
        limit,
      )
      .toArray();
  }
}
