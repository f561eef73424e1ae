import { describe, expect, it } from "vitest";
import { check } from "../faults/checker.ts";
import type { CampaignDump, Deed, Operation, Outcome, Reveal } from "../faults/history.ts";
import { Random } from "../support/random.ts";
import { eventsOf } from "../support/checkout-calls.ts";

const WITHIN_MS = 1_000;
const CODES = ["A", "B"];
const INFO: Outcome = { kind: "info", why: "ECONNRESET" };
const EXHAUSTED: Outcome = { kind: "exhausted" };
const LAPSED: Outcome = { kind: "lapsed" };

function ok(code: string, status: 200 | 201 = 200): Outcome {
  return { kind: "ok", status, code, body: "{}" };
}

function claim(user: string, [invoked, returned]: [number, number], outcome: Outcome): Operation {
  return { campaign: 0, user, idempotencyKey: null, invoked, returned, outcome };
}

/** A claim of the user that was reserved at `at`. */
function reserve(user: string, at: number, { late = 0, isNew = true } = {}): Operation {
  const outcome: Outcome = {
    kind: "reserved",
    status: isNew ? 201 : 200,
    claim: `clm_${user}`,
    nth: 0,
    revealBy: at + WITHIN_MS,
  };
  return claim(user, [at + late - 1, at + late + 1], outcome);
}

function reveal(user: string, [invoked, returned]: [number, number], outcome: Outcome): Reveal {
  return { campaign: 0, user, claim: `clm_${user}`, nth: 0, invoked, returned, outcome };
}

interface Case {
  claims: Operation[];
  reveals?: Reveal[];
  /** What lies on disk: the code of each user, and when it was shown. */
  ledger?: Record<string, [code: string, at: number]>;
  /** Whose code is reserved on disk, and until when. */
  reserved?: Record<string, number>;
  codes?: string[];
  deeds?: Deed[];
  isOver?: boolean;
}

function broken({ claims, reveals = [], ledger = {}, codes = CODES, ...rest }: Case): string[] {
  const rows = Object.entries(ledger).map(([user, [code, claimedAt]]) => ({
    user,
    code,
    claimedAt,
  }));
  const dump: CampaignDump = {
    ledger: rows.map(({ user, code, claimedAt }, i) => ({
      shard: 0,
      slot: i + 1,
      user,
      nth: 0,
      code,
      claimedAt,
      idempotencyKey: null,
      place: { batchId: "b", ordinal: codes.indexOf(code) },
    })),
    runs: rows.map((_, i) => ({
      type: "claim.created",
      first: i + 1,
      count: 1,
      shard: 0,
      from: i,
      to: i + 1,
    })),
    requests: [],
    codes: codes.map((code, ordinal) => ({
      batchId: "b",
      ordinal,
      code,
      user: rows.find((row) => row.code === code)?.user ?? null,
    })),
    reservations: Object.entries(rest.reserved ?? {}).map(([user, revealBy]) => ({
      user,
      nth: 0,
      madeAt: revealBy - WITHIN_MS,
      revealBy,
    })),
    checkout: { redemptions: [], holds: [], log: [], spent: [], outside: [], marked: [] },
  };
  const terms = { isHolderOnly: false, redeemsUnclaimed: false, revealWithinMs: WITHIN_MS };
  const history = {
    claimsPerUser: [1],
    terms: [terms],
    operations: claims,
    reveals,
    checkout: [],
    isRetried: false,
    events: [eventsOf(rows.map(({ code }) => code))],
    deeds: rest.deeds ?? [],
  };
  const found = check(history, [dump], [codes.length], rest.isOver ?? false);
  return [...new Set(found.map(({ rule }) => rule))];
}

describe("the checker of codes that are shown on demand", () => {
  it("accepts codes that are shown in time, lapse, and are had by others", () => {
    const claims = [
      reserve("ann", 100),
      reserve("bob", 200),
      claim("cat", [300, 310], EXHAUSTED),
      reserve("bob", 200, { late: 150, isNew: false }),
      reserve("cat", 1_300),
      claim("ann", [1_400, 1_410], ok("A")),
      claim("bob", [1_500, 1_510], EXHAUSTED),
    ];
    const reveals = [
      reveal("ann", [500, 510], INFO),
      reveal("ann", [600, 610], ok("A")),
      reveal("bob", [1_250, 1_260], LAPSED),
      reveal("cat", [1_450, 1_460], ok("B")),
      reveal("ann", [5_000, 5_010], ok("A")),
    ];
    const ledger: Case["ledger"] = { ann: ["A", 505], cat: ["B", 1_455] };
    expect(broken({ claims, reveals, ledger, isOver: true })).toEqual([]);
  });

  it.each<{ what: string; rule: string; wrong: Case }>([
    {
      what: "a code that is shown by its claim",
      rule: "hidden",
      wrong: { claims: [claim("ann", [99, 101], ok("A", 201))] },
    },
    {
      what: "a code that is given though nobody asked to see it",
      rule: "revealed",
      wrong: { claims: [reserve("ann", 100)], ledger: { ann: ["A", 500] } },
    },
    {
      what: "a code that is shown after its time",
      rule: "revealed",
      wrong: {
        claims: [reserve("ann", 100)],
        reveals: [reveal("ann", [1_200, 1_210], ok("A"))],
        ledger: { ann: ["A", 1_205] },
      },
    },
    {
      what: "a second code by a second reveal",
      rule: "oneEach",
      wrong: {
        claims: [reserve("ann", 100)],
        reveals: [reveal("ann", [200, 210], ok("A")), reveal("ann", [300, 310], ok("B"))],
        ledger: { ann: ["A", 205] },
      },
    },
    {
      what: "a code that is shown to two users",
      rule: "oneOwner",
      wrong: {
        claims: [reserve("ann", 100), reserve("bob", 100)],
        reveals: [reveal("ann", [200, 210], ok("A")), reveal("bob", [300, 310], ok("A"))],
        ledger: { ann: ["A", 205] },
      },
    },
    {
      what: "a code that was shown and is lost",
      rule: "durable",
      wrong: {
        claims: [reserve("ann", 100)],
        reveals: [reveal("ann", [200, 210], ok("A"))],
      },
    },
    {
      what: "a reveal that is refused before its time is over",
      rule: "lapsedInTime",
      wrong: { claims: [reserve("ann", 100)], reveals: [reveal("ann", [500, 510], LAPSED)] },
    },
    {
      what: "a reveal for which no code is there",
      rule: "lapsedInTime",
      wrong: { claims: [reserve("ann", 100)], reveals: [reveal("ann", [500, 510], EXHAUSTED)] },
    },
    {
      what: "a reveal that is refused after the code was shown",
      rule: "lapsedInTime",
      wrong: {
        claims: [reserve("ann", 100)],
        reveals: [reveal("ann", [200, 210], ok("A")), reveal("ann", [1_500, 1_510], LAPSED)],
        ledger: { ann: ["A", 205] },
      },
    },
    {
      what: "a code reserved twice for a user",
      rule: "reservedOnce",
      wrong: { claims: [reserve("ann", 100), reserve("ann", 300)] },
    },
    {
      what: "a reservation that is new twice",
      rule: "reservedOnce",
      wrong: { claims: [reserve("ann", 100), reserve("ann", 100, { late: 50 })] },
    },
    {
      what: "a reservation that never lapses",
      rule: "reservedOnce",
      wrong: { claims: [reserve("ann", 100), reserve("ann", 100, { late: 1_500, isNew: false })] },
    },
    {
      what: "a reservation that is lost",
      rule: "reservationKept",
      wrong: { claims: [reserve("ann", 100)] },
    },
    {
      what: "more reserved codes than there are",
      rule: "withinStock",
      wrong: {
        claims: [reserve("ann", 100), reserve("bob", 110)],
        codes: ["A"],
        reserved: { ann: 1_100, bob: 1_110 },
      },
    },
    {
      what: "a reserved code that is shown to somebody else",
      rule: "withinStock",
      wrong: {
        claims: [reserve("ann", 100), reserve("bob", 300)],
        reveals: [reveal("bob", [400, 410], ok("A"))],
        ledger: { bob: ["A", 405] },
        reserved: { ann: 1_100 },
        codes: ["A"],
      },
    },
    {
      what: "exhausted said while a code was left",
      rule: "exhaustedOnDemand",
      wrong: { claims: [reserve("ann", 100), claim("bob", [300, 310], EXHAUSTED)] },
    },
    {
      what: "exhausted said after the only other reservation lapsed",
      rule: "exhaustedOnDemand",
      wrong: {
        claims: [reserve("ann", 100), claim("bob", [1_300, 1_310], EXHAUSTED)],
        codes: ["A"],
      },
    },
    {
      what: "a code reserved during a pause",
      rule: "paused",
      wrong: {
        claims: [reserve("ann", 100)],
        deeds: [{ campaign: 0, kind: "pause", codes: 0, invoked: 10, returned: 20, isKnown: true }],
      },
    },
    {
      what: "a lapsed code that nobody can have",
      rule: "spent",
      wrong: { claims: [reserve("ann", 100), claim("bob", [5_000, 5_010], INFO)], isOver: true },
    },
  ])("catches $what", ({ rule, wrong }) => {
    expect(broken(wrong)).toContain(rule);
  });
});

/** A pool of such a campaign by the rules, or with one of them left out. */
class OnDemand {
  readonly #free: string[];
  readonly #breaks: string;
  readonly given = new Map<string, [code: string, at: number]>();
  readonly reserved = new Map<string, number>();

  constructor(codes: string[], breaks: string) {
    this.#free = [...codes];
    this.#breaks = breaks;
  }

  #isOpen(user: string, now: number): boolean {
    const until = this.reserved.get(user) ?? 0;
    return this.#breaks === "lapse" ? until > 0 : until > now;
  }

  claim(user: string, now: number): Outcome {
    const mine = this.given.get(user);
    if (mine !== undefined) return ok(mine[0]);
    const isNew = !this.#isOpen(user, now);
    const open = [...this.reserved.keys()].filter((other) => this.#isOpen(other, now));
    const kept = this.#breaks === "keep" ? 0 : open.length;
    if (isNew && this.#free.length - kept <= 0) return EXHAUSTED;
    if (isNew) this.reserved.set(user, now + WITHIN_MS);
    const revealBy = this.reserved.get(user) ?? 0;
    const status = isNew ? 201 : 200;
    return { kind: "reserved", status, claim: `clm_${user}`, nth: 0, revealBy };
  }

  reveal(user: string, now: number): Outcome {
    const mine = this.given.get(user);
    if (mine !== undefined && this.#breaks !== "once") return ok(mine[0]);
    if (this.#breaks !== "time" && !this.#isOpen(user, now) && mine === undefined) return LAPSED;
    const code = this.#free.shift();
    if (code === undefined) return EXHAUSTED;
    this.reserved.delete(user);
    if (mine === undefined) this.given.set(user, [code, now]);
    return ok(code);
  }
}

/** What callers may see of such a pool, some of whom get no answer. */
function someHistory(random: Random, breaks: string): Case {
  const codes = ["A", "B", "C"].slice(0, random.int(1, 3));
  const pool = new OnDemand(codes, breaks);
  const [claims, reveals]: [Operation[], Reveal[]] = [[], []];
  const known = new Set<string>();
  let now = 0;
  for (let i = random.int(3, 14); i > 0; i--) {
    now += random.pick([60, 100, 300, 900]);
    const user = random.pick(["ann", "bob", "cat", "dan"]);
    const span: [number, number] = [now - random.int(0, 30), now + random.int(0, 30)];
    const isLost = random.chance(0.15);
    const mayReveal = known.has(user) && random.chance(0.5);
    const act = () => (mayReveal ? pool.reveal(user, now) : pool.claim(user, now));
    const seen = isLost && random.chance(0.5) ? INFO : act();
    const outcome = isLost ? INFO : seen;
    if (mayReveal) reveals.push(reveal(user, span, outcome));
    else claims.push(claim(user, span, outcome));
    if (!mayReveal) known.add(user);
  }
  return {
    claims,
    reveals,
    codes,
    ledger: Object.fromEntries(pool.given),
    reserved: Object.fromEntries(pool.reserved),
  };
}

describe("the checker and a pool whose codes are shown on demand", () => {
  it("accepts 5,000 of its histories", () => {
    const random = new Random(1);
    for (let i = 0; i < 5_000; i++) {
      const given = someHistory(random, "nothing");
      const found = broken(given);
      if (found.length > 0) expect.fail(JSON.stringify({ i, found, given }, null, 1));
    }
  });

  it.each([
    { breaks: "lapse", rules: ["reservedOnce", "revealed"] },
    { breaks: "keep", rules: ["withinStock", "lapsedInTime"] },
    { breaks: "once", rules: ["oneEach", "durable"] },
    { breaks: "time", rules: ["revealed"] },
  ])("catches one that breaks the rule of $breaks", ({ breaks, rules }) => {
    const random = new Random(2);
    const found = new Set(
      Array.from({ length: 500 }, () => broken(someHistory(random, breaks))).flat(),
    );
    expect([...found]).toEqual(expect.arrayContaining(rules));
  });
});
