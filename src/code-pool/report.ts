import type { Ledger } from "./ledger.ts";
import type { PoolReport } from "./messages.ts";
import type { Stock } from "./stock.ts";

/** What a pool says of its codes, all of one moment. */
export function reportOf(ledger: Ledger, stock: Stock): PoolReport {
  const lastSlot = ledger.lastSlot();
  const leases = stock.listUse(lastSlot);
  return {
    claims: leases.reduce((claims, { passed }) => claims - passed, lastSlot),
    lastSlot,
    leases,
    pendingLeaseId: stock.pendingLease()?.leaseId ?? null,
  };
}
