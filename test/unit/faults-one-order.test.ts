import { describe, expect, it } from "vitest";
import type { CheckoutCall, CheckoutOperation } from "../faults/checkout-history.ts";
import type { CodeFacts } from "../faults/checkout-steps.ts";
import { findWhatFitsNoOrder } from "../faults/one-order.ts";
import {
  backAt,
  disk,
  held,
  hold,
  holdRow,
  INFO,
  op,
  redeem,
  redeemed,
  refused,
  release,
  rollback,
  validate,
} from "../support/checkout-calls.ts";
import { CodeWorld, hasOrder, shape } from "../support/checkout-world.ts";
import { Random } from "../support/random.ts";

const RULES = { isHolderOnly: false, redeemsUnclaimed: false };
type Case = Partial<CodeFacts> & Pick<CodeFacts, "operations">;

function judged(given: Case): string | null {
  const facts: CodeFacts = {
    rules: RULES,
    isRetried: false,
    claim: { user: "ann", at: 0 },
    redemptions: [],
    holds: [],
    log: [],
    ...given,
  };
  return findWhatFitsNoOrder(facts, 0);
}

describe("the order of a code's calls", () => {
  it.each<{ what: string; fine: Case }>([
    {
      what: "two orders that raced, of which one was refused",
      fine: {
        operations: [
          op(redeem("o"), [1, 9], redeemed("r1")),
          op(redeem("p"), [2, 8], refused("redeemed")),
        ],
        ...disk(["o", 3]),
      },
    },
    {
      what: "a redemption whose answer was lost, and that was asked for again",
      fine: {
        operations: [op(redeem("o"), [1, 2], INFO), op(redeem("o"), [10, 12], redeemed("r1", 200))],
        ...disk(["o", 5]),
      },
    },
    {
      what: "a call without an answer that did nothing",
      fine: { operations: [op(redeem("o"), [1, 2], INFO)] },
    },
    {
      what: "a try whose answer was lost on the way, before the one that was answered",
      fine: {
        isRetried: true,
        operations: [op(redeem("o"), [1, 9], redeemed("r1", 200))],
        ...disk(["o", 3]),
      },
    },
    {
      what: "a rollback, twice, and the same order again",
      fine: {
        operations: [
          op(redeem("o"), [1, 2], redeemed("r1")),
          op(rollback("r1"), [3, 4], backAt(4)),
          op(rollback("r1", "other"), [5, 6], backAt(4)),
          op(redeem("o"), [7, 8], redeemed("r2")),
          op(rollback("r1", "other"), [9, 10], backAt(4)),
          op(redeem("p"), [11, 12], refused("redeemed")),
        ],
        ...disk(["o", 1], ["back", 4], ["o", 7]),
      },
    },
    {
      what: "a key that is answered with its redemption after the rollback",
      fine: {
        operations: [
          op(redeem("o"), [1, 2], redeemed("r1"), "k"),
          op(rollback("r1"), [3, 4], backAt(4)),
          op(redeem("o"), [5, 6], redeemed("r1"), "k"),
        ],
        ...disk(["o", 1], ["back", 4]),
      },
    },
    {
      what: "a hold that keeps another order out until it is over",
      fine: {
        operations: [
          op(hold("o"), [1, 2], held("h1", 101)),
          op(redeem("p"), [90, 110], refused("held")),
          op(redeem("p"), [95, 110], redeemed("r1")),
        ],
        holds: [holdRow(1, "o", [1, 101])],
        ...disk(["p", 105]),
      },
    },
    {
      what: "a hold that is lengthened, brought along by its id, and spent",
      fine: {
        operations: [
          op(hold("o"), [1, 2], held("h1", 101)),
          op(hold("o"), [50, 52], held("h1", 151, 200)),
          op(validate("p"), [120, 121], refused("held")),
          op(validate("o"), [120, 121], { kind: "valid" }),
          op(redeem("p", "h1"), [130, 131], redeemed("r1")),
          op(release("h1"), [140, 141], { kind: "released" }),
        ],
        holds: [holdRow(1, "o", [1, 151], { endedAt: 130, endedBy: "redeemed" })],
        ...disk(["p", 130]),
      },
    },
    {
      what: "a hold that was lengthened by a call without an answer",
      fine: {
        operations: [
          op(hold("o"), [1, 2], held("h1", 101)),
          op(hold("o"), [50, 52], INFO),
          op(redeem("p"), [120, 125], refused("held")),
        ],
        holds: [holdRow(1, "o", [1, 160])],
      },
    },
    {
      what: "a code that was handed out elsewhere",
      fine: {
        claim: null,
        rules: { isHolderOnly: false, redeemsUnclaimed: true },
        operations: [op(redeem("o"), [1, 2], redeemed("r1"))],
        ...disk(["o", 1]),
      },
    },
    {
      what: "a code before and after it was claimed",
      fine: {
        claim: { user: "ann", at: 5 },
        operations: [
          op(redeem("o"), [1, 7], refused("not-claimed")),
          op(redeem("o"), [4, 9], redeemed("r1")),
        ],
        ...disk(["o", 6]),
      },
    },
  ])("explains $what", ({ fine }) => {
    expect(judged(fine)).toBeNull();
  });

  it.each<{ what: string; wrong: Case }>([
    {
      what: "two redemptions that stand",
      wrong: {
        operations: [
          op(redeem("o"), [1, 2], redeemed("r1")),
          op(redeem("p"), [3, 4], redeemed("r2")),
        ],
        ...disk(["o", 1], ["p", 3]),
      },
    },
    {
      what: "a redemption that is not on disk",
      wrong: { operations: [op(redeem("o"), [1, 2], redeemed("r1"))] },
    },
    {
      what: "a redemption that nobody asked for",
      wrong: { operations: [op(redeem("p"), [1, 2], INFO)], ...disk(["o", 1]) },
    },
    {
      what: "a redemption made before it was asked for",
      wrong: {
        operations: [op(redeem("o"), [10, 12], redeemed("r1"))],
        ...disk(["o", 5]),
      },
    },
    {
      what: "a redemption made twice for one order",
      wrong: {
        operations: [
          op(redeem("o"), [1, 2], redeemed("r1")),
          op(redeem("o"), [3, 4], redeemed("r1")),
        ],
        ...disk(["o", 1]),
      },
    },
    {
      what: "a refusal of the order that the code was spent on",
      wrong: {
        operations: [
          op(redeem("o"), [1, 2], redeemed("r1")),
          op(redeem("o"), [3, 4], refused("redeemed")),
        ],
        ...disk(["o", 1]),
      },
    },
    {
      what: "a refusal without a reason on disk",
      wrong: { operations: [op(redeem("o"), [1, 2], refused("redeemed"))] },
    },
    {
      what: "a first answer that says it was not the first",
      wrong: {
        operations: [op(redeem("o"), [1, 9], redeemed("r1", 200))],
        ...disk(["o", 3]),
      },
    },
    {
      what: "a rollback that is lost",
      wrong: {
        operations: [
          op(redeem("o"), [1, 2], redeemed("r1")),
          op(rollback("r1"), [3, 4], backAt(3)),
        ],
        ...disk(["o", 1]),
      },
    },
    {
      what: "a rollback that nobody asked for",
      wrong: {
        operations: [op(redeem("o"), [1, 2], redeemed("r1"))],
        ...disk(["o", 1], ["back", 3]),
      },
    },
    {
      what: "a second rollback that puts its reason in place of the first",
      wrong: {
        operations: [
          op(redeem("o"), [1, 2], redeemed("r1")),
          op(rollback("r1", "first"), [3, 4], backAt(3, "first")),
          op(rollback("r1"), [5, 6], backAt(3)),
        ],
        ...disk(["o", 1], ["back", 3]),
      },
    },
    {
      what: "a code that cannot be spent again after the rollback",
      wrong: {
        operations: [
          op(redeem("o"), [1, 2], redeemed("r1")),
          op(rollback("r1"), [3, 4], backAt(3)),
          op(redeem("p"), [5, 6], refused("redeemed")),
        ],
        ...disk(["o", 1], ["back", 3]),
      },
    },
    {
      what: "the same order told of the redemption that was rolled back",
      wrong: {
        operations: [
          op(redeem("o"), [1, 2], redeemed("r1")),
          op(rollback("r1"), [3, 4], backAt(3)),
          op(redeem("o"), [5, 6], redeemed("r1", 200)),
        ],
        ...disk(["o", 1], ["back", 3]),
      },
    },
    {
      what: "a hold that is ignored by another order",
      wrong: {
        operations: [
          op(hold("o"), [1, 2], held("h1", 101)),
          op(redeem("p"), [50, 60], redeemed("r1")),
        ],
        holds: [holdRow(1, "o", [1, 101])],
        ...disk(["p", 55]),
      },
    },
    {
      what: "two holds at once",
      wrong: {
        operations: [
          op(hold("o"), [1, 2], held("h1", 101)),
          op(hold("p"), [50, 60], held("h2", 155)),
        ],
        holds: [holdRow(1, "o", [1, 101]), holdRow(2, "p", [55, 155])],
      },
    },
    {
      what: "a hold that never lapses",
      wrong: {
        operations: [
          op(hold("o"), [1, 2], held("h1", 101)),
          op(redeem("p"), [150, 160], refused("held")),
        ],
        holds: [holdRow(1, "o", [1, 101])],
      },
    },
    {
      what: "a hold that is over too early",
      wrong: {
        operations: [
          op(hold("o"), [1, 2], held("h1", 101)),
          op(validate("p"), [50, 60], { kind: "valid" }),
        ],
        holds: [holdRow(1, "o", [1, 101])],
      },
    },
    {
      what: "a hold that is made shorter",
      wrong: {
        operations: [
          op(hold("o"), [1, 2], held("h1", 101)),
          op(hold("o", 10), [50, 52], held("h1", 61, 200)),
        ],
        holds: [holdRow(1, "o", [1, 61])],
      },
    },
    {
      what: "a redemption refused after the release",
      wrong: {
        operations: [
          op(hold("o"), [1, 2], held("h1", 101)),
          op(release("h1"), [5, 6], { kind: "released" }),
          op(redeem("p"), [10, 12], refused("held")),
        ],
        holds: [holdRow(1, "o", [1, 101], { endedAt: 5, endedBy: "released" })],
      },
    },
    {
      what: "a release that is lost",
      wrong: {
        operations: [
          op(hold("o"), [1, 2], held("h1", 101)),
          op(release("h1"), [5, 6], { kind: "released" }),
        ],
        holds: [holdRow(1, "o", [1, 101])],
      },
    },
    {
      what: "a hold that outlives its redemption",
      wrong: {
        operations: [
          op(hold("o"), [1, 2], held("h1", 101)),
          op(redeem("o"), [5, 6], redeemed("r1")),
        ],
        holds: [holdRow(1, "o", [1, 101])],
        ...disk(["o", 5]),
      },
    },
    {
      what: "a hold that is lost",
      wrong: { operations: [op(hold("o"), [1, 2], held("h1", 101))] },
    },
    {
      what: "a code spent before anybody had it",
      wrong: {
        claim: { user: "ann", at: 5 },
        operations: [op(redeem("o"), [1, 3], redeemed("r1"))],
        ...disk(["o", 2]),
      },
    },
    {
      what: "a code handed out elsewhere and given to a user",
      wrong: {
        rules: { isHolderOnly: false, redeemsUnclaimed: true },
        claim: { user: "ann", at: 5 },
        operations: [op(redeem("o"), [1, 3], redeemed("r1"))],
        ...disk(["o", 2]),
      },
    },
    {
      what: "a code spent by somebody who is not its holder",
      wrong: {
        operations: [
          op({ kind: "redeem", order: "o", hold: null, user: "bob" }, [1, 2], redeemed("r1")),
        ],
        ...disk(["o", 1]),
      },
    },
    {
      what: "a code of the holder's only, spent for nobody",
      wrong: {
        rules: { isHolderOnly: true, redeemsUnclaimed: false },
        operations: [op(redeem("o"), [1, 2], redeemed("r1"))],
        ...disk(["o", 1]),
      },
    },
    {
      what: "a key that brings a second redemption",
      wrong: {
        operations: [
          op(redeem("o"), [1, 2], redeemed("r1"), "k"),
          op(rollback("r1"), [3, 4], backAt(3)),
          op(redeem("o"), [5, 6], redeemed("r2"), "k"),
        ],
        ...disk(["o", 1], ["back", 3], ["o", 5]),
      },
    },
    {
      what: "answers that came in the wrong order",
      wrong: {
        operations: [
          op(validate(null), [1, 2], refused("redeemed")),
          op(redeem("o"), [3, 5], redeemed("r1")),
        ],
        ...disk(["o", 4]),
      },
    },
  ])("refuses $what", ({ wrong }) => {
    expect(judged(wrong)).not.toBeNull();
  });
});

/** No moment of a small history is later. */
const HORIZON = 26;

/** A call that can be, with ids of redemptions and holds that may be there. */
function someCall(random: Random): CheckoutCall {
  const order = random.pick(["o", "p"]);
  const user = random.chance(0.85) ? null : random.pick(["ann", "bob"]);
  const kind = random.pick([
    "redeem",
    "redeem",
    "redeem",
    "hold",
    "hold",
    "rollback",
    "rollback",
    "release",
    "validate",
  ] as const);
  const id = random.int(1, 2);
  switch (kind) {
    case "redeem":
      return { kind, order, hold: random.chance(0.3) ? `h${id}` : null, user };
    case "hold":
      return { kind, order, ttlMs: random.int(1, 8), user };
    case "rollback":
      return { kind, redemption: `r${id}`, reason: random.pick(["x", "y"]) };
    case "release":
      return { kind, hold: `h${id}` };
    case "validate":
      return { kind, order: random.chance(0.5) ? order : null, user };
  }
}

/** What the rules come to at random moments, as callers see it: a history that is possible. */
function possibleHistory(random: Random): CodeFacts {
  const rules = random.pick([
    RULES,
    RULES,
    { isHolderOnly: true, redeemsUnclaimed: false },
    { isHolderOnly: false, redeemsUnclaimed: true },
  ]);
  const world = new CodeWorld(rules);
  const claim = random.chance(0.85) ? { user: "ann", at: random.int(0, 4) } : null;
  const moments = Array.from({ length: random.int(2, 5) }, () => random.int(1, 16));
  const operations: CheckoutOperation[] = [];
  let isClaimed = claim === null;
  for (const at of moments.toSorted((a, b) => a - b)) {
    if (claim !== null && !isClaimed && claim.at <= at) isClaimed = world.claim(claim.user);
    const key = random.chance(0.15) ? "k" : null;
    const base = { campaign: 0, code: "A", idempotencyKey: key, outcome: INFO };
    const span = { invoked: at - random.int(0, 3), returned: at + random.int(0, 3) };
    const isKeyed = (call: CheckoutCall) => call.kind === "redeem" || call.kind === "hold";
    const call = someCall(random);
    const first = operations.find(({ idempotencyKey }) => key !== null && idempotencyKey === key);
    // A key that comes again comes with the same request.
    const asked: CheckoutOperation = { ...(first ?? { ...base, ...call }), ...span };
    if (!isKeyed(asked)) asked.idempotencyKey = null;
    const isLost = random.chance(0.2);
    const outcome = isLost && random.chance(0.5) ? INFO : world.act(asked, at);
    operations.push({ ...asked, outcome: isLost ? INFO : outcome });
  }
  const isHis = claim !== null && (isClaimed || world.claim(claim.user));
  const { redemptions, holds, log } = world;
  return {
    rules,
    isRetried: false,
    claim: isHis ? claim : null,
    operations,
    redemptions,
    holds,
    log,
  };
}

/** One thing of it made otherwise. Often the history is possible no more. */
function changed(facts: CodeFacts, random: Random): CodeFacts {
  const copy = structuredClone(facts);
  const call = random.pick(copy.operations);
  const row = copy.redemptions.length > 0 ? random.pick(copy.redemptions) : null;
  const held_ = copy.holds.length > 0 ? random.pick(copy.holds) : null;
  switch (random.int(0, 7)) {
    case 0:
      call.outcome = random.pick(copy.operations).outcome;
      break;
    case 1:
      call.outcome = random.pick([
        refused("held"),
        refused("redeemed"),
        refused("not-claimed"),
        redeemed(`r${random.int(1, 2)}`, random.pick([200, 201])),
        { kind: "valid" },
      ]);
      break;
    case 2: {
      const late = random.int(1, 4);
      Object.assign(call, { invoked: call.invoked + late, returned: call.returned + late });
      break;
    }
    case 3:
      call.returned = Math.max(call.invoked, call.returned - random.int(1, 3));
      break;
    case 4:
      if (held_ !== null) held_.expiresAt += random.pick([-2, -1, 1, 2]);
      break;
    case 5:
      if (held_ !== null) Object.assign(held_, { endedAt: null, endedBy: null });
      break;
    case 6:
      if (row !== null) row.order = row.order === "o" ? "p" : "o";
      break;
    case 7:
      copy.operations = copy.operations.filter((other) => other !== call);
  }
  return copy;
}

describe("the order of a code's calls and a search through all orders and moments", () => {
  it("agree on 3,000 small histories", { timeout: 60_000 }, () => {
    const random = new Random(1);
    const verdicts = { possible: 0, impossible: 0 };
    for (let i = 0; i < 3_000; i++) {
      const possible = possibleHistory(random);
      const facts = random.chance(0.3) ? possible : changed(possible, random);
      const isPossible = hasOrder(facts, HORIZON);
      if (facts === possible) expect([i, isPossible]).toEqual([i, true]);
      const found = findWhatFitsNoOrder(facts, 0);
      verdicts[isPossible ? "possible" : "impossible"] += 1;
      if (isPossible !== (found === null)) {
        expect.fail(JSON.stringify({ i, isPossible, found, facts, disk: shape(facts) }, null, 1));
      }
    }
    expect(Math.min(verdicts.possible, verdicts.impossible)).toBeGreaterThan(500);
  });
});
