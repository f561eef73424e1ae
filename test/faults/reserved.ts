/**
 * The rules of a campaign whose codes are shown on demand. A claim reserves a code, nobody knows
 * which, until a moment that its answer names; that moment and the one at which it was reserved are
 * on the pools' clock, and so is the one at which a code was shown, in the ledger. So the time for
 * which a code of the stock was bespoken is known to the millisecond, wherever an answer came.
 */

import type { Facts, Rule } from "./checker.ts";
import { outsideBefore } from "./checkout.ts";
import type { Operation } from "./history.ts";

/** How far a pool's clock may be from that of the callers, on one machine. */
const SLACK_MS = 20;

/** What was reserved at `from`, to be revealed before `until`, as far as answers tell. */
interface Span {
  user: string;
  nth: number;
  claim: string;
  from: number;
  until: number;
  /** When a caller was first told of it. */
  toldAt: number;
}

const placeOf = ({ user, nth }: { user: string; nth: number }) => `${user} ${nth}`;

/** By claim and time. */
function spansOf({ claims, terms }: Facts): Span[] {
  const spans = new Map<string, Span>();
  for (const { user, returned, outcome } of claims) {
    if (outcome.kind !== "reserved") continue;
    const { claim, nth, revealBy: until } = outcome;
    const toldAt = Math.min(returned, spans.get(`${claim} ${until}`)?.toldAt ?? Infinity);
    const from = until - (terms.revealWithinMs ?? 0);
    spans.set(`${claim} ${until}`, { user, nth, claim, from, until, toldAt });
  }
  return [...spans.values()].toSorted((a, b) => a.until - b.until);
}

const lostBy = (claims: Operation[], user: string, before: number) =>
  claims.filter(
    (claim) => claim.user === user && claim.outcome.kind === "info" && claim.invoked <= before,
  );

/** Nobody is told of a code before they asked to see it. */
const hidden: Rule = ({ claims, reveals }) =>
  claims.flatMap(({ user, returned, outcome }) => {
    if (outcome.kind !== "ok") return [];
    const isAsked = reveals.some(
      (reveal) =>
        reveal.user === user && reveal.invoked < returned && reveal.outcome.kind !== "fail",
    );
    return isAsked ? [] : [`${user} was shown ${outcome.code}, and never asked to see it`];
  });

/** A code was shown because its user asked to see it, in the time for that, and once. */
const revealed: Rule = (facts) => {
  const { ledger, reveals, claims, claimsPerUser, dump } = facts;
  const spans = Map.groupBy(spansOf(facts), placeOf);
  const places = new Map(dump.codes.map((row) => [row.code, row]));
  return ledger.flatMap((row) => {
    const { user, nth, code, claimedAt, place } = row;
    const found: string[] = [];
    const at = places.get(code);
    if (at === undefined || at.batchId !== place?.batchId || at.ordinal !== place.ordinal) {
      found.push(`${code} of ${user} is not where the pool's blocks say`);
    }
    if (nth >= claimsPerUser) found.push(`${user} has a claim number ${nth}`);
    const isAsked = reveals.some((reveal) => {
      const isSure = reveal.outcome.kind === "ok" && reveal.outcome.code === code;
      const to = isSure ? reveal.returned : Infinity;
      const isOf = reveal.user === user && reveal.nth === nth;
      const mayBe = isOf && (isSure || reveal.outcome.kind === "info");
      return mayBe && reveal.invoked - SLACK_MS <= claimedAt && claimedAt <= to + SLACK_MS;
    });
    if (!isAsked) found.push(`${code} was shown to ${user} when they did not ask to see it`);
    const isReserved =
      (spans.get(placeOf(row)) ?? []).some(
        ({ from, until }) => from <= claimedAt && claimedAt < until,
      ) || lostBy(claims, user, claimedAt + SLACK_MS).length > 0;
    if (!isReserved) found.push(`${code} was shown to ${user} when none was reserved for them`);
    return found;
  });
};

/**
 * A reveal is refused only when its time is over; until then a code is there for it, unless the
 * last were brought to the checkout without a claim.
 */
const lapsedInTime: Rule = (facts) => {
  const spans = Map.groupBy(spansOf(facts), ({ claim }) => claim);
  const shown = new Map(facts.ledger.map((row) => [placeOf(row), row]));
  return facts.reveals.flatMap((reveal) => {
    const { user, claim, invoked, returned, outcome } = reveal;
    const isSpent = outcome.kind === "exhausted" && !facts.terms.redeemsUnclaimed;
    if (outcome.kind !== "lapsed" && !isSpent) return [];
    const open = (spans.get(claim) ?? []).find(
      ({ toldAt, until }) => toldAt <= invoked && returned + SLACK_MS < until,
    );
    const row = shown.get(placeOf(reveal));
    const isShown = row !== undefined && row.claimedAt + SLACK_MS < invoked;
    return open !== undefined || isShown
      ? [`${user} was told "${outcome.kind}" of what was theirs until ${open?.until ?? "ever"}`]
      : [];
  });
};

/** Nobody is shown a new code while the campaign is paused. */
const shownInPause: Rule = ({ ledger, deeds }) => {
  const resumes = deeds.filter(({ kind }) => kind === "resume");
  return deeds
    .filter(({ kind, isKnown }) => kind === "pause" && isKnown)
    .flatMap((pause) => {
      const ends = resumes.filter(({ returned }) => returned > pause.invoked);
      const until = Math.min(...ends.map(({ invoked }) => invoked));
      return ledger
        .filter(({ claimedAt: at }) => at > pause.returned + SLACK_MS && at < until - SLACK_MS)
        .map(({ user, code }) => `${user} was shown ${code} while the campaign was paused`);
    });
};

/** A claim is reserved once at a time, for the whole time, and not after its code was shown. */
const reservedOnce: Rule = (facts) => {
  const found: string[] = [];
  const { ledger, claims } = facts;
  for (const spans of Map.groupBy(spansOf(facts), ({ claim }) => claim).values()) {
    for (const [i, { user, from }] of spans.entries()) {
      const before = spans[i - 1];
      if (before !== undefined && from < before.until) {
        found.push(`${user} was reserved a code at ${from}, and had one until ${before.until}`);
      }
    }
  }
  const shown = new Map(ledger.map((row) => [placeOf(row), row]));
  const news = new Map<string, number>();
  for (const { user, invoked, outcome } of claims) {
    if (outcome.kind !== "reserved") continue;
    const row = shown.get(placeOf({ user, nth: outcome.nth }));
    if (row !== undefined && row.claimedAt + SLACK_MS < invoked) {
      found.push(`${user} was told that ${row.code}, which they had, is reserved`);
    }
    if (outcome.revealBy < invoked - SLACK_MS) {
      found.push(`${user} was told of a code that was reserved until ${outcome.revealBy}`);
    }
    const name = `${outcome.claim} ${outcome.revealBy}`;
    if (outcome.status === 201) news.set(name, (news.get(name) ?? 0) + 1);
  }
  const again = [...news].filter(([, count]) => count > 1);
  return [...found, ...again.map(([name, count]) => `${name} was new ${count} times`)];
};

/** An answered reservation is there for as long as it was said to be. */
const reservationKept: Rule = (facts) => {
  const { dump, ledger, claims, reveals } = facts;
  const over = Math.max(0, ...[...claims, ...reveals].map(({ returned }) => returned));
  const rows = new Map(dump.reservations.map((row) => [placeOf(row), row]));
  const shown = new Set(ledger.map(placeOf));
  return spansOf(facts)
    .filter(({ until }) => until > over + SLACK_MS)
    .filter((span) => !shown.has(placeOf(span)) && rows.get(placeOf(span))?.revealBy !== span.until)
    .map(({ user, until }) => `what was reserved for ${user} until ${until} is lost`);
};

/** Codes that can have been added by then. */
const addedBy = ({ deeds, firstCodes }: Facts, time: number) =>
  deeds
    .filter(({ kind, invoked }) => kind === "top-up" && invoked <= time)
    .reduce((sum, { codes }) => sum + codes, firstCodes);

/** At no moment are more codes shown and reserved than there are. */
const withinStock: Rule = (facts) => {
  const { ledger } = facts;
  const shown = new Map(ledger.map((row) => [placeOf(row), row.claimedAt]));
  // A code that is reserved and then shown is one code.
  const reserved = spansOf(facts).map((span) => {
    const to = Math.min(span.until, shown.get(placeOf(span)) ?? Infinity);
    return { from: span.from, to };
  });
  const bespoken = [...reserved, ...ledger.map(({ claimedAt: from }) => ({ from, to: Infinity }))];
  for (const { from: at } of bespoken.toSorted((a, b) => a.from - b.from)) {
    const count = bespoken.filter(({ from, to }) => from <= at && at < to).length;
    const added = addedBy(facts, at + SLACK_MS);
    if (count > added) return [`${count} of ${added} codes were shown or reserved at ${at}`];
  }
  return [];
};

/** "Exhausted" is said only when all codes that were surely there may be shown or reserved. */
const exhaustedOnDemand: Rule = (facts) => {
  const { claims, ledger, deeds, dump, firstCodes, claimsPerUser } = facts;
  const spans = spansOf(facts);
  return claims.flatMap(({ user, invoked, returned, outcome }) => {
    if (outcome.kind !== "exhausted") return [];
    const added = deeds
      .filter((deed) => deed.kind === "top-up" && deed.isKnown && deed.returned < invoked)
      .reduce((sum, { codes }) => sum + codes, firstCodes);
    const held = new Map<string, number>();
    const note = (of: string) => held.set(of, (held.get(of) ?? 0) + 1);
    const shown = new Set<string>();
    for (const row of ledger) {
      if (row.claimedAt > returned + SLACK_MS) continue;
      note(row.user);
      shown.add(placeOf(row));
    }
    for (const span of spans) {
      const isThen = span.from <= returned + SLACK_MS && span.until >= invoked - SLACK_MS;
      if (isThen && !shown.has(placeOf(span))) note(span.user);
    }
    for (const claim of claims) {
      if (claim.outcome.kind === "info" && claim.invoked <= returned) note(claim.user);
    }
    held.delete(user);
    const elsewhere = outsideBefore(dump.checkout, returned + SLACK_MS);
    const most = [...held.values()].reduce((sum, n) => sum + Math.min(n, claimsPerUser), elsewhere);
    return most >= added
      ? []
      : [`${user} was told "exhausted" when at most ${most} of ${added} codes were bespoken`];
  });
};

export const RESERVED = {
  hidden,
  revealed,
  lapsedInTime,
  shownInPause,
  reservedOnce,
  reservationKept,
  withinStock,
  exhaustedOnDemand,
};
