/** Blocks of codes leased from the inventory: synchronous SQL, nothing awaits. */

import type { GivenBack, Lease } from "../inventory/leases.ts";

export interface PendingLease {
  leaseId: string;
  size: number;
}

/** How much of one lease has been given to users. */
export interface LeaseUse {
  leaseId: string;
  size: number;
  spent: number;
  /** Codes of it that are on their way back to D1. */
  returning: number;
}

type BlockHead = { first_slot: number; lease_id: string; size: number };

export class Stock {
  readonly #sql: SqlStorage;
  // The codes of the block in use, so that a claim does not parse them again. Storage stays the
  // truth: the block is looked up for every claim, and this copy is used only for that very lease.
  #parsed: { leaseId: string; codes: string[] } | null = null;

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

  /** The code in `slot` and how many lie behind it, or null when no block reaches that far. */
  at(slot: number): { code: string; behind: number } | null {
    const block = this.#sql
      .exec<BlockHead & { last: number }>(
        `SELECT first_slot, lease_id, size,
                (SELECT first_slot + size - 1 FROM blocks ORDER BY first_slot DESC LIMIT 1) AS last
         FROM blocks WHERE first_slot <= ? ORDER BY first_slot DESC LIMIT 1`,
        slot,
      )
      .toArray()[0];
    if (block === undefined || slot >= block.first_slot + block.size) return null;
    const code = this.#codesOf(block)[slot - block.first_slot];
    return code === undefined ? null : { code, behind: block.last - slot };
  }

  #codesOf(block: BlockHead): string[] {
    if (this.#parsed?.leaseId !== block.lease_id) {
      const { codes } = this.#sql
        .exec<{ codes: string }>("SELECT codes FROM blocks WHERE first_slot = ?", block.first_slot)
        .one();
      this.#parsed = { leaseId: block.lease_id, codes: JSON.parse(codes) as string[] };
    }
    return this.#parsed.codes;
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
    this.#sql.exec(
      "INSERT INTO blocks (first_slot, lease_id, batch_id, from_ordinal, size, codes) VALUES (?, ?, ?, ?, ?, ?)",
      this.lastSlot() + 1,
      lease.id,
      lease.batchId,
      lease.fromOrdinal,
      lease.codes.length,
      JSON.stringify(lease.codes),
    );
  }

  /**
   * Takes half of the last block's ungiven codes out of the stock, at least one, and notes that
   * they go back to D1. Null when there is none.
   */
  takeBack(lastClaimed: number, id: string): GivenBack | null {
    const block = this.#sql
      .exec<BlockHead>(
        "SELECT first_slot, lease_id, size FROM blocks ORDER BY first_slot DESC LIMIT 1",
      )
      .toArray()[0];
    if (block === undefined) return null;
    const spent = Math.max(0, lastClaimed - block.first_slot + 1);
    if (spent >= block.size) return null;
    const kept = block.size - Math.ceil((block.size - spent) / 2);
    const given: GivenBack = { id, leaseId: block.lease_id, size: block.size, kept };
    this.#sql.exec(
      "INSERT INTO given_back (id, lease_id, size, kept) VALUES (?, ?, ?, ?)",
      id,
      given.leaseId,
      given.size,
      kept,
    );
    const codes = JSON.stringify(this.#codesOf(block).slice(0, kept));
    this.#parsed = null;
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

  /** Every lease of this shard, and how many of its codes lie at or below `lastClaimed`. */
  listUse(lastClaimed: number): LeaseUse[] {
    const use = new Map<string, LeaseUse>();
    for (const { first_slot, lease_id, size } of this.#sql.exec<BlockHead>(
      "SELECT first_slot, lease_id, size FROM blocks ORDER BY first_slot",
    )) {
      const spent = Math.min(size, Math.max(0, lastClaimed - first_slot + 1));
      use.set(lease_id, { leaseId: lease_id, size, spent, returning: 0 });
    }
    for (const { leaseId, size, kept } of this.givenBack()) {
      const known = use.get(leaseId) ?? { leaseId, size: 0, spent: 0, returning: 0 };
      use.set(leaseId, { ...known, returning: known.returning + size - kept });
    }
    return [...use.values()];
  }
}
