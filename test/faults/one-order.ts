/**
 * Whether the calls of one code can have come one after the other: Wing and Gong's search for a
 * legal order that keeps to real time, with states that were met before left out (Lowe).
 *
 * WHAT THE DISK TELLS. The pool's log says in which order the code was redeemed and rolled back,
 * its holds in which order they were made, each with the time on the pool's clock. So the search
 * does not guess what a call without an answer did: it was the one that made the next row, or none.
 * An order is legal only if it makes all rows and no others.
 *
 * TIME. Each call took effect at a moment between its call and its return; a hold is open before
 * its expiry and over from then on. Moments are tried as early as can be: the end of a hold that is
 * open then may be waited for, and one that is over never opens again. All moments are the pool's;
 * `slackMs` is how far its clock may be from that of the callers.
 */

import type { CheckoutOperation } from "./checkout-history.ts";
import {
  isOverAs,
  stepOf,
  type CodeFacts,
  type State,
  type Step,
  type Window,
} from "./checkout-steps.ts";

/** States looked at before the search is given up; a code of a run needs some hundreds. */
const STATES_MAX = 300_000;

/** A call, or the claim, that is to find its place in the order. */
interface Move extends Window {
  /** Times of the callers, which nothing is taken from: they alone say what came before what. */
  invoked: number;
  returned: number;
  /** Whether it happened for certain. */
  isSure: boolean;
  step: Step;
  what: string;
}

/** Null when some order explains all; otherwise what does not fit. */
export function findWhatFitsNoOrder(facts: CodeFacts, slackMs: number): string | null {
  const moves = movesOf(facts, slackMs);
  const start: State = {
    owner: "nobody",
    entries: 0,
    holds: 0,
    openUntil: null,
    answers: [],
    now: -Infinity,
  };
  const seen = new Map<string, number>();
  let states = 0;
  let fewest: { left: Move[]; state: State } = { left: moves, state: start };

  function search(left: Move[], state: State): boolean {
    const key = `${left.map((move) => moves.indexOf(move)).join()} ${keyOf(state)}`;
    if ((seen.get(key) ?? Infinity) <= state.now) return false;
    seen.set(key, state.now);
    if (++states > STATES_MAX) return false;
    const sure = left.filter(({ isSure }) => isSure);
    if (sure.length < fewest.left.filter(({ isSure }) => isSure).length) fewest = { left, state };
    if (sure.length === 0 && isAllOnDisk(facts, state)) return true;
    const firstReturn = Math.min(...sure.map(({ returned }) => returned));
    if (sure.some(({ to }) => to < state.now)) return false;
    const without = (move: Move) => left.filter((other) => other !== move);
    const mayBeNext = left.filter(({ invoked }) => invoked <= firstReturn);
    // What changes nothing and takes no time is never better done later.
    const idle = mayBeNext.find(
      (move) =>
        move.isSure &&
        move.from <= state.now &&
        move.step(state, { from: state.now, to: move.to }).some((next) => isSame(next, state)),
    );
    if (idle !== undefined) return search(without(idle), state);
    return mayBeNext.some((move) =>
      move.step(state, { from: Math.max(move.from, state.now), to: move.to }).some(
        (next) =>
          // What may not have happened, and changed nothing, need not have.
          (move.isSure || keyOf(next) !== keyOf(state)) && search(without(move), next),
      ),
    );
  }

  if (search(moves, start)) return null;
  if (states > STATES_MAX) return `no order was found in ${STATES_MAX} states`;
  const stuck = fewest.left.filter(({ isSure }) => isSure).toSorted((a, b) => a.to - b.to);
  const { entries, holds, openUntil } = fewest.state;
  const after = `${entries} of ${facts.log.length} entries of the log and ${holds} of ${facts.holds.length} holds`;
  const open = openUntil === null ? "" : ` with a hold until ${openUntil}`;
  const rest =
    stuck.length === 0 ? ["nothing, and the disk says otherwise"] : stuck.map((m) => m.what);
  return `no order explains it: after ${after}${open} there remain ${rest.slice(0, 4).join("; ")}`;
}

function keyOf({ owner, entries, holds, openUntil, answers }: State): string {
  return [owner, entries, holds, openUntil, ...answers].join(" ");
}

const isSame = (a: State, b: State) => a.now === b.now && keyOf(a) === keyOf(b);

/** Whether an order that ends so has made every row. */
function isAllOnDisk({ claim, log, holds }: CodeFacts, state: State): boolean {
  const last = holds[state.holds - 1];
  return (
    (claim === null || state.owner === "user") &&
    state.entries === log.length &&
    state.holds === holds.length &&
    (state.openUntil === null || (last !== undefined && isOverAs(last, state, null)))
  );
}

const LOST = { kind: "info", why: "a lost try" } as const;

function movesOf(facts: CodeFacts, slackMs: number): Move[] {
  const moves = facts.operations
    .filter(({ outcome }) => outcome.kind !== "fail")
    .flatMap((operation): Move[] => {
      const isSure = operation.outcome.kind !== "info";
      const returned = isSure ? operation.returned : Infinity;
      const { invoked, kind, idempotencyKey } = operation;
      const move: Move = {
        invoked,
        returned,
        from: invoked - slackMs,
        to: returned + slackMs,
        isSure,
        step: stepOf(facts, operation),
        what: described(operation),
      };
      // Before the try that was answered there may have been one whose answer was lost on the way.
      // With a key they are one; and the other calls say the same again.
      const isOnce = idempotencyKey !== null || (kind !== "redeem" && kind !== "hold");
      if (isOnce || !facts.isRetried) return [move];
      const step = stepOf(facts, Object.assign({ ...operation }, { outcome: LOST }));
      return [move, { ...move, isSure: false, step }];
    });
  const { claim } = facts;
  if (claim === null) return moves;
  const step: Step = (state) =>
    state.owner === "nobody" && state.now <= claim.at
      ? [{ ...state, owner: "user", now: claim.at }]
      : [];
  const span = { from: claim.at, to: claim.at, invoked: -Infinity, returned: Infinity };
  return [...moves, { ...span, isSure: true, step, what: `claim by ${claim.user}` }];
}

function described(operation: CheckoutOperation): string {
  const { kind, invoked, returned, outcome, idempotencyKey } = operation;
  const names = ["order", "hold", "redemption", "reason", "ttlMs", "user"];
  const asked = names.map((name) => Reflect.get(operation, name) as string | number | null);
  const call = [kind, ...asked, idempotencyKey].filter((value) => value != null).join(" ");
  const told = Object.values(outcome).join(" ");
  return `${call} [${invoked.toFixed(1)}, ${returned.toFixed(1)}] -> ${told}`;
}
