/**
 * Whether a history could have come from a correct pool. Pure, and O(n log n) or so.
 *
 * WHY THESE SUFFICE. A campaign's state is a write-once map from (user, nth) to a code, one-to-one.
 * Which free code is given is free in the rules, and every answer shows it; so for each user the
 * campaign is a register that is written once with a unique value (same-answer, durable, one-each).
 * Users meet only in that codes differ (one-owner) and in that they run out (exhausted). For the
 * latter every claim is placed at its earliest legal moment: when even then codes were left, no
 * order explains the answer. An argument, not a proof: unit/faults-checker.test.ts holds it against
 * a search through all orders of small histories.
 */

import { checkCheckout, outsideBefore } from "./checkout.ts";
import type { CampaignDump, Deed, History, LedgerRow, Operation, Outcome } from "./history.ts";
import type { Reveal, Terms } from "./history.ts";
import { RESERVED } from "./reserved.ts";

export interface Violation {
  rule: string;
  what: string;
}

export type Ok = Operation & { outcome: Extract<Outcome, { kind: "ok" }> };

/** All that is known of one campaign. */
export interface Facts {
  claimsPerUser: number;
  terms: Terms;
  /** Calls to claim, and to be shown what was claimed. */
  operations: Operation[];
  claims: Operation[];
  reveals: Reveal[];
  /** Those that were answered with a code. */
  oks: Ok[];
  deeds: Deed[];
  ledger: LedgerRow[];
  dump: CampaignDump;
  /** Codes whose batch was certainly there when the campaign was first claimed from. */
  firstCodes: number;
  /** The span within which a user was given a code, as far as the answers tell. */
  givenIn: (user: string, code: string) => Span;
}

interface Span {
  from: number;
  to: number;
}

const NEVER: Span = { from: Infinity, to: Infinity };

export type Rule = (facts: Facts) => string[];

export function groupBy<T>(items: T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** I1: no code belongs to two users, in answers and ledger together. */
const oneOwner: Rule = ({ oks, ledger }) => {
  const owners = new Map<string, Set<string>>();
  for (const { code, user } of [...oks.map(pairOf), ...ledger]) {
    owners.set(code, (owners.get(code) ?? new Set()).add(user));
  }
  const wrong = [...owners].filter(([, users]) => users.size > 1);
  const twice = ledger.length - new Set(ledger.map(({ code }) => code)).size;
  return [
    ...wrong.map(([code, users]) => `${code} was given to ${[...users].join(" and ")}`),
    ...(twice > 0 ? [`${twice} codes are in the ledger twice`] : []),
  ];
};

const pairOf = ({ user, outcome }: Ok) => ({ user, code: outcome.code });

/** I2: no user holds more codes than claims_per_user, in answers and ledger together. */
const oneEach: Rule = ({ oks, ledger, claimsPerUser }) =>
  [...groupBy([...oks.map(pairOf), ...ledger], ({ user }) => user)]
    .map(([user, held]) => ({ user, count: new Set(held.map(({ code }) => code)).size }))
    .filter(({ count }) => count > claimsPerUser)
    .map(({ user, count }) => `${user} holds ${count} codes`);

/** I3: what was answered is in the ledger, with the key that it was asked for with. */
const durable: Rule = ({ oks, ledger }) => {
  const stored = new Map(ledger.map((claim) => [`${claim.user} ${claim.code}`, claim]));
  return oks.flatMap(({ user, idempotencyKey, outcome }) => {
    const claim = stored.get(`${user} ${outcome.code}`);
    if (claim === undefined) {
      return [`${user} was answered ${outcome.code}, which the ledger lacks`];
    }
    return outcome.status === 201 && claim.idempotencyKey !== idempotencyKey
      ? [`${user} was given ${outcome.code} for the key ${idempotencyKey}, kept with another`]
      : [];
  });
};

/**
 * A 201 tells of the very request that brought the code; by its key it may be told again, and the
 * first to bring it may have been one whose answer was lost. A code that no 201 told of was brought
 * by a request whose answer was lost.
 */
function givenInOf(operations: Operation[], oks: Ok[]): Facts["givenIn"] {
  const keyed = groupBy(
    operations.filter(({ outcome }) => outcome.kind === "ok" || outcome.kind === "info"),
    ({ user, idempotencyKey }) => `${user} ${idempotencyKey}`,
  );
  const told = new Map<string, Span>();
  for (const { user, idempotencyKey, invoked, returned, outcome } of oks) {
    if (outcome.status !== 201) continue;
    const same = idempotencyKey === null ? [] : (keyed.get(`${user} ${idempotencyKey}`) ?? []);
    const to = Math.min(returned, told.get(`${user} ${outcome.code}`)?.to ?? Infinity);
    const from = Math.min(invoked, ...same.map((operation) => operation.invoked));
    told.set(`${user} ${outcome.code}`, { from, to });
  }
  const lost = new Map<string, Span>();
  for (const { user, invoked, outcome } of operations) {
    if (outcome.kind !== "info") continue;
    lost.set(user, { from: Math.min(invoked, lost.get(user)?.from ?? Infinity), to: Infinity });
  }
  return (user, code) => told.get(`${user} ${code}`) ?? lost.get(user) ?? NEVER;
}

/** I4: what is in the ledger was asked for by that user, once per claim, and is a real code. */
const asked: Rule = ({ operations, oks, ledger, dump, claimsPerUser, givenIn }) => {
  const found: string[] = [];
  const fresh = new Set(
    oks
      .filter(({ outcome }) => outcome.status === 201)
      .map(({ user, outcome }) => `${user} ${outcome.code}`),
  );
  const lost = groupBy(
    operations.filter(({ outcome }) => outcome.kind === "info"),
    ({ user }) => user,
  );
  const untold = ledger.filter(({ user, code }) => !fresh.has(`${user} ${code}`));
  for (const [user, claims] of groupBy(untold, (claim) => claim.user)) {
    const requests = lost.get(user)?.length ?? 0;
    if (claims.length > requests) {
      found.push(`${user} holds ${claims.length} codes by ${requests} requests without an answer`);
    }
  }
  for (const { user, returned, outcome } of oks) {
    if (givenIn(user, outcome.code).from >= returned) {
      found.push(`${user} was told of ${outcome.code} before asking for it`);
    }
  }
  const places = new Map(dump.codes.map((row) => [row.code, row]));
  for (const { user, code, nth, place } of ledger) {
    const row = places.get(code);
    const isThere = row?.batchId === place?.batchId && row?.ordinal === place?.ordinal;
    if (nth >= claimsPerUser) found.push(`${user} has a claim number ${nth}`);
    if (row === undefined || !isThere) {
      found.push(`${code} of ${user} is not where the pool's blocks say`);
    }
  }
  return found;
};

/** I6: "exhausted" is said only when every code known to be there can have been given before. */
const exhausted: Rule = ({ operations, ledger, dump, deeds, firstCodes, givenIn }) =>
  operations
    .filter(({ outcome }) => outcome.kind === "exhausted")
    .flatMap(({ user, invoked, returned }) => {
      const added = deeds
        .filter((deed) => deed.kind === "top-up" && deed.isKnown && deed.returned < invoked)
        .reduce((sum, { codes }) => sum + codes, firstCodes);
      // Both are bounds from below on when a claim was decided: the pool's clock stands still while
      // it computes, and nobody is given a code before they ask.
      const given = ledger.filter(
        (claim) =>
          claim.user !== user &&
          claim.claimedAt <= returned &&
          givenIn(claim.user, claim.code).from <= returned,
      ).length;
      const gone = given + outsideBefore(dump.checkout, returned);
      if (gone >= added) return [];
      return [`${user} was told "exhausted" when at most ${gone} of ${added} codes were gone`];
    });

/**
 * I7: after "exhausted", and with no top-up since, nobody is given a code; nor is a holder told.
 */
const finality: Rule = ({ operations, oks, ledger, deeds, givenIn }) => {
  const topUps = deeds.filter(({ kind }) => kind === "top-up");
  /** Whether codes may have come after `from` and before `to`. */
  const mayHaveGrown = (from: number, to: number) =>
    topUps.some(({ invoked, returned, isKnown }) => invoked < to && (!isKnown || returned > from));
  const refusals = operations
    .filter(({ outcome }) => outcome.kind === "exhausted")
    .toSorted((a, b) => a.returned - b.returned);
  const found: string[] = [];
  for (const { user, code } of ledger) {
    const { from, to } = givenIn(user, code);
    const before = refusals.find(
      ({ invoked, returned }) => returned < from && !mayHaveGrown(invoked, to),
    );
    if (before !== undefined) {
      found.push(`${user} was given a code after ${before.user} was told "exhausted"`);
    }
  }
  const held = new Map<string, number>();
  for (const { user, returned } of oks) {
    held.set(user, Math.min(returned, held.get(user) ?? Infinity));
  }
  for (const { user, invoked } of refusals) {
    if ((held.get(user) ?? Infinity) < invoked) {
      found.push(`${user} held a code and was told "exhausted"`);
    }
  }
  return found;
};

/** I8: a code is new once, a request made twice is one, and an answer looks the same each time. */
const sameAnswer: Rule = ({ oks, ledger, dump }) => {
  const found: string[] = [];
  const redeemed = new Set(dump.checkout.redemptions.map(({ code }) => code));
  const isKeyed = ({ idempotencyKey }: { idempotencyKey: string | null }) =>
    idempotencyKey !== null;
  const requestOf = (of: { user: string; idempotencyKey: string | null }) =>
    `${of.user} with the key ${of.idempotencyKey}`;
  for (const [request, claims] of groupBy(ledger.filter(isKeyed), requestOf)) {
    if (claims.length > 1) found.push(`${request} has ${claims.length} claims`);
  }
  for (const [request, same] of groupBy(oks.filter(isKeyed), requestOf)) {
    const answers = new Set(same.map(({ outcome }) => `${outcome.status} ${outcome.code}`));
    if (answers.size > 1) found.push(`${request} was answered with ${[...answers].join(" and ")}`);
  }
  for (const [code, same] of groupBy(oks, ({ outcome }) => outcome.code)) {
    const fresh = same.filter(({ outcome }) => outcome.status === 201);
    const requests = new Set(fresh.filter(isKeyed).map(requestOf));
    const isNewAgain = requests.size + fresh.filter((one) => !isKeyed(one)).length > 1;
    if (isNewAgain) found.push(`${code} was answered with 201 ${fresh.length} times`);
    // Of a code that was redeemed the claim says so.
    const status = redeemed.has(code) ? /"status":"[a-z]+"/ : /^$/;
    const bodies = new Set(same.map(({ outcome }) => outcome.body.replace(status, "")));
    if (bodies.size > 1) found.push(`${code} was answered in ${bodies.size} ways`);
  }
  return found;
};

/** A key means one request: it is answered to one user, and refused only to the others. */
const oneRequest: Rule = ({ operations, oks, dump }) => {
  const found: string[] = [];
  const byKey = groupBy(
    operations.filter(({ idempotencyKey }) => idempotencyKey !== null),
    ({ idempotencyKey }) => String(idempotencyKey),
  );
  for (const [key, same] of byKey) {
    const users = new Set(
      oks.filter(({ idempotencyKey }) => idempotencyKey === key).map(({ user }) => user),
    );
    if (users.size > 1) found.push(`${key} was answered to ${[...users].join(" and ")}`);
    for (const { user, returned, outcome } of same) {
      if (outcome.kind !== "reused") continue;
      const isReused = same.some((other) => other.user !== user && other.invoked < returned);
      if (!isReused) found.push(`${user} was told that ${key} is another's, and it was not`);
    }
  }
  for (const [key, rows] of groupBy(dump.requests, ({ idempotencyKey }) => idempotencyKey)) {
    if (rows.length > 1) found.push(`${key} is remembered ${rows.length} times`);
    if (!byKey.has(key)) found.push(`${key} is remembered and was never sent`);
  }
  const answers = new Map(dump.requests.map((row) => [row.idempotencyKey, row]));
  for (const { idempotencyKey, outcome } of oks) {
    if (idempotencyKey === null) continue;
    const row = answers.get(idempotencyKey);
    if (row?.code !== outcome.code || row.status !== outcome.status) {
      found.push(`${idempotencyKey} was answered with ${outcome.code}, and remembered otherwise`);
    }
  }
  return found;
};

/** A pause is in force for what begins after its answer, and only then is it told. */
const paused: Rule = ({ operations, deeds, givenIn }) => {
  const found: string[] = [];
  const resumes = deeds.filter(({ kind }) => kind === "resume");
  const pauses = deeds.filter(({ kind }) => kind === "pause");
  for (const pause of pauses.filter(({ isKnown }) => isKnown)) {
    const until = Math.min(
      ...resumes.filter(({ returned }) => returned > pause.invoked).map(({ invoked }) => invoked),
    );
    for (const { user, invoked, returned, outcome } of operations) {
      if ((outcome.kind !== "ok" && outcome.kind !== "reserved") || outcome.status !== 201)
        continue;
      // By its key a request is told again of what it was given before.
      const first = outcome.kind === "ok" ? givenIn(user, outcome.code).from : invoked;
      const begun = Math.min(invoked, first);
      if (begun > pause.returned && returned < until) {
        found.push(`${user} was given a code while the campaign was paused`);
      }
    }
  }
  for (const { user, invoked, returned, outcome } of operations) {
    if (outcome.kind !== "closed") continue;
    const explained = pauses.some(
      (pause) =>
        pause.invoked < returned &&
        !resumes.some(
          (resume) =>
            resume.isKnown && resume.invoked > pause.returned && resume.returned < invoked,
        ),
    );
    if (!explained) found.push(`${user} was told of a pause that was not`);
  }
  return found;
};

/** What goes wrong around the Worker is told as such: no other error, and no other refusal. */
const noBug: Rule = ({ operations }) =>
  operations.flatMap(({ user, outcome }) =>
    outcome.kind === "info" && /^status (?!503)/.test(outcome.why)
      ? [`${user} was answered with ${outcome.why}`]
      : [],
  );

/** Who may have another code gets one, while there are some and the campaign is open. */
const generous: Rule = ({ oks, deeds, ledger, dump, claimsPerUser, firstCodes }) => {
  const rememberedAt = new Map(
    dump.requests.map(({ idempotencyKey, madeAt }) => [idempotencyKey, madeAt]),
  );
  const pausedFrom = Math.min(
    ...deeds.filter(({ kind }) => kind === "pause").map(({ invoked }) => invoked),
  );
  return oks
    .filter(({ outcome, returned }) => outcome.status === 200 && returned < pausedFrom)
    .filter(({ user, idempotencyKey, invoked, returned }) => {
      const before = ledger.filter(({ claimedAt }) => claimedAt <= returned);
      const held = before.filter((claim) => claim.user === user);
      // The answer of an earlier request, which is held to this rule itself.
      const isRepeat =
        idempotencyKey !== null && (rememberedAt.get(idempotencyKey) ?? Infinity) < invoked;
      const added = deeds
        .filter((deed) => deed.kind === "top-up" && deed.isKnown && deed.returned < invoked)
        .reduce((sum, { codes }) => sum + codes, firstCodes);
      const gone = before.length + outsideBefore(dump.checkout, returned);
      return held.length < claimsPerUser && !isRepeat && gone < added;
    })
    .map(({ user }) => `${user} was given an old code with another one due`);
};

/** I10: what D1 shows is the ledger. Only of a dump made after everything was shown. */
const projected: Rule = ({ ledger, dump }) => {
  const held = new Map(ledger.map(({ code, user }) => [code, user]));
  return dump.codes
    .filter(({ code, user }) => user !== (held.get(code) ?? null))
    .map(({ code, user }) => `D1 shows ${code} with ${user}, the ledger with ${held.get(code)}`);
};

/**
 * The log's sequences are 1, 2, 3, … without a gap, and what it says of claims is the ledgers'
 * stretches, each following the last of its shard: so no claim has two events.
 */
const logged: Rule = ({ ledger, dump }) => {
  const found: string[] = [];
  let next = 1;
  const reached = new Map<number, number>();
  for (const { type, first, count, shard, from, to } of dump.runs) {
    if (first !== next) found.push(`the log goes from sequence ${next - 1} to ${first}`);
    next = first + count;
    if (type !== "claim.created" || shard === null || from === null || to === null) continue;
    const last = reached.get(shard) ?? 0;
    if (from !== last) found.push(`claims of shard ${shard} are told from ${from}, after ${last}`);
    reached.set(shard, to);
    const there = ledger.filter((row) => row.shard === shard && row.slot > from && row.slot <= to);
    if (there.length !== count) {
      found.push(`${count} events are told of ${there.length} claims of shard ${shard}`);
    }
  }
  return found;
};

/** Every claim has its event. Only of a dump made after everything was shown. */
const told: Rule = ({ ledger, dump }) => {
  const count = dump.runs
    .filter(({ type }) => type === "claim.created")
    .reduce((sum, run) => sum + run.count, 0);
  return count === ledger.length ? [] : [`${count} events are told of ${ledger.length} claims`];
};

/** I5: every code that was made reached somebody. Only of a run that ended with nothing left. */
const spent: Rule = ({ ledger, dump }) => {
  const given = new Set([
    ...ledger.map(({ code }) => code),
    ...dump.checkout.outside,
    ...dump.checkout.marked,
  ]);
  const stranded = dump.codes.filter(({ code }) => !given.has(code));
  return stranded.length === 0
    ? []
    : [`${stranded.length} of ${dump.codes.length} codes can be had by nobody`];
};

const SHARED = { oneOwner, oneEach, durable, paused, noBug, logged };
const ALWAYS = { ...SHARED, asked, exhausted, finality, sameAnswer, oneRequest, generous };
const AT_THE_END = { projected, spent, told };

/** Violations told of one rule: the first ones say enough. */
const TOLD_MAX = 3;

/**
 * Holds a history against what lies on disk. `isOver` says that everybody who can have a code has
 * one, and that D1 was told of all.
 */
export function check(
  history: History,
  dumps: CampaignDump[],
  firstCodes: number[],
  isOver: boolean,
): Violation[] {
  return dumps.flatMap((dump, campaign) => {
    const isOf = (one: { campaign: number }) => one.campaign === campaign;
    const reveals = history.reveals.filter(isOf);
    const claims = history.operations.filter(isOf);
    // Who is shown a code is told of it, whichever way they asked.
    const shown = reveals.map((reveal): Operation =>
      Object.assign({ idempotencyKey: null }, reveal),
    );
    const operations = [...claims, ...shown];
    const oks = operations.filter((operation): operation is Ok => operation.outcome.kind === "ok");
    const terms = history.terms[campaign];
    if (terms === undefined) throw new Error(`Nothing is known of campaign ${campaign}`);
    const facts: Facts = {
      claimsPerUser: history.claimsPerUser[campaign] ?? 1,
      terms,
      operations,
      claims,
      reveals,
      oks,
      givenIn: givenInOf(operations, oks),
      deeds: history.deeds.filter(isOf),
      ledger: dump.ledger,
      dump,
      firstCodes: firstCodes[campaign] ?? 0,
    };
    const always = terms.revealWithinMs === null ? ALWAYS : { ...SHARED, ...RESERVED };
    const rules = Object.entries<Rule>(isOver ? { ...always, ...AT_THE_END } : always);
    const seen = {
      operations: history.checkout.filter(isOf),
      isRetried: history.isRetried,
      events: history.events[campaign] ?? [],
    };
    const checkout = checkCheckout(seen, terms, dump, isOver);
    return [...rules.map(([rule, holds]) => [rule, holds(facts)] as const), ...checkout].flatMap(
      ([rule, found]) =>
        found.slice(0, TOLD_MAX).map((what) => ({ rule, what: `campaign ${campaign}: ${what}` })),
    );
  });
}
