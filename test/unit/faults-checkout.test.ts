import { describe, expect, it } from "vitest";
import { check } from "../faults/checker.ts";
import type { CheckoutDump, CheckoutOperation, HoldRow } from "../faults/checkout-history.ts";
import type { CampaignDump, RunRow, ToldEvent } from "../faults/history.ts";
import {
  backAt,
  disk,
  eventsOf,
  holdRow,
  op,
  redeem,
  redeemed,
  rollback,
} from "../support/checkout-calls.ts";

const PLAIN = { isHolderOnly: false, redeemsUnclaimed: false, revealWithinMs: null };

interface Case {
  operations?: CheckoutOperation[];
  rows?: ReturnType<typeof disk>;
  holds?: HoldRow[];
  /** What the claim of the code says, and D1, where that is not the redemption that stands. */
  spent?: Partial<Omit<CheckoutDump["spent"][number], "code">>;
  /** The runs of the event log, where those are not one for each entry. */
  runs?: [type: string, from: number, to: number][];
  /** What the brand reads, where that is not what was told. */
  events?: ToldEvent[];
  isOver?: boolean;
}

/** Spent, rolled back, and spent on another order. */
const THRICE: Case = {
  operations: [
    op(redeem("o"), [100, 102], redeemed("r1")),
    op(rollback("r1"), [200, 202], backAt(201)),
    op(redeem("p"), [300, 302], redeemed("r2")),
  ],
  rows: disk(["o", 101], ["back", 201], ["p", 301]),
};

const TYPES = { redeemed: "code.redeemed", rolled_back: "redemption.rolled_back" };

/** The rules that it breaks, of a campaign whose only code Ann has. */
function broken({ operations = [], rows = disk(), holds = [], ...rest }: Case): string[] {
  const { redemptions, log } = rows;
  const at = redemptions.find(({ rollback: number }) => number === 0)?.redeemedAt ?? null;
  const runs =
    rest.runs ??
    log.map(({ kind, number }) => {
      const type = kind === "expired" ? "code.expired" : TYPES[kind];
      return [type, number - 1, number] as [string, number, number];
    });
  const claimed = ["claim.created", 0, 1] as [string, number, number];
  let next = 1;
  const toRun = ([type, from, to]: [string, number, number]): RunRow => {
    const first = next;
    next += to - from;
    return { type, first, count: to - from, shard: 0, from, to };
  };
  const dump: CampaignDump = {
    ledger: [
      {
        shard: 0,
        slot: 1,
        user: "ann",
        nth: 0,
        code: "A",
        claimedAt: 1,
        idempotencyKey: null,
        place: { batchId: "b", ordinal: 0 },
      },
    ],
    runs: [claimed, ...runs].map(toRun),
    requests: [],
    codes: [{ batchId: "b", ordinal: 0, code: "A", user: "ann" }],
    reservations: [],
    checkout: {
      redemptions,
      holds,
      log,
      spent: [{ code: "A", inPool: at, inD1: at, ...rest.spent }],
      outside: [],
      marked: [],
    },
  };
  const claim = {
    campaign: 0,
    user: "ann",
    idempotencyKey: null,
    invoked: 0,
    returned: 2,
    outcome: { kind: "ok", status: 201, code: "A", body: "{}" } as const,
  };
  const history = {
    claimsPerUser: [1],
    terms: [PLAIN],
    operations: [claim],
    reveals: [],
    checkout: operations,
    isRetried: false,
    events: [rest.events ?? eventsOf(["A"], rows)],
    deeds: [],
  };
  const found = check(history, [dump], [1], rest.isOver ?? true);
  return [...new Set(found.map(({ rule }) => rule))];
}

describe("the checker of the checkout", () => {
  it("accepts a code that was spent, rolled back and spent again", () => {
    expect(broken(THRICE)).toEqual([]);
  });

  it("accepts what D1 was not told of yet", () => {
    const late = { runs: [], spent: { inD1: null }, isOver: false };
    expect(broken({ ...THRICE, ...late })).toEqual([]);
  });

  it.each<{ what: string; rule: string; wrong: Case }>([
    {
      what: "two redemptions of a code that stand",
      rule: "onlyOne",
      wrong: { rows: disk(["o", 101], ["p", 301]) },
    },
    {
      what: "two open holds of a code",
      rule: "onlyOne",
      wrong: { holds: [holdRow(1, "o", [100, 200]), holdRow(2, "p", [150, 250])] },
    },
    {
      what: "an order that is not legal",
      rule: "oneOrder",
      wrong: { ...THRICE, operations: THRICE.operations?.slice(0, 2) ?? [] },
    },
    {
      what: "a redemption that was answered and is lost",
      rule: "kept",
      wrong: { operations: [op(redeem("o"), [100, 102], redeemed("r1"))] },
    },
    {
      what: "a rollback that was answered and is lost",
      rule: "kept",
      wrong: { ...THRICE, rows: disk(["o", 101]) },
    },
    {
      what: "a rollback that is not in the log",
      rule: "logIsWhole",
      wrong: { rows: { ...disk(["o", 101], ["back", 201]), log: disk(["o", 101]).log } },
    },
    {
      what: "a redemption that is in the log twice",
      rule: "logIsWhole",
      wrong: { rows: { ...disk(["o", 101]), log: disk(["o", 101], ["o", 102]).log } },
    },
    {
      what: "a claim that is spent though its redemption was rolled back",
      rule: "claimsAgree",
      wrong: { rows: disk(["o", 101], ["back", 201]), spent: { inPool: 101 } },
    },
    {
      what: "an entry that is told as what it is not",
      rule: "eventsAreLog",
      wrong: {
        ...THRICE,
        runs: [
          ["code.redeemed", 0, 2],
          ["redemption.rolled_back", 2, 3],
        ],
      },
    },
    {
      what: "events in another order than the log's",
      rule: "eventsAreLog",
      wrong: {
        ...THRICE,
        runs: [
          ["code.redeemed", 0, 1],
          ["code.redeemed", 2, 3],
          ["redemption.rolled_back", 1, 2],
        ],
      },
    },
    {
      what: "an entry that is told twice",
      rule: "eventsAreLog",
      wrong: {
        rows: disk(["o", 101]),
        runs: [
          ["code.redeemed", 0, 1],
          ["code.redeemed", 0, 1],
        ],
      },
    },
    {
      what: "an entry that is not told in the end",
      rule: "allTold",
      wrong: { ...THRICE, runs: [["code.redeemed", 0, 1]] },
    },
    {
      what: "events that are read in another order",
      rule: "readAsLogged",
      wrong: { ...THRICE, events: eventsOf(["A"], disk(["o", 101], ["p", 201])) },
    },
    {
      what: "a code that D1 shows as spent after its rollback",
      rule: "spentIsShown",
      wrong: { rows: disk(["o", 101], ["back", 201]), spent: { inD1: 101 } },
    },
    {
      what: "an error of the Worker's own",
      rule: "noCheckoutBug",
      wrong: { operations: [op(redeem("o"), [1, 2], { kind: "info", why: "status 500" })] },
    },
  ])("catches $what", ({ rule, wrong }) => {
    expect(broken(wrong)).toContain(rule);
  });
});
