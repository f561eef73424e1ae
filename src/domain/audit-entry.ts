/** An entry of a brand's audit log: what its hash covers, and how much of an address it keeps. */

import { networkOf } from "./address.ts";

export interface AuditEntry {
  brandId: string;
  number: number;
  id: string;
  at: number;
  actor: string;
  action: string;
  target: string;
  /** A JSON array, as it is stored. */
  fields: string;
  requestId: string;
  addressPrefix: string | null;
  previousHash: string | null;
}

/** What the hash is of: everything the entry says, so written that no two entries are the same. */
export function hashedText(entry: AuditEntry): string {
  return JSON.stringify([
    entry.previousHash,
    entry.brandId,
    entry.number,
    entry.id,
    entry.at,
    entry.actor,
    entry.action,
    entry.target,
    entry.fields,
    entry.requestId,
    entry.addressPrefix,
  ]);
}

/** So much of an address tells where from, and not who. */
const PLACE = { v4Bits: 24, v6Bits: 48 };

/** The network of an address: /24 of IPv4, /48 of IPv6; null for what is no address. */
export function addressPrefix(address: string): string | null {
  return networkOf(address, PLACE);
}
