/** Blocks of codes leased from the inventory: synchronous SQL, nothing awaits. */

import type { GivenBack, Lease } from "../inventory/leases.ts";

/** A code's place in the inventory. */
export interface Place {
  batchId: string;
  ordinal: number;
}

export interface PendingLease {
  leaseId: string;
  size: number;
}

/** How much of one lease has been given to users. */
export interface LeaseUse {
  leaseId: string;
  size: number;
  spent: number;
  /** Codes of it that nobody has and nobody gets, and those of them that claims passed over. */
  withdrawn: number;
  passed: number;
  /** Codes of it that are on their way back to D1. */
  returning: number;
}

type BlockHead = {
  first_slot: number;
  lease_id: string;
  batch_id: string;
  from_ordinal: number;
  size: number;
};

const HEAD = "first_slot, lease_id, batch_id, from_ordinal, size";

export class Stock {
  readonly #sql: SqlStorage;
  // The codes of the block in use, null for those withdrawn, so that a claim does not parse them
  // again. Storage stays the truth: the block is looked up for every claim, and this copy is used
  // only for that very lease.
  #parsed: { leaseId: string; codes: (string | null)[] } | null = null;
  // Where the last search began, and the first slot that it did not find withdrawn: who asks again
  // need not look at what lies between. No code comes back from there, only an end of the last
  // block may go.
  #looked: { behind: number; upTo: number } | null = null;
  // How many codes behind a slot are withdrawn, as last counted: with many blocks that reservations
  // keep, counting takes longer than a claim. Null when blocks or withdrawn codes have changed.
  #counted: { behind: number; withdrawn: number } | null = null;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The last slot that any block holds, given or not. */
  lastSlot(): number {
    return this.#sql
      .exec<{ last: number }>(
        "SELECT coalesce((SELECT first_slot + size - 1 FROM blocks ORDER BY first_slot DESC LIMIT 1), 0) AS last",
      )
      .one().last;
  }

  /**
   * The next code that may be given behind `slot`, and how many slots lie behind it; null when no
   * block holds one.
   */
  next(slot: number): { slot: number; code: string; behind: number } | null {
    for (let from = this.#looked?.behind === slot ? this.#looked.upTo : slot + 1; ;) {
      this.#looked = { behind: slot, upTo: from };
      const block = this.#sql
        .exec<BlockHead & { last: number }>(
          `SELECT ${HEAD},
                  (SELECT first_slot + size - 1 FROM blocks ORDER BY first_slot DESC LIMIT 1) AS last
           FROM blocks WHERE first_slot <= ? ORDER BY first_slot DESC LIMIT 1`,
          from,
        )
        .toArray()[0];
      if (block === undefined || from >= block.first_slot + block.size) return null;
      const codes = this.#codesOf(block);
      for (let at = from - block.first_slot; at < codes.length; at++) {
        const code = codes[at];
        if (code == null) continue;
        const found = block.first_slot + at;
        this.#looked = { behind: slot, upTo: found };
        return { slot: found, code, behind: block.last - found };
      }
      from = block.first_slot + block.size;
    }
  }

  /** How many of the slots above `after`, up to `upTo`, claims passed over: `upTo` was reached. */
  passedOver(after: number, upTo: number): number {
    if (upTo <= after) return 0;
    return this.#sql
      .exec<{ count: number }>(
        `SELECT count(*) AS count FROM blocks AS b CROSS JOIN withdrawn AS w
           ON w.batch_id = b.batch_id
             AND w.ordinal >= b.from_ordinal + max(0, ?1 + 1 - b.first_slot)
             AND w.ordinal < b.from_ordinal + min(b.size, ?2 + 1 - b.first_slot)
         WHERE b.first_slot <= ?2
           AND b.first_slot >= coalesce((SELECT max(first_slot) FROM blocks WHERE first_slot <= ?1 + 1), 0)`,
        after,
        upTo,
      )
      .one().count;
  }

  #codesOf(block: BlockHead): (string | null)[] {
    if (this.#parsed?.leaseId !== block.lease_id) {
      const codes: (string | null)[] = this.#storedCodes(block);
      for (const { ordinal } of this.#sql.exec<{ ordinal: number }>(
        "SELECT ordinal FROM withdrawn WHERE batch_id = ? AND ordinal >= ? AND ordinal < ?",
        block.batch_id,
        block.from_ordinal,
        block.from_ordinal + block.size,
      )) {
        codes[ordinal - block.from_ordinal] = null;
      }
      this.#parsed = { leaseId: block.lease_id, codes };
    }
    return this.#parsed.codes;
  }

  #storedCodes({ first_slot }: BlockHead): string[] {
    const { codes } = this.#sql
      .exec<{ codes: string }>("SELECT codes FROM blocks WHERE first_slot = ?", first_slot)
      .one();
    return JSON.parse(codes) as string[];
  }

  /**
   * From now on the code is not given, whether its block is here already or is yet to come.
   * `revokedAt`: null when it was handed out elsewhere.
   */
  withdraw({ batchId, ordinal }: Place, revokedAt: number | null): void {
    this.#sql.exec(
      `INSERT INTO withdrawn (batch_id, ordinal, revoked_at) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET revoked_at = coalesce(revoked_at, excluded.revoked_at)`,
      batchId,
      ordinal,
      revokedAt,
    );
    this.#parsed = null;
    this.#counted = null;
  }

  /** When the pool was told that a code which nobody has is revoked, or null. */
  revokedAt({ batchId, ordinal }: Place): number | null {
    const row = this.#sql
      .exec<{ at: number | null }>(
        "SELECT revoked_at AS at FROM withdrawn WHERE batch_id = ? AND ordinal = ?",
        batchId,
        ordinal,
      )
      .toArray()[0];
    return row?.at ?? null;
  }

  /** Codes behind `slot` that may be given. */
  unspent(slot: number): number {
    const known = this.#counted;
    const withdrawn =
      known !== null && known.behind <= slot
        ? known.withdrawn - this.passedOver(known.behind, slot)
        : this.#countWithdrawn(slot);
    this.#counted = { behind: slot, withdrawn };
    return Math.max(0, this.lastSlot() - slot - withdrawn);
  }

  #countWithdrawn(slot: number): number {
    return this.#sql
      .exec<{ count: number }>(
        `SELECT count(*) AS count FROM blocks AS b CROSS JOIN withdrawn AS w
           ON w.batch_id = b.batch_id AND w.ordinal < b.from_ordinal + b.size
             AND w.ordinal >= b.from_ordinal + max(0, ?1 + 1 - b.first_slot)
         WHERE b.first_slot >= coalesce((SELECT max(first_slot) FROM blocks WHERE first_slot <= ?1 + 1), 0)`,
        slot,
      )
      .one().count;
  }

  /** The lease to ask for: the one that was asked for in vain, or else a new one, stored first. */
  planLease(newLease: () => PendingLease): PendingLease {
    const pending = this.pendingLease();
    if (pending !== null) return pending;
    const lease = newLease();
    this.#sql.exec(
      "INSERT INTO pending_lease (only_row, lease_id, size) VALUES (1, ?, ?)",
      lease.leaseId,
      lease.size,
    );
    return lease;
  }

  pendingLease(): PendingLease | null {
    const row = this.#sql
      .exec<{ lease_id: string; size: number }>("SELECT lease_id, size FROM pending_lease")
      .toArray()[0];
    return row === undefined ? null : { leaseId: row.lease_id, size: row.size };
  }

  /** The outcome of the lease is known; false when it was known before. */
  settlePending(leaseId: string): boolean {
    return this.#sql.exec("DELETE FROM pending_lease WHERE lease_id = ?", leaseId).rowsWritten > 0;
  }

  /** Puts an answered lease behind the blocks that are here. Telling it twice stores it once. */
  store(lease: Lease): void {
    if (!this.settlePending(lease.id)) return;
    this.#counted = null;
    this.#sql.exec(
      "INSERT INTO blocks (first_slot, lease_id, batch_id, from_ordinal, size, codes) VALUES (?, ?, ?, ?, ?, ?)",
      this.lastSlot() + 1,
      lease.id,
      lease.batchId,
      lease.fromOrdinal,
      lease.codes.length,
      JSON.stringify(lease.codes),
    );
    for (const ordinal of lease.withdrawn) this.withdraw({ batchId: lease.batchId, ordinal }, null);
  }

  /**
   * Takes half of the last block's ungiven codes out of the stock, at least one and at most `max`,
   * and notes that they go back to D1. Null when there is none.
   */
  takeBack(lastClaimed: number, max: number, id: string): GivenBack | null {
    const block = this.#sql
      .exec<BlockHead>(`SELECT ${HEAD} FROM blocks ORDER BY first_slot DESC LIMIT 1`)
      .toArray()[0];
    if (block === undefined) return null;
    const spent = Math.max(0, lastClaimed - block.first_slot + 1);
    if (spent >= block.size || max < 1) return null;
    const kept = block.size - Math.min(max, Math.ceil((block.size - spent) / 2));
    const given: GivenBack = { id, leaseId: block.lease_id, size: block.size, kept };
    this.#sql.exec(
      "INSERT INTO given_back (id, lease_id, size, kept) VALUES (?, ?, ?, ?)",
      id,
      given.leaseId,
      given.size,
      kept,
    );
    const codes = JSON.stringify(this.#storedCodes(block).slice(0, kept));
    this.#parsed = null;
    this.#looked = null;
    this.#counted = null;
    if (kept === 0) this.#sql.exec("DELETE FROM blocks WHERE first_slot = ?", block.first_slot);
    else {
      this.#sql.exec(
        "UPDATE blocks SET size = ?, codes = ? WHERE first_slot = ?",
        kept,
        codes,
        block.first_slot,
      );
    }
    return given;
  }

  /** What D1 has not confirmed yet, first to last. */
  givenBack(): GivenBack[] {
    return this.#sql
      .exec<{ id: string; lease_id: string; size: number; kept: number }>(
        "SELECT id, lease_id, size, kept FROM given_back ORDER BY number",
      )
      .toArray()
      .map(({ id, lease_id, size, kept }) => ({ id, leaseId: lease_id, size, kept }));
  }

  confirmGivenBack(id: string): void {
    this.#sql.exec("DELETE FROM given_back WHERE id = ?", id);
  }

  /** Every lease of this shard, and what became of its codes with those up to `lastClaimed`. */
  listUse(lastClaimed: number): LeaseUse[] {
    const use = new Map<string, LeaseUse>();
    const within = "w.batch_id = b.batch_id AND w.ordinal >= b.from_ordinal";
    for (const block of this.#sql.exec<BlockHead & { withdrawn: number; passed: number }>(
      `SELECT ${HEAD},
         (SELECT count(*) FROM withdrawn AS w WHERE ${within} AND w.ordinal < b.from_ordinal + b.size) AS withdrawn,
         (SELECT count(*) FROM withdrawn AS w WHERE ${within}
            AND w.ordinal < b.from_ordinal + min(b.size, ?1 + 1 - b.first_slot)) AS passed
       FROM blocks AS b ORDER BY first_slot`,
      lastClaimed,
    )) {
      const { first_slot, lease_id: leaseId, size, withdrawn, passed } = block;
      const spent = Math.min(size, Math.max(0, lastClaimed - first_slot + 1)) - passed;
      use.set(leaseId, { leaseId, size, spent, withdrawn, passed, returning: 0 });
    }
    for (const { leaseId, size, kept } of this.givenBack()) {
      const none = { size: 0, spent: 0, withdrawn: 0, passed: 0, returning: 0 };
      const known = use.get(leaseId) ?? { leaseId, ...none };
      use.set(leaseId, { ...known, returning: known.returning + size - kept });
    }
    return [...use.values()];
  }
}
