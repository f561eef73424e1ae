/**
 * Whether what the checkout's callers saw of a campaign, what lies in its pools and what D1 tells
 * of it can come from correct pools. Each code has an order of its own (one-order.ts); the rest is
 * that the tables of a pool agree, and that the event log is the pools' log.
 */

import type { CheckoutDump, CheckoutOperation, LogRow, RedemptionRow } from "./checkout-history.ts";
import { findWhatFitsNoOrder } from "./one-order.ts";
import type { CampaignDump, RunRow, Terms, ToldEvent } from "./history.ts";

/** How far a pool's clock may be from that of the callers, on one machine. */
const SLACK_MS = 20;

interface CheckoutFacts {
  operations: CheckoutOperation[];
  isRetried: boolean;
  events: ToldEvent[];
  terms: Terms;
  dump: CampaignDump;
  checkout: CheckoutDump;
}

type CheckoutRule = (facts: CheckoutFacts) => string[];

/** How many codes may have been out of the stock without a claim by then. */
export function outsideBefore(dump: CheckoutDump, time: number): number {
  return dump.marked.length + usedBefore(dump, time);
}

/** How many codes had been used without a claim by then. */
function usedBefore({ outside, redemptions, holds }: CheckoutDump, time: number): number {
  const used = [
    ...redemptions.map(({ code, redeemedAt }) => ({ code, at: redeemedAt })),
    ...holds.map(({ code, madeAt }) => ({ code, at: madeAt })),
  ].filter(({ at }) => at <= time);
  const codes = new Set(used.map(({ code }) => code));
  return outside.filter((code) => codes.has(code)).length;
}

const byShard = (shard: number, number: number) => `${shard}/${number}`;

/** The log's entries of one code: those of its redemptions. */
function entriesOf(log: LogRow[], redemptions: RedemptionRow[]): LogRow[] {
  const mine = new Set(redemptions.map(({ shard, number }) => byShard(shard, number)));
  return log.filter(
    ({ kind, shard, target }) => kind !== "expired" && mine.has(byShard(shard, target)),
  );
}

/** Each code's calls have one legal order, which makes what lies on disk. */
const oneOrder: CheckoutRule = ({ operations, isRetried, terms, dump, checkout }) => {
  const of = <T extends { code: string }>(rows: T[]) => Map.groupBy(rows, ({ code }) => code);
  const [calls, redemptions, holds] = [
    of(operations),
    of(checkout.redemptions),
    of(checkout.holds),
  ];
  const claims = new Map(dump.ledger.map(({ code, user, claimedAt: at }) => [code, { user, at }]));
  const codes = new Set([...calls.keys(), ...redemptions.keys(), ...holds.keys()]);
  return [...codes].flatMap((code) => {
    const mine = redemptions.get(code) ?? [];
    const wrong = findWhatFitsNoOrder(
      {
        rules: terms,
        isRetried,
        claim: claims.get(code) ?? null,
        operations: calls.get(code) ?? [],
        redemptions: mine,
        holds: holds.get(code) ?? [],
        log: entriesOf(checkout.log, mine),
      },
      SLACK_MS,
    );
    return wrong === null ? [] : [`${code}: ${wrong}`];
  });
};

/** On disk no code has two redemptions that stand, or two holds that nobody ended. */
const onlyOne: CheckoutRule = ({ checkout }) => {
  const standing = checkout.redemptions.filter(({ rollback }) => rollback === 0);
  const open = checkout.holds.filter(({ endedAt }) => endedAt === null);
  return [
    ...twice(standing).map((code) => `${code} has two redemptions that stand`),
    ...twice(open).map((code) => `${code} has two open holds`),
  ];
};

function twice(rows: { code: string }[]): string[] {
  return [...Map.groupBy(rows, ({ code }) => code)]
    .filter(([, same]) => same.length > 1)
    .map(([code]) => code);
}

/** What was answered lies on disk, as it was answered. */
const kept: CheckoutRule = ({ operations, checkout }) => {
  const redemptions = new Map(checkout.redemptions.map((row) => [row.id, row]));
  const holds = new Map(checkout.holds.map((row) => [row.id, row]));
  return operations.flatMap((operation) => {
    const { code, outcome } = operation;
    if (outcome.kind === "redeemed") {
      const row = redemptions.get(outcome.redemption);
      const isOfOrder = operation.kind === "redeem" && row?.order === operation.order;
      return row?.code === code && isOfOrder ? [] : [`${outcome.redemption} of ${code} is lost`];
    }
    if (outcome.kind === "held") {
      const row = holds.get(outcome.hold);
      const isLongEnough = row !== undefined && row.expiresAt >= outcome.expiresAt;
      return row?.code === code && isLongEnough ? [] : [`${outcome.hold} of ${code} is lost`];
    }
    if (outcome.kind === "rolled-back" && operation.kind === "rollback") {
      const row = redemptions.get(operation.redemption);
      const isSame = row?.rolledBackAt === outcome.at && row.reason === outcome.reason;
      return isSame ? [] : [`the rollback of ${operation.redemption} is lost, or is another`];
    }
    return [];
  });
};

/** A pool's log has an entry for each redemption and each rollback, and no other. */
const logIsWhole: CheckoutRule = ({ checkout: { log, redemptions } }) => {
  const found: string[] = [];
  for (const [shard, entries] of Map.groupBy(log, (row) => row.shard)) {
    const isGap = entries.some(({ number }, i) => number !== i + 1);
    if (isGap) found.push(`the log of shard ${shard} is not numbered 1, 2, 3, …`);
    const isEarlier = entries.some(({ at }, i) => at < (entries[i - 1]?.at ?? 0));
    if (isEarlier) found.push(`the log of shard ${shard} goes back in time`);
  }
  const entries = new Map(log.map((row) => [byShard(row.shard, row.number), row]));
  const spent = log.filter(({ kind }) => kind === "redeemed");
  const back = log.filter(({ kind }) => kind === "rolled_back");
  for (const row of redemptions) {
    const isMine = ({ shard, target }: LogRow) => shard === row.shard && target === row.number;
    if (spent.filter(isMine).length !== 1) found.push(`${row.id} is not once in the log`);
    const rollbacks = back.filter(isMine);
    const entry = entries.get(byShard(row.shard, row.rollback));
    const isOne =
      rollbacks.length === 1 && rollbacks[0] === entry && entry?.at === row.rolledBackAt;
    const isNone = rollbacks.length === 0 && row.rollback === 0 && row.rolledBackAt === null;
    if (!isOne && !isNone) found.push(`the rollback of ${row.id} is not once in the log`);
  }
  const known = new Set(redemptions.map(({ shard, number }) => byShard(shard, number)));
  const astray = [...spent, ...back].filter(
    ({ shard, target }) => !known.has(byShard(shard, target)),
  );
  return [...found, ...astray.map(({ target }) => `the log tells of no redemption: ${target}`)];
};

/** What a pool says of a code with its claim is the redemption that stands. */
const claimsAgree: CheckoutRule = ({ checkout }) => {
  const standing = standingOf(checkout);
  return checkout.spent
    .filter(({ code, inPool }) => inPool !== (standing.get(code) ?? null))
    .map(({ code, inPool }) => `the claim of ${code} says ${inPool}: ${standing.get(code)} stands`);
};

function standingOf({ redemptions }: CheckoutDump): Map<string, number> {
  const standing = redemptions.filter(({ rollback }) => rollback === 0);
  return new Map(standing.map(({ code, redeemedAt }) => [code, redeemedAt]));
}

const EVENTS = { redeemed: "code.redeemed", rolled_back: "redemption.rolled_back" } as const;
const EVENT_OF: Record<LogRow["kind"], string> = { ...EVENTS, expired: "code.expired" };

/** The runs of the event log that tell of the pools' logs, with the entries that each tells of. */
function toldOf({ runs, checkout }: CampaignDump): { run: RunRow; entries: LogRow[] }[] {
  const types = new Set(Object.values(EVENT_OF));
  return runs
    .filter(({ type }) => types.has(type))
    .map((run) => ({
      run,
      entries: checkout.log.filter(
        ({ shard, number }) =>
          shard === run.shard && number > (run.from ?? 0) && number <= (run.to ?? 0),
      ),
    }));
}

/** Events of a shard are its log, each entry once, in its order, as what it is. */
const eventsAreLog: CheckoutRule = ({ dump }) => {
  const found: string[] = [];
  const reached = new Map<number, number>();
  for (const { run, entries } of toldOf(dump)) {
    const shard = run.shard ?? -1;
    const last = reached.get(shard) ?? 0;
    if (run.from !== last) found.push(`shard ${shard} is told from ${run.from}, after ${last}`);
    reached.set(shard, run.to ?? 0);
    if (entries.length !== run.count) {
      found.push(`${run.count} events are told of ${entries.length} entries of shard ${shard}`);
    }
    const others = entries.filter(({ kind }) => EVENT_OF[kind] !== run.type);
    found.push(
      ...others.map(({ kind, number }) => `entry ${number}, ${kind}, is told as ${run.type}`),
    );
  }
  return found;
};

/** Every entry has its event. Only of a dump made after everything was told. */
const allTold: CheckoutRule = ({ dump, checkout }) => {
  const told = toldOf(dump).reduce((sum, { entries }) => sum + entries.length, 0);
  const { length } = checkout.log;
  return told === length ? [] : [`${told} events are told of ${length} entries of the log`];
};

/** What the brand reads is what the log and the ledgers say, in that order. */
const readAsLogged: CheckoutRule = ({ dump, events }) => {
  const entries = new Map(toldOf(dump).map(({ run, entries: told }) => [run, told]));
  const redemptions = new Map(
    dump.checkout.redemptions.map((row) => [byShard(row.shard, row.number), row]),
  );
  const expected = dump.runs.flatMap((run) => {
    const { type, shard, from, to, first } = run;
    const isClaim = type === "claim.created";
    const claims = dump.ledger
      .filter(
        (row) => isClaim && row.shard === shard && row.slot > (from ?? 0) && row.slot <= (to ?? 0),
      )
      .toSorted((a, b) => a.slot - b.slot)
      .map(({ code }) => `${type} ${code} null`);
    const spent = (entries.get(run) ?? []).map(({ target }) => {
      const row = redemptions.get(byShard(shard ?? 0, target));
      return `${type} ${row?.code} ${row?.id}`;
    });
    return [...claims, ...spent].map((text, i) => `${first + i} ${text}`);
  });
  const types = new Set(["claim.created", ...Object.values(EVENT_OF)]);
  const read = events
    .filter(({ type }) => types.has(type))
    .map(({ sequence, type, code, redemption }) => `${sequence} ${type} ${code} ${redemption}`);
  const at = expected.findIndex((text, i) => text !== read[i]);
  if (at < 0 && read.length === expected.length) return [];
  return [`the brand reads ${read[Math.max(0, at)]}, where it is ${expected[Math.max(0, at)]}`];
};

/** D1 shows the redemption that stands. Only of a dump made after everything was shown. */
const spentIsShown: CheckoutRule = ({ checkout }) => {
  const standing = standingOf(checkout);
  return checkout.spent
    .filter(({ code, inD1 }) => inD1 !== (standing.get(code) ?? null))
    .map(({ code, inD1 }) => `D1 shows ${code} spent ${inD1}: ${standing.get(code)} stands`);
};

/** What goes wrong around the Worker is told as such. */
const noCheckoutBug: CheckoutRule = ({ operations }) =>
  operations.flatMap(({ kind, code, outcome }) =>
    outcome.kind === "info" && /^status (?!503)/.test(outcome.why)
      ? [`${kind} of ${code} was answered with ${outcome.why}`]
      : [],
  );

const ALWAYS = { oneOrder, onlyOne, kept, logIsWhole, claimsAgree, eventsAreLog, noCheckoutBug };
const AT_THE_END = { allTold, readAsLogged, spentIsShown };

/** The rules, each with what breaks it. */
export function checkCheckout(
  seen: Pick<CheckoutFacts, "operations" | "isRetried" | "events">,
  terms: Terms,
  dump: CampaignDump,
  isOver: boolean,
): (readonly [rule: string, found: string[]])[] {
  const rules = Object.entries<CheckoutRule>(isOver ? { ...ALWAYS, ...AT_THE_END } : ALWAYS);
  const facts = { ...seen, terms, dump, checkout: dump.checkout };
  return rules.map(([rule, holds]) => [rule, holds(facts)] as const);
}
