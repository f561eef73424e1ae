/** Calls at the checkout and what they leave on disk, in few words, for tests of the checker. */

import type {
  CheckoutCall,
  CheckoutOperation,
  CheckoutOutcome,
  HoldRow,
  LogRow,
  RedemptionRow,
} from "../faults/checkout-history.ts";
import type { ToldEvent } from "../faults/history.ts";

export const INFO: CheckoutOutcome = { kind: "info", why: "ECONNRESET" };

export function op(
  call: CheckoutCall,
  [invoked, returned]: [number, number],
  outcome: CheckoutOutcome,
  idempotencyKey: string | null = null,
): CheckoutOperation {
  return { ...call, campaign: 0, code: "A", idempotencyKey, invoked, returned, outcome };
}

export const redeem = (order: string, hold: string | null = null): CheckoutCall => ({
  kind: "redeem",
  order,
  hold,
  user: null,
});
export const hold = (order: string, ttlMs = 100): CheckoutCall => ({
  kind: "hold",
  order,
  ttlMs,
  user: null,
});
export const rollback = (redemption: string, reason = "back"): CheckoutCall => ({
  kind: "rollback",
  redemption,
  reason,
});
export const release = (of: string): CheckoutCall => ({ kind: "release", hold: of });
export const validate = (order: string | null): CheckoutCall => ({
  kind: "validate",
  order,
  user: null,
});

export const redeemed = (redemption: string, status: 200 | 201 = 201): CheckoutOutcome => ({
  kind: "redeemed",
  status,
  redemption,
});
export const held = (id: string, expiresAt: number, status: 200 | 201 = 201): CheckoutOutcome => ({
  kind: "held",
  status,
  hold: id,
  expiresAt,
});
export const backAt = (at: number, reason = "back"): CheckoutOutcome => ({
  kind: "rolled-back",
  at,
  reason,
});
export const refused = (reason: string): CheckoutOutcome => ({ kind: "refused", reason });

/** The events that those claims and that log make when each is told by itself, claims first. */
export function eventsOf(
  codes: string[],
  { redemptions, log }: ReturnType<typeof disk> = disk(),
): ToldEvent[] {
  const claimed = codes.map((code) => ({ type: "claim.created", code, redemption: null }));
  const types = { redeemed: "code.redeemed", rolled_back: "redemption.rolled_back", expired: "" };
  const spent = log.map(({ kind, target }) => {
    const row = redemptions.find(({ number }) => number === target);
    return { type: types[kind], code: row?.code ?? null, redemption: row?.id ?? null };
  });
  return [...claimed, ...spent].map((event, i) => Object.assign({ sequence: i + 1 }, event));
}

/** The disk after redemptions and rollbacks at those moments. */
export function disk(...steps: [what: string, at: number][]) {
  const redemptions: RedemptionRow[] = [];
  const log: LogRow[] = [];
  for (const [what, at] of steps) {
    const number = log.length + 1;
    if (what === "back") {
      const last = redemptions.at(-1);
      if (last === undefined) throw new Error("Nothing to roll back");
      Object.assign(last, { rollback: number, rolledBackAt: at, reason: "back" });
      log.push({ shard: 0, number, kind: "rolled_back", target: last.number, at });
      continue;
    }
    const target = redemptions.length + 1;
    redemptions.push({
      shard: 0,
      number: target,
      id: `r${target}`,
      code: "A",
      order: what,
      redeemedAt: at,
      rollback: 0,
      rolledBackAt: null,
      reason: null,
    });
    log.push({ shard: 0, number, kind: "redeemed", target, at });
  }
  return { redemptions, log };
}

type Ended = { endedAt: number; endedBy: HoldRow["endedBy"] };

export function holdRow(
  number: number,
  order: string,
  [madeAt, expiresAt]: [number, number],
  ended?: Ended,
) {
  const row: HoldRow = {
    shard: 0,
    number,
    id: `h${number}`,
    code: "A",
    order,
    madeAt,
    expiresAt,
    endedAt: null,
    endedBy: null,
    ...ended,
  };
  return row;
}
