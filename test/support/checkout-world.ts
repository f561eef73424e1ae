/**
 * A code at the checkout by the rules, written as plainly as can be, and a search through all
 * orders and all whole moments: what the checker of fault runs is held against.
 */

import type {
  CheckoutOperation,
  CheckoutOutcome,
  CheckoutRules,
  HoldRow,
  LogRow,
  RedemptionRow,
} from "../faults/checkout-history.ts";
import type { CodeFacts } from "../faults/checkout-steps.ts";

/** A code, and all that was done with it. */
export class CodeWorld {
  readonly rules: CheckoutRules;
  owner: string | null = null;
  isOutside = false;
  redemptions: RedemptionRow[] = [];
  holds: HoldRow[] = [];
  log: LogRow[] = [];
  readonly answers = new Map<string, CheckoutOutcome>();

  constructor(rules: CheckoutRules) {
    this.rules = rules;
  }

  copy(): CodeWorld {
    const copy = new CodeWorld(this.rules);
    copy.owner = this.owner;
    copy.isOutside = this.isOutside;
    copy.redemptions = this.redemptions.map((row) => ({ ...row }));
    copy.holds = this.holds.map((row) => ({ ...row }));
    copy.log = this.log.map((row) => ({ ...row }));
    for (const [key, answer] of this.answers) copy.answers.set(key, answer);
    return copy;
  }

  #refusal(user: string | null): string | null {
    const isFree = this.owner === null && !this.isOutside;
    if (isFree && (this.rules.isHolderOnly || !this.rules.redeemsUnclaimed)) return "not-claimed";
    if (this.owner !== null) {
      if (user === null && this.rules.isHolderOnly) return "not-yours";
      if (user !== null && user !== this.owner) return "not-yours";
    }
    return this.#standing() === undefined ? null : "redeemed";
  }

  #standing(): RedemptionRow | undefined {
    return this.redemptions.find(({ rollback }) => rollback === 0);
  }

  #open(now: number): HoldRow | undefined {
    return this.holds.find(({ endedAt, expiresAt }) => endedAt === null && expiresAt > now);
  }

  #enter(kind: LogRow["kind"], target: number, at: number): number {
    const number = this.log.length + 1;
    this.log.push({ shard: 0, number, kind, target, at });
    return number;
  }

  claim(user: string): boolean {
    if (this.owner !== null || this.isOutside) return false;
    this.owner = user;
    return true;
  }

  /** Does what the call asks for at that moment, and says what it is answered. */
  act(call: CheckoutOperation, now: number): CheckoutOutcome {
    const key = call.idempotencyKey;
    const before = key === null ? undefined : this.answers.get(key);
    if (before !== undefined) return before;
    const answer = this.#do(call, now);
    const isKept = answer.kind === "redeemed" || answer.kind === "held";
    if (key !== null && isKept) this.answers.set(key, answer);
    return answer;
  }

  #do(call: CheckoutOperation, now: number): CheckoutOutcome {
    switch (call.kind) {
      case "redeem":
        return this.#redeem(call, now);
      case "hold":
        return this.#hold(call, now);
      case "rollback": {
        const row = this.redemptions.find(({ id }) => id === call.redemption);
        if (row === undefined) return { kind: "refused", reason: "not-found" };
        if (row.rollback === 0) {
          row.rollback = this.#enter("rolled_back", row.number, now);
          row.rolledBackAt = now;
          row.reason = call.reason;
        }
        return { kind: "rolled-back", at: row.rolledBackAt ?? 0, reason: row.reason };
      }
      case "release": {
        const hold = this.holds.find(({ id }) => id === call.hold);
        if (hold === undefined) return { kind: "refused", reason: "not-found" };
        if (this.#open(now) === hold) Object.assign(hold, { endedAt: now, endedBy: "released" });
        return { kind: "released" };
      }
      case "validate": {
        const refusal = this.#refusal(call.user);
        if (refusal !== null) return { kind: "refused", reason: refusal };
        const open = this.#open(now);
        return open === undefined || open.order === call.order
          ? { kind: "valid" }
          : { kind: "refused", reason: "held" };
      }
    }
  }

  #redeem(call: CheckoutOperation & { kind: "redeem" }, now: number): CheckoutOutcome {
    const refusal = this.#refusal(call.user);
    const standing = this.#standing();
    if (refusal === "redeemed" && standing?.order === call.order) {
      return { kind: "redeemed", status: 200, redemption: standing.id };
    }
    if (refusal !== null) return { kind: "refused", reason: refusal };
    const open = this.#open(now);
    if (open !== undefined && open.order !== call.order && open.id !== call.hold) {
      return { kind: "refused", reason: "held" };
    }
    if (open !== undefined) Object.assign(open, { endedAt: now, endedBy: "redeemed" });
    const number = this.redemptions.length + 1;
    const id = `r${number}`;
    if (this.owner === null) this.isOutside = true;
    this.redemptions.push({
      shard: 0,
      number,
      id,
      code: call.code,
      order: call.order,
      redeemedAt: now,
      rollback: 0,
      rolledBackAt: null,
      reason: null,
    });
    this.#enter("redeemed", number, now);
    return { kind: "redeemed", status: 201, redemption: id };
  }

  #hold(call: CheckoutOperation & { kind: "hold" }, now: number): CheckoutOutcome {
    const refusal = this.#refusal(call.user);
    if (refusal !== null) return { kind: "refused", reason: refusal };
    const open = this.#open(now);
    const expiresAt = now + call.ttlMs;
    if (open !== undefined && open.order !== call.order) return { kind: "refused", reason: "held" };
    if (open !== undefined) {
      open.expiresAt = Math.max(open.expiresAt, expiresAt);
      return { kind: "held", status: 200, hold: open.id, expiresAt: open.expiresAt };
    }
    for (const hold of this.holds) {
      if (hold.endedAt === null) Object.assign(hold, { endedAt: now, endedBy: "lapsed" });
    }
    const number = this.holds.length + 1;
    const id = `h${number}`;
    if (this.owner === null) this.isOutside = true;
    this.holds.push({
      shard: 0,
      number,
      id,
      code: call.code,
      order: call.order,
      madeAt: now,
      expiresAt,
      endedAt: null,
      endedBy: null,
    });
    return { kind: "held", status: 201, hold: id, expiresAt };
  }
}

/** What the disk says, as far as the rules say what it must. */
export function shape({
  redemptions,
  holds,
  log,
}: Pick<CodeFacts, "redemptions" | "holds" | "log">): string {
  // Whether one whose time is over was marked so says nothing.
  const ended = holds.map(({ endedAt, endedBy, ...row }) =>
    endedBy === "lapsed" || endedBy === null
      ? { ...row, endedBy: null }
      : { ...row, endedBy, endedAt: endedBy === "released" ? endedAt : null },
  );
  return JSON.stringify([redemptions, ended, log]);
}

/** Whether some order of the calls, each at a whole moment of its span, explains all of it. */
export function hasOrder(facts: CodeFacts, horizon: number): boolean {
  type Left = { claim: boolean; calls: CheckoutOperation[] };
  function search({ claim, calls }: Left, world: CodeWorld, from: number): boolean {
    const isAhead = world.log.some((entry, i) => entry.at !== facts.log[i]?.at);
    if (isAhead || world.holds.some((row, i) => row.madeAt !== facts.holds[i]?.madeAt))
      return false;
    const isDone = !claim && calls.every(({ outcome }) => outcome.kind === "info");
    if (isDone && shape(world) === shape(facts)) return true;
    if (claim && facts.claim !== null && facts.claim.at >= from) {
      const next = world.copy();
      const isHis = next.claim(facts.claim.user);
      if (isHis && search({ claim: false, calls }, next, facts.claim.at)) return true;
    }
    return calls.some((call) => {
      const isInfo = call.outcome.kind === "info";
      const rest = calls.filter((other) => other !== call);
      const to = isInfo ? horizon : call.returned;
      for (let now = Math.max(from, call.invoked); now <= to; now++) {
        const next = world.copy();
        const answer = next.act(call, now);
        const isAsTold = isInfo || isTold(call, answer, world);
        if (isAsTold && search({ claim, calls: rest }, next, now)) return true;
      }
      return false;
    });
  }
  const calls = facts.operations.filter(({ outcome }) => outcome.kind !== "fail");
  return search({ claim: facts.claim !== null, calls }, new CodeWorld(facts.rules), -Infinity);
}

/** Of a hold that its key brings again nobody says until when it was. */
function isTold(call: CheckoutOperation, answer: CheckoutOutcome, world: CodeWorld): boolean {
  const isAgain = call.idempotencyKey !== null && world.answers.has(call.idempotencyKey);
  const text = ({ ...outcome }: CheckoutOutcome) => {
    if (outcome.kind === "held" && isAgain) outcome.expiresAt = 0;
    return JSON.stringify(outcome);
  };
  return text(answer) === text(call.outcome);
}
