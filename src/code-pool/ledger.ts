/** Claims in the pool's storage: synchronous SQL, nothing awaits. Callers hold the transaction. */

export interface Consent {
  share_contact: boolean;
  version: string;
}

export interface Contact {
  email?: string | undefined;
  name?: string | undefined;
  attributes?: Record<string, string> | undefined;
}

/** One row of the ledger. Times are Unix milliseconds. */
export interface Claim {
  slot: number;
  userKey: string;
  nth: number;
  userId: string;
  code: string;
  claimedAt: number;
  expiresAt: number | null;
  idempotencyKey: string | null;
  consent: Consent | null;
  contact: Contact | null;
}

/** A claim with the place of its code in the inventory. */
export interface PlacedClaim extends Claim {
  batchId: string;
  ordinal: number;
}

type ClaimRow = {
  slot: number;
  user_key: string;
  nth: number;
  user_id: string;
  code: string;
  claimed_at: number;
  expires_at: number | null;
  idempotency_key: string | null;
  consent: string | null;
  contact: string | null;
};

function toClaim(row: ClaimRow): Claim {
  return {
    slot: row.slot,
    userKey: row.user_key,
    nth: row.nth,
    userId: row.user_id,
    code: row.code,
    claimedAt: row.claimed_at,
    expiresAt: row.expires_at,
    idempotencyKey: row.idempotency_key,
    consent: row.consent === null ? null : (JSON.parse(row.consent) as Consent),
    contact: row.contact === null ? null : (JSON.parse(row.contact) as Contact),
  };
}

export class Ledger {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Slots are given in order without a gap, so the last one is also the number of claims. */
  lastSlot(): number {
    return this.#sql
      .exec<{ last: number }>("SELECT coalesce(max(slot), 0) AS last FROM claims")
      .one().last;
  }

  /** A user's claims, first to last. */
  heldBy(userKey: string): Claim[] {
    return this.#sql
      .exec<ClaimRow>("SELECT * FROM claims WHERE user_key = ? ORDER BY nth", userKey)
      .toArray()
      .map(toClaim);
  }

  /** Throws when the slot is taken or the user has an nth claim: the caller's checks were wrong. */
  insert(claim: Claim): void {
    this.#sql.exec(
      `INSERT INTO claims (slot, user_key, nth, user_id, code, claimed_at, expires_at, idempotency_key, consent, contact)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      claim.slot,
      claim.userKey,
      claim.nth,
      claim.userId,
      claim.code,
      claim.claimedAt,
      claim.expiresAt,
      claim.idempotencyKey,
      claim.consent === null ? null : JSON.stringify(claim.consent),
      claim.contact === null ? null : JSON.stringify(claim.contact),
    );
  }

  find(userKey: string, nth: number): Claim | null {
    const row = this.#sql
      .exec<ClaimRow>("SELECT * FROM claims WHERE user_key = ? AND nth = ?", userKey, nth)
      .toArray()[0];
    return row === undefined ? null : toClaim(row);
  }

  /** Newest first, those below `beforeSlot`. */
  listBefore(beforeSlot: number, limit: number): Claim[] {
    return this.#sql
      .exec<ClaimRow>(
        "SELECT * FROM claims WHERE slot < ? ORDER BY slot DESC LIMIT ?",
        beforeSlot,
        limit,
      )
      .toArray()
      .map(toClaim);
  }

  /** Oldest first, those above `slot`, each with its code's place in the inventory. */
  listAfter(slot: number, limit: number): PlacedClaim[] {
    return this.#sql
      .exec<ClaimRow & { batch_id: string; ordinal: number }>(
        `SELECT claims.*, blocks.batch_id, blocks.from_ordinal + claims.slot - blocks.first_slot AS ordinal
         FROM claims JOIN blocks
           ON blocks.first_slot = (SELECT max(first_slot) FROM blocks WHERE first_slot <= claims.slot)
         WHERE claims.slot > ? ORDER BY claims.slot LIMIT ?`,
        slot,
        limit,
      )
      .toArray()
      .map((row) => Object.assign(toClaim(row), { batchId: row.batch_id, ordinal: row.ordinal }));
  }
}
