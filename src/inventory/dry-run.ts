/** What an import would take, without taking anything. */

import { countDryRun } from "../db/imports.ts";
import { repeated } from "../db/database.ts";
import { randomBytes } from "../db/new-id.ts";
import type { RowReason } from "../domain/import.ts";
import type { InventoryId } from "../domain/inventory.ts";
import { SIPHASH_KEY_BYTES, sipHash } from "../domain/siphash.ts";
import { findKnown, type ImportCounts, type OwnCode } from "./imports.ts";
import { giveWay } from "./pace.ts";

/**
 * Texts seen before, as 63 bits of keyed hashes: a million take 16 MB instead of 100, and two of
 * them are taken for one another once in 18 million files.
 */
class SeenTexts {
  readonly #key = randomBytes(SIPHASH_KEY_BYTES);
  readonly #encoder = new TextEncoder();
  // High and low halves in turn; two zeros are an empty place. Never more than half full.
  #slots = new Uint32Array(2 * 4_096);
  #size = 0;

  /** Whether the text is new. */
  add(text: string): boolean {
    const bytes = String.fromCharCode(...this.#encoder.encode(text));
    const [high, low] = sipHash(this.#key, bytes);
    if (!this.#put(this.#slots, high, low | 1)) return false;
    this.#size += 1;
    if (this.#size * 4 > this.#slots.length) this.#grow();
    return true;
  }

  #put(slots: Uint32Array, high: number, low: number): boolean {
    const mask = slots.length - 2;
    for (let at = (low * 2) & mask; ; at = (at + 2) & mask) {
      if (slots[at] === 0 && slots[at + 1] === 0) {
        slots[at] = high;
        slots[at + 1] = low;
        return true;
      }
      if (slots[at] === high && slots[at + 1] === low >>> 0) return false;
    }
  }

  #grow(): void {
    const larger = new Uint32Array(this.#slots.length * 2);
    for (let at = 0; at < this.#slots.length; at += 2) {
      const [high = 0, low = 0] = this.#slots.subarray(at, at + 2);
      if (high !== 0 || low !== 0) this.#put(larger, high, low);
    }
    this.#slots = larger;
  }
}

/** Judges rows as `OwnCodes` takes them. */
export class DryRun {
  readonly #db: D1Database;
  readonly #importId: string;
  readonly #inventory: InventoryId;
  readonly #seen = new SeenTexts();
  #counts: ImportCounts = { rows: 0, accepted: 0, duplicates: 0, rejected: 0 };

  constructor(options: { db: D1Database; importId: string; inventory: InventoryId }) {
    this.#db = options.db;
    this.#importId = options.importId;
    this.#inventory = options.inventory;
  }

  get counts(): ImportCounts {
    return this.#counts;
  }

  async take(codes: OwnCode[], refused: { duplicates: number; rejected: number }) {
    const began = Date.now();
    const find = () => findKnown(this.#db, this.#inventory, codes);
    const { known: there, lastLeaseAt } = await repeated(find);
    const known = new Map<string, RowReason>();
    for (const { code } of codes) {
      if (!this.#seen.add(code)) known.set(code, "duplicate-in-file");
      else if (there.has(code)) known.set(code, "duplicate");
    }
    const { rows, accepted, duplicates, rejected } = this.#counts;
    this.#counts = {
      rows: rows + codes.length + refused.duplicates + refused.rejected,
      accepted: accepted + codes.length - known.size,
      duplicates: duplicates + refused.duplicates + known.size,
      rejected: rejected + refused.rejected,
    };
    await repeated(() => countDryRun(this.#db, this.#importId, this.#counts));
    await giveWay(Date.now() - began, lastLeaseAt);
    return known;
  }
}
