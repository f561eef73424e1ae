import { describe, expect, it } from "vitest";
import { check } from "../faults/checker.ts";
import type {
  CampaignDump,
  Deed,
  History,
  Operation,
  Outcome,
  RequestRow,
} from "../faults/history.ts";
import { eventsOf } from "../support/checkout-calls.ts";
import { Random } from "../support/random.ts";

const CODES = ["A", "B", "C"];

function ok(code: string, status: 200 | 201 = 201): Outcome {
  return { kind: "ok", status, code, body: `{"code":"${code}"}` };
}

const EXHAUSTED: Outcome = { kind: "exhausted" };
const INFO: Outcome = { kind: "info", why: "ECONNRESET" };

/** A claim from `invoked` to `returned`. */
function op(user: string, invoked: number, returned: number, outcome: Outcome) {
  const operation: Operation = {
    campaign: 0,
    user,
    idempotencyKey: null,
    invoked,
    returned,
    outcome,
  };
  return operation;
}

function deed(kind: Deed["kind"], invoked: number, returned: number, codes = 0): Deed {
  return { campaign: 0, kind, codes, invoked, returned, isKnown: true };
}

interface Case {
  operations: Operation[];
  /** The code of each user on disk, and the second one of those who have two. */
  ledger: Record<string, string>;
  /** The log's runs: from, to, first sequence, count. Every claim in one, if left out. */
  runs?: [from: number, to: number, first: number, count: number][];
  second?: Record<string, string>;
  claimsPerUser?: number;
  deeds?: Deed[];
  codes?: string[];
  /** How many of the codes came with the first batch. */
  firstCodes?: number;
  /** What D1 shows, where that is not the ledger. */
  shown?: Record<string, string>;
  isOver?: boolean;
  /** What the keys are remembered for, where that is not their first answers. */
  requests?: RequestRow[];
}

/** Two users who each have a code. */
const TWO = {
  operations: [op("ann", 0, 1, ok("A")), op("bob", 0, 1, ok("B"))],
  ledger: { ann: "A", bob: "B" },
};

/** The first answer of each key. */
function rememberedOf(operations: Operation[]): RequestRow[] {
  const rows = new Map<string, RequestRow>();
  for (const { idempotencyKey, outcome, invoked: madeAt } of operations) {
    if (idempotencyKey === null || outcome.kind !== "ok" || rows.has(idempotencyKey)) continue;
    const { code, status } = outcome;
    rows.set(idempotencyKey, { idempotencyKey, code, status, madeAt });
  }
  return [...rows.values()];
}

/** The operation, with a key. */
const keyed = (idempotencyKey: string, operation: Operation) => ({ ...operation, idempotencyKey });

/** The rules that the case breaks. */
function broken({ operations, ledger, deeds = [], ...rest }: Case): string[] {
  const { codes = CODES, shown = ledger, second = {}, isOver = false } = rest;
  const claims = [ledger, second].flatMap((held, nth) =>
    Object.entries(held).map(([user, code]) => ({ user, code, nth })),
  );
  const dump: CampaignDump = {
    runs: (rest.runs ?? [[0, claims.length, 1, claims.length]])
      .filter(([, , , count]) => count > 0)
      .map(([from, to, first, count]) => ({
        type: "claim.created",
        shard: 0,
        from,
        to,
        first,
        count,
      })),
    ledger: claims.map(({ user, code, nth }, i) => ({
      shard: 0,
      slot: i + 1,
      user,
      nth,
      code,
      // As early as can be, so that the pool's clock explains nothing away.
      claimedAt: Math.min(
        ...operations.filter((operation) => operation.user === user).map(({ invoked }) => invoked),
      ),
      idempotencyKey:
        operations.find(({ outcome }) => outcome.kind === "ok" && outcome.code === code)
          ?.idempotencyKey ?? null,
      place: { batchId: "b", ordinal: codes.indexOf(code) },
    })),
    requests: rest.requests ?? rememberedOf(operations),
    reservations: [],
    checkout: { redemptions: [], holds: [], log: [], spent: [], outside: [], marked: [] },
    codes: codes.map((code, ordinal) => ({
      batchId: "b",
      ordinal,
      code,
      user: Object.entries(shown).find(([, theirs]) => theirs === code)?.[0] ?? null,
    })),
  };
  const history: History = {
    claimsPerUser: [rest.claimsPerUser ?? 1],
    terms: [{ isHolderOnly: false, redeemsUnclaimed: false, revealWithinMs: null }],
    operations,
    reveals: [],
    checkout: [],
    isRetried: false,
    events: [eventsOf(claims.map(({ code }) => code))],
    deeds,
  };
  const found = check(history, [dump], [rest.firstCodes ?? codes.length], isOver);
  return [...new Set(found.map(({ rule }) => rule))];
}

describe("the checker of fault runs", () => {
  it("accepts a drop in which everything went well", () => {
    const operations = [
      op("ann", 0, 2, ok("A")),
      op("bob", 1, 3, INFO),
      op("bob", 4, 5, ok("B", 200)),
      op("cat", 2, 9, ok("C")),
      op("dan", 8, 10, EXHAUSTED),
    ];
    const ledger = { ann: "A", bob: "B", cat: "C" };
    expect(broken({ operations, ledger, isOver: true })).toEqual([]);
  });

  it("accepts a request that gets its first answer again while the campaign is paused", () => {
    const operations = [keyed("k", op("ann", 0, 2, ok("A"))), keyed("k", op("ann", 6, 7, ok("A")))];
    const deeds = [deed("pause", 3, 4)];
    expect(broken({ operations, ledger: { ann: "A" }, deeds })).toEqual([]);
  });

  it("accepts a request that gets its first answer again, and a key that is refused to another", () => {
    const operations = [
      keyed("k", op("ann", 0, 2, INFO)),
      keyed("k", op("ann", 3, 4, ok("A"))),
      keyed("k", op("bob", 3, 6, { kind: "reused" })),
      keyed("k", op("ann", 5, 7, ok("A"))),
      keyed("l", op("ann", 8, 9, ok("A", 200))),
      keyed("l", op("ann", 10, 11, ok("A", 200))),
    ];
    expect(broken({ operations, ledger: { ann: "A" } })).toEqual([]);
  });

  it.each<{ what: string; rule: string; wrong: Case }>([
    {
      what: "a code given to two users",
      rule: "oneOwner",
      wrong: {
        operations: [op("ann", 0, 1, ok("A")), op("bob", 2, 3, ok("A"))],
        ledger: { ann: "A" },
      },
    },
    {
      what: "two codes for a user",
      rule: "oneEach",
      wrong: {
        operations: [op("ann", 0, 1, ok("A")), op("ann", 2, 3, ok("B", 200))],
        ledger: { ann: "A" },
      },
    },
    {
      what: "an answer that the ledger lacks",
      rule: "durable",
      wrong: { operations: [op("ann", 0, 1, ok("A"))], ledger: {} },
    },
    {
      what: "a claim of somebody who never asked",
      rule: "asked",
      wrong: { operations: [op("ann", 0, 1, { kind: "fail" })], ledger: { ann: "A" } },
    },
    {
      what: "a request that brought two codes",
      rule: "asked",
      wrong: {
        operations: [op("ann", 0, 1, INFO)],
        ledger: { ann: "A" },
        second: { ann: "B" },
        claimsPerUser: 2,
      },
    },
    {
      what: "an old claim that was never new",
      rule: "asked",
      wrong: {
        operations: [op("ann", 0, 1, ok("A", 200)), op("ann", 2, 3, ok("A"))],
        ledger: { ann: "A" },
      },
    },
    {
      what: "a code that nobody made",
      rule: "asked",
      wrong: { operations: [op("ann", 0, 1, ok("X"))], ledger: { ann: "X" } },
    },
    {
      what: "a claim that is told twice",
      rule: "logged",
      wrong: {
        ...TWO,
        runs: [
          [0, 2, 1, 2],
          [1, 2, 3, 1],
        ],
      },
    },
    {
      what: "a sequence that is left out",
      rule: "logged",
      wrong: {
        ...TWO,
        runs: [
          [0, 1, 1, 1],
          [1, 2, 3, 1],
        ],
      },
    },
    {
      what: "an event of no claim",
      rule: "logged",
      wrong: { ...TWO, runs: [[0, 2, 1, 3]] },
    },
    {
      what: "a claim that is not told in the end",
      rule: "told",
      wrong: { ...TWO, codes: ["A", "B"], isOver: true, runs: [[0, 1, 1, 1]] },
    },
    {
      what: "exhausted said while a code was left",
      rule: "exhausted",
      wrong: {
        operations: [
          op("ann", 0, 1, ok("A")),
          op("bob", 0, 1, ok("B")),
          op("dan", 2, 3, EXHAUSTED),
        ],
        ledger: { ann: "A", bob: "B" },
      },
    },
    {
      what: "exhausted said to somebody who then holds the last code",
      rule: "exhausted",
      wrong: {
        operations: [op("ann", 0, 9, EXHAUSTED), op("ann", 0, 9, ok("A"))],
        ledger: { ann: "A" },
        codes: ["A"],
      },
    },
    {
      what: "exhausted said after a top-up was answered",
      rule: "exhausted",
      wrong: {
        operations: [op("ann", 0, 1, ok("A")), op("dan", 5, 6, EXHAUSTED)],
        ledger: { ann: "A" },
        deeds: [deed("top-up", 2, 4, 2)],
        firstCodes: 1,
      },
    },
    {
      what: "a code given after exhausted, without a top-up",
      rule: "finality",
      wrong: {
        operations: [op("dan", 0, 1, EXHAUSTED), op("ann", 2, 3, ok("A"))],
        ledger: { ann: "A" },
        codes: ["A"],
      },
    },
    {
      what: "a holder told that none is left",
      rule: "finality",
      wrong: {
        operations: [op("ann", 0, 1, ok("A")), op("ann", 2, 3, EXHAUSTED)],
        ledger: { ann: "A" },
        codes: ["A"],
      },
    },
    {
      what: "a code that is new twice",
      rule: "sameAnswer",
      wrong: {
        operations: [op("ann", 0, 1, ok("A")), op("ann", 2, 3, ok("A"))],
        ledger: { ann: "A" },
      },
    },
    {
      what: "a key that brought two codes",
      rule: "sameAnswer",
      wrong: {
        operations: [
          { ...op("ann", 0, 1, ok("A")), idempotencyKey: "k" },
          { ...op("ann", 2, 3, ok("B")), idempotencyKey: "k" },
        ],
        ledger: { ann: "A" },
        second: { ann: "B" },
        claimsPerUser: 2,
      },
    },
    {
      what: "a key whose answer changes from 201 to 200",
      rule: "sameAnswer",
      wrong: {
        operations: [
          keyed("k", op("ann", 0, 1, ok("A"))),
          keyed("k", op("ann", 2, 3, ok("A", 200))),
        ],
        ledger: { ann: "A" },
      },
    },
    {
      what: "a key that was answered to two users",
      rule: "oneRequest",
      wrong: {
        operations: [keyed("k", op("ann", 0, 1, ok("A"))), keyed("k", op("bob", 2, 3, ok("B")))],
        ledger: { ann: "A", bob: "B" },
      },
    },
    {
      what: "a key that is refused to the only user who sent it",
      rule: "oneRequest",
      wrong: { operations: [keyed("k", op("ann", 0, 1, { kind: "reused" }))], ledger: {} },
    },
    {
      what: "an answer that its key was not remembered for",
      rule: "oneRequest",
      wrong: {
        operations: [keyed("k", op("ann", 0, 1, ok("A")))],
        ledger: { ann: "A" },
        requests: [],
      },
    },
    {
      what: "a code given during a pause",
      rule: "paused",
      wrong: {
        operations: [op("ann", 3, 4, ok("A"))],
        ledger: { ann: "A" },
        deeds: [deed("pause", 1, 2), deed("resume", 5, 6)],
      },
    },
    {
      what: "a pause told of after its end",
      rule: "paused",
      wrong: {
        operations: [op("ann", 7, 8, { kind: "closed" })],
        ledger: {},
        deeds: [deed("pause", 1, 2), deed("resume", 5, 6)],
      },
    },
    {
      what: "an error of the Worker's own",
      rule: "noBug",
      wrong: { operations: [op("ann", 0, 1, { kind: "info", why: "status 500" })], ledger: {} },
    },
    {
      what: "a key that is refused because something is down",
      rule: "noBug",
      wrong: { operations: [op("ann", 0, 1, { kind: "info", why: "status 401" })], ledger: {} },
    },
    {
      what: "an old code for a user who may have another",
      rule: "generous",
      wrong: {
        operations: [op("ann", 0, 1, ok("A")), op("ann", 2, 3, ok("A", 200))],
        ledger: { ann: "A" },
        claimsPerUser: 2,
      },
    },
    {
      what: "a claim that D1 never showed",
      rule: "projected",
      wrong: {
        operations: [op("ann", 0, 1, ok("A"))],
        ledger: { ann: "A" },
        codes: ["A"],
        shown: {},
        isOver: true,
      },
    },
    {
      what: "a code that nobody could have",
      rule: "spent",
      wrong: { operations: [op("ann", 0, 1, ok("A"))], ledger: { ann: "A" }, isOver: true },
    },
  ])("catches $what", ({ rule, wrong }) => {
    expect(broken(wrong)).toContain(rule);
  });
});

/**
 * Whether some order of the operations, each at a moment between its call and its return, explains
 * the answers and ends in the ledger: a search through all of them.
 */
function hasOrder(operations: Operation[], ledger: Record<string, string>, codes: number): boolean {
  function search(left: Operation[], held: Record<string, string>): boolean {
    if (left.length === 0) return Object.keys(held).length === Object.keys(ledger).length;
    const firstReturn = Math.min(
      ...left.map(({ outcome, returned }) => (outcome.kind === "info" ? Infinity : returned)),
    );
    return left.some((operation) => {
      if (operation.invoked > firstReturn) return false;
      const { user, outcome } = operation;
      const rest = left.filter((other) => other !== operation);
      const mine = held[user];
      if (outcome.kind === "exhausted") {
        const isDry = mine === undefined && Object.keys(held).length >= codes;
        return isDry && search(rest, held);
      }
      if (outcome.kind === "ok") {
        if (mine !== undefined) {
          return mine === outcome.code && outcome.status === 200 && search(rest, held);
        }
        if (outcome.status === 200) return false;
        const isFree = !Object.values(held).includes(outcome.code);
        const isKept = ledger[user] === outcome.code;
        return isFree && isKept && search(rest, { ...held, [user]: outcome.code });
      }
      const brought = ledger[user];
      const tookEffect =
        mine === undefined &&
        brought !== undefined &&
        !Object.values(held).includes(brought) &&
        search(rest, { ...held, [user]: brought });
      return tookEffect || search(rest, held);
    });
  }
  return search(operations, {});
}

/** A small history: often a possible one, often one that is a little off. */
function smallHistory(random: Random): Case & { codes: string[] } {
  const codes = CODES.slice(0, random.int(1, 3));
  const users = ["ann", "bob", "cat"];
  const ledger: Record<string, string> = {};
  const free = [...codes];
  for (const user of users) {
    const at = random.int(0, free.length - 1);
    if (free.length > 0 && random.chance(0.7)) ledger[user] = free.splice(at, 1)[0] as string;
  }
  const operations = Array.from({ length: random.int(2, 6) }, () => {
    const user = random.pick(users);
    const invoked = random.int(0, 12) + random.next() / 2;
    const returned = invoked + random.int(1, 6) + random.next() / 4;
    const code = ledger[user];
    const outcome = random.chance(0.2)
      ? INFO
      : code !== undefined && random.chance(0.9)
        ? ok(code, random.chance(0.5) ? 200 : 201)
        : EXHAUSTED;
    return op(user, invoked, returned, outcome);
  });
  return { operations, ledger, codes };
}

describe("the checker and a search through all orders", () => {
  it("agree on 20,000 small histories", () => {
    const random = new Random(1);
    const verdicts = { valid: 0, invalid: 0 };
    for (let i = 0; i < 20_000; i++) {
      const { operations, ledger, codes } = smallHistory(random);
      const isPossible = hasOrder(operations, ledger, codes.length);
      const found = broken({ operations, ledger, codes });
      verdicts[isPossible ? "valid" : "invalid"] += 1;
      if (isPossible !== (found.length === 0)) {
        expect.fail(JSON.stringify({ isPossible, found, operations, ledger, codes }, null, 1));
      }
    }
    expect(Math.min(verdicts.valid, verdicts.invalid)).toBeGreaterThan(1_000);
  });
});
