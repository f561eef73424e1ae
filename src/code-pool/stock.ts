/** Blocks of codes leased from the inventory: synchronous SQL, nothing awaits. */

import type { Lease } from "../inventory/leases.ts";

export interface PendingLease {
  leaseId: string;
  size: number;
}

/** How much of one lease has been given to users. */
export interface LeaseUse {
  leaseId: string;
  size: number;
  spent: number;
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

  /** The code in `slot`, or null when no block reaches that far. */
  codeAt(slot: number): string | null {
    const block = this.#sql
      .exec<BlockHead>(
        "SELECT first_slot, lease_id, size FROM blocks WHERE first_slot <= ? ORDER BY first_slot DESC LIMIT 1",
        slot,
      )
      .toArray()[0];
    if (block === undefined || slot >= block.first_slot + block.size) return null;
    return this.#codesOf(block)[slot - block.first_slot] ?? null;
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

  /** The lease to ask for: the one whose outcome is unknown, or else a new one, stored first. */
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

  /** Puts an answered lease behind the blocks that are here. Telling it twice stores it once. */
  store(lease: Lease): void {
    const settled = this.#sql.exec(
      "DELETE FROM pending_lease WHERE lease_id = ?",
      lease.id,
    ).rowsWritten;
    if (settled === 0) return;
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
   * Every lease this shard ever stored, and how many of its codes lie at or below `lastClaimed`.
   */
  listUse(lastClaimed: number): LeaseUse[] {
    return this.#sql
      .exec<BlockHead>("SELECT first_slot, lease_id, size FROM blocks ORDER BY first_slot")
      .toArray()
      .map(({ first_slot, lease_id, size }) => ({
        leaseId: lease_id,
        size,
        spent: Math.min(size, Math.max(0, lastClaimed - first_slot + 1)),
      }));
  }
}
