/**
 * The rules of the checkout as steps of the search in one-order.ts: from a state of a code, and a
 * span in which a call took effect, to the states that explain its answer.
 */

import type {
  CheckoutOperation,
  CheckoutRules,
  HoldRow,
  LogRow,
  RedemptionRow,
} from "./checkout-history.ts";

export interface CodeFacts {
  rules: CheckoutRules;
  /** Whether a call may have taken effect before the try that was answered, too. */
  isRetried: boolean;
  /** Whose the code became, and when; null: nobody's. */
  claim: { user: string; at: number } | null;
  operations: CheckoutOperation[];
  /** By number. */
  redemptions: RedemptionRow[];
  holds: HoldRow[];
  log: LogRow[];
}

export interface State {
  owner: "nobody" | "user" | "elsewhere";
  /** Entries of the log that were made. */
  entries: number;
  /** Holds that were made. */
  holds: number;
  /** When the last of them is over; null when it was spent or released, or was seen to be over. */
  openUntil: number | null;
  /** What keys are answered with from now on. */
  answers: readonly string[];
  /** The moment of the last call. */
  now: number;
}

/** When a call may have taken effect. */
export interface Window {
  from: number;
  to: number;
}

export type Step = (state: State, window: Window) => State[];

const NOT_FOUND = { kind: "refused", reason: "not-found" };

/** Whether the hold, which is open in the state, lies there as one that ended so, or not at all. */
export function isOverAs(
  row: HoldRow,
  state: State,
  endedBy: "redeemed" | "released" | null,
): boolean {
  if (row.expiresAt !== state.openUntil) return false;
  // One whose time was over may have been marked so, by whoever looked at it.
  return row.endedBy === endedBy || (endedBy === null && row.endedBy === "lapsed");
}

/** An outcome as the rules have it; of one that is not known everything fits. */
function fits(operation: CheckoutOperation, expected: Record<string, unknown>): boolean {
  const { outcome } = operation;
  return (
    outcome.kind === "info" ||
    Object.entries(expected).every(([name, value]) => Reflect.get(outcome, name) === value)
  );
}

export function stepOf(facts: CodeFacts, operation: CheckoutOperation): Step {
  switch (operation.kind) {
    case "rollback":
      return rollbackStep(facts, operation);
    case "release":
      return releaseStep(facts, operation);
    case "hold":
      return onceStep(operation, holdStep(facts, operation));
    case "redeem":
      return onceStep(operation, redeemStep(facts, operation));
    case "validate":
      return validateStep(facts, operation);
  }
}

type Of<Kind> = CheckoutOperation & { kind: Kind };

/** A key is answered with what it was first answered with, and does nothing again. */
function onceStep(operation: CheckoutOperation, step: Step): Step {
  const { idempotencyKey } = operation;
  if (idempotencyKey === null) return step;
  return (state, window) => {
    const first = state.answers.find((answer) => answer.startsWith(`${idempotencyKey}=`));
    if (first === undefined) return step(state, window);
    const [status, id] = first.slice(idempotencyKey.length + 1).split("/");
    const name = operation.kind === "hold" ? "hold" : "redemption";
    return fits(operation, { status: Number(status), [name]: id })
      ? [{ ...state, now: window.from }]
      : [];
  };
}

function withAnswer(state: State, key: string | null, status: 200 | 201, id: string): State {
  if (key === null) return state;
  return { ...state, answers: [...state.answers, `${key}=${status}/${id}`].toSorted() };
}

/** Why nobody may spend the code now, before holds are looked at. */
function refusalOf(
  { rules, claim }: CodeFacts,
  user: string | null,
  state: State,
  standing: RedemptionRow | null,
): string | null {
  if (state.owner === "nobody" && (rules.isHolderOnly || !rules.redeemsUnclaimed)) {
    return "not-claimed";
  }
  const holder = state.owner === "user" ? (claim?.user ?? null) : null;
  const isOther = user === null ? rules.isHolderOnly : user !== holder;
  if (isOther && state.owner === "user") return "not-yours";
  return standing === null ? null : "redeemed";
}

/** The redemption that stands, by what the log says so far. */
function standingOf({ log, redemptions }: CodeFacts, { entries }: State): RedemptionRow | null {
  const last = log[entries - 1];
  if (last?.kind !== "redeemed") return null;
  return (
    redemptions.find(({ number, shard }) => number === last.target && shard === last.shard) ?? null
  );
}

/** The states in which a call may have found the hold: still open, and over. */
function lookAtHold({ holds }: CodeFacts, state: State, { from, to }: Window): State[] {
  if (state.openUntil === null) return [{ ...state, now: from }];
  const found: State[] = from < state.openUntil ? [{ ...state, now: from }] : [];
  const overAt = Math.max(from, state.openUntil);
  const row = holds[state.holds - 1];
  if (overAt <= to && row !== undefined && isOverAs(row, state, null)) {
    found.push({ ...state, openUntil: null, now: overAt });
  }
  return found;
}

function redeemStep(facts: CodeFacts, operation: Of<"redeem">): Step {
  const { order, hold, user, idempotencyKey } = operation;
  return (state, window) => {
    const standing = standingOf(facts, state);
    const refusal = refusalOf(facts, user, state, standing);
    if (refusal === "redeemed" && standing?.order === order) {
      const again = withAnswer({ ...state, now: window.from }, idempotencyKey, 200, standing.id);
      return fits(operation, { kind: "redeemed", status: 200, redemption: standing.id })
        ? [again]
        : [];
    }
    if (refusal !== null) {
      return fits(operation, { kind: "refused", reason: refusal })
        ? [{ ...state, now: window.from }]
        : [];
    }
    return lookAtHold(facts, state, window).flatMap((found) => {
      const open = found.openUntil === null ? undefined : facts.holds[found.holds - 1];
      if (open !== undefined && open.order !== order && open.id !== hold) {
        return fits(operation, { kind: "refused", reason: "held" }) ? [found] : [];
      }
      if (open !== undefined && !isOverAs(open, found, "redeemed")) return [];
      const entry = facts.log[found.entries];
      const made = entry && standingOf(facts, { ...found, entries: found.entries + 1 });
      const isIn = entry !== undefined && entry.at >= found.now && entry.at <= window.to;
      const isThis = made?.order === order && made.redeemedAt === entry?.at;
      if (!isIn || made == null || !isThis) return [];
      // An open hold must not be over when the code is spent in its name.
      if (found.openUntil !== null && entry.at >= found.openUntil) return [];
      if (!fits(operation, { kind: "redeemed", status: 201, redemption: made.id })) return [];
      const owner = found.owner === "nobody" ? ("elsewhere" as const) : found.owner;
      const next = { ...found, owner, entries: found.entries + 1, openUntil: null, now: entry.at };
      return [withAnswer(next, idempotencyKey, 201, made.id)];
    });
  };
}

function rollbackStep(facts: CodeFacts, operation: Of<"rollback">): Step {
  const row = facts.redemptions.find(({ id }) => id === operation.redemption);
  return (state, window) => {
    const made = facts.log.slice(0, state.entries);
    const isOf = ({ shard, target, kind }: LogRow, wanted: LogRow["kind"]) =>
      shard === row?.shard && target === row.number && kind === wanted;
    if (row === undefined || !made.some((entry) => isOf(entry, "redeemed"))) {
      return fits(operation, NOT_FOUND) ? [{ ...state, now: window.from }] : [];
    }
    const told = { kind: "rolled-back", at: row.rolledBackAt, reason: row.reason };
    if (!fits(operation, told)) return [];
    if (made.some((entry) => isOf(entry, "rolled_back"))) return [{ ...state, now: window.from }];
    const entry = facts.log[state.entries];
    const isNext = entry !== undefined && isOf(entry, "rolled_back");
    const isIn = entry !== undefined && entry.at >= window.from && entry.at <= window.to;
    // The first reason stays, so it says which call it was.
    if (!isNext || !isIn || row.reason !== operation.reason) return [];
    return [{ ...state, entries: state.entries + 1, now: entry.at }];
  };
}

function holdStep(facts: CodeFacts, operation: Of<"hold">): Step {
  const { order, user, ttlMs, idempotencyKey } = operation;
  return (state, window) => {
    const refusal = refusalOf(facts, user, state, standingOf(facts, state));
    if (refusal !== null) {
      return fits(operation, { kind: "refused", reason: refusal })
        ? [{ ...state, now: window.from }]
        : [];
    }
    return lookAtHold(facts, state, window).flatMap((found): State[] => {
      const open = found.openUntil === null ? undefined : facts.holds[found.holds - 1];
      if (open === undefined) {
        const made = facts.holds[found.holds];
        const isIn = made !== undefined && made.madeAt >= found.now && made.madeAt <= window.to;
        if (!isIn || made.order !== order) return [];
        const expiresAt = made.madeAt + ttlMs;
        if (!fits(operation, { kind: "held", status: 201, hold: made.id, expiresAt })) return [];
        const owner = found.owner === "nobody" ? ("elsewhere" as const) : found.owner;
        const holds = found.holds + 1;
        const next = { ...found, owner, holds, openUntil: expiresAt, now: made.madeAt };
        return [withAnswer(next, idempotencyKey, 201, made.id)];
      }
      if (open.order !== order) {
        return fits(operation, { kind: "refused", reason: "held" }) ? [found] : [];
      }
      return lengthened(facts, operation, { found, to: window.to }).map((next) =>
        withAnswer(next, idempotencyKey, 200, open.id),
      );
    });
  };
}

/** The open hold, held on to: never shorter, and longer by when it was asked for again. */
function lengthened(
  facts: CodeFacts,
  operation: Of<"hold">,
  { found, to }: { found: State; to: number },
): State[] {
  const { ttlMs, outcome } = operation;
  const { now, openUntil } = found;
  const open = facts.holds[found.holds - 1];
  if (openUntil === null || open === undefined) return [];
  // With the answer's end the moment is known, unless the hold is as long as it was. Without one it
  // is the earliest, or one from which the hold lasts until something that it must last until.
  const moments =
    outcome.kind === "held"
      ? [now, outcome.expiresAt - ttlMs]
      : [
          now,
          open.expiresAt - ttlMs,
          ...facts.operations.flatMap((other) => [
            other.invoked + 1 - ttlMs,
            ...(other.outcome.kind === "held" ? [other.outcome.expiresAt - ttlMs] : []),
          ]),
        ];
  return [...new Set(moments)]
    .filter((at) => at >= now && at <= to && at < openUntil)
    .map((at) => ({ at, expiresAt: Math.max(openUntil, at + ttlMs) }))
    .filter(
      ({ expiresAt }) =>
        expiresAt <= open.expiresAt &&
        fits(operation, { kind: "held", status: 200, hold: open.id, expiresAt }),
    )
    .map(({ at, expiresAt }) => Object.assign({ ...found }, { openUntil: expiresAt, now: at }));
}

function releaseStep(facts: CodeFacts, operation: Of<"release">): Step {
  return (state, window) => {
    const number = facts.holds.findIndex(({ id }) => id === operation.hold) + 1;
    if (number === 0 || number > state.holds) {
      return fits(operation, NOT_FOUND) ? [{ ...state, now: window.from }] : [];
    }
    if (!fits(operation, { kind: "released" })) return [];
    return lookAtHold(facts, state, window).flatMap((found): State[] => {
      const row = facts.holds[found.holds - 1];
      if (found.openUntil === null || number !== found.holds || row === undefined) return [found];
      const endedAt = row.endedAt ?? Infinity;
      const isIn = endedAt >= found.now && endedAt <= window.to && endedAt < found.openUntil;
      if (!isIn || !isOverAs(row, found, "released")) return [];
      return [{ ...found, openUntil: null, now: endedAt }];
    });
  };
}

/** Judging a code changes nothing. */
function validateStep(facts: CodeFacts, operation: Of<"validate">): Step {
  return (state, window) => {
    const refusal = refusalOf(facts, operation.user, state, standingOf(facts, state));
    if (refusal !== null) {
      return fits(operation, { kind: "refused", reason: refusal })
        ? [{ ...state, now: window.from }]
        : [];
    }
    return lookAtHold(facts, state, window).filter(({ openUntil, holds }) => {
      const isHeld = openUntil !== null && facts.holds[holds - 1]?.order !== operation.order;
      return fits(operation, isHeld ? { kind: "refused", reason: "held" } : { kind: "valid" });
    });
  };
}
