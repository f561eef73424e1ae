/** The tables that a run prints, and the budgets that it is held against. */

import type { Count } from "./counters.ts";
import type { Batches, Contest, Rows, Sizes } from "./phases.ts";
import { median, ratioOf, type Ratio, type Result } from "./rounds.ts";

export interface Findings {
  contest: Contest;
  sizes: Sizes;
  shards: Record<string, Result>;
  batches: Batches;
  rows: Rows;
  bundle: { bytes: number; gzipBytes: number };
}

export interface Verdict {
  what: string;
  measured: string;
  value: number;
  /** Null: shown beside the others, and held against nothing. */
  budget: { text: string; met: boolean } | null;
}

const atLeast = (value: number, budget: number) => ({
  text: `≥ ${budget}`,
  met: value >= budget,
});
const atMost = (value: number, budget: number, unit = "") => ({
  text: `≤ ${budget}${unit}`,
  met: value <= budget,
});

const shown = ({ median: middle, low, high }: Ratio) =>
  `${middle.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;

function ofRatio(what: string, ratio: Ratio, budget: number | null): Verdict {
  const value = ratio.median;
  const held = budget === null ? null : atLeast(value, budget);
  return { what, measured: shown(ratio), value, budget: held };
}

const sum = (counts: Count[], of: "calls" | "rowsWritten" | "rowsRead", place = "") =>
  counts.filter((count) => count.place.startsWith(place)).reduce((all, one) => all + one[of], 0);

export function judge(findings: Findings): Verdict[] {
  const { contest, sizes, batches, rows, bundle } = findings;
  const { claim, noop, echo, write, rival, rivalInApp, postgres } = contest.results;
  const perClaim = sum(rows.underLoad, "rowsWritten") / rows.claims;
  const read = sum(rows.underLoad, "rowsRead") / rows.claims;
  const alone = sum(rows.alone, "rowsWritten") / rows.loneClaims;
  const perCode = sum(rows.batch, "rowsWritten") / rows.codes;
  const lookUps = sum(rows.underLoad, "calls", "d1-by-worker") / rows.claims;
  const kib = bundle.gzipBytes / 1024;
  const many = sizes.manyCodes.toLocaleString("en");
  return [
    ofRatio("claim / no-op route", ratioOf(claim, noop), 0.85),
    ofRatio("claim not decided or stored / no-op route", ratioOf(echo, noop), null),
    ofRatio("claim / claim not decided or stored", ratioOf(claim, echo), null),
    ofRatio("claim / no-op route that writes one row", ratioOf(claim, write), null),
    ofRatio("claim / D1 UPDATE … RETURNING, bare Worker", ratioOf(claim, rival), 2),
    ofRatio("claim / the same route, D1 claims", ratioOf(claim, rivalInApp), null),
    ...(postgres === undefined
      ? []
      : [ofRatio("claim / PostgreSQL SKIP LOCKED", ratioOf(claim, postgres), null)]),
    ofRatio(`claim, ${many} codes / 1,000 codes`, ratioOf(sizes.many, sizes.few), 0.95),
    {
      what: "rows written per claim, under load",
      measured: perClaim.toFixed(3),
      value: perClaim,
      budget: atMost(perClaim, 4),
    },
    {
      what: "rows read per claim, under load",
      measured: read.toFixed(1),
      value: read,
      budget: null,
    },
    {
      what: "rows written per claim, one at a time",
      measured: alone.toFixed(2),
      value: alone,
      budget: null,
    },
    {
      what: "rows written per code made",
      measured: perCode.toFixed(3),
      value: perCode,
      budget: null,
    },
    ofRatio("codes made / bare insert", ratioOf(batches.batch, batches.bare), 0.7),
    {
      what: "D1 calls of the Worker per warm claim",
      measured: lookUps.toFixed(3),
      value: lookUps,
      budget: atMost(lookUps, 0),
    },
    {
      what: "Worker bundle",
      measured: `${kib.toFixed(1)} KiB gzip`,
      value: kib,
      budget: atMost(kib, 150, " KiB"),
    },
  ];
}

/** Columns as wide as their widest cell; the first to the left, numbers to the right. */
function table(head: string[], rows: string[][]): string {
  const widths = head.map((_, at) =>
    Math.max(...[head, ...rows].map((row) => (row[at] ?? "").length)),
  );
  const line = (row: string[]) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join("  ");
  return [line(head), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)].join(
    "\n",
  );
}

const PLACES: Record<Count["place"], string> = {
  pool: "pool",
  "d1-by-pool": "D1, by the pool",
  "d1-by-runner": "D1, by the runner",
  "d1-by-worker": "D1, by the Worker",
  "kv-by-worker": "KV, by the Worker",
};

function rowsTable({ underLoad, claims }: Rows): string {
  const rows = underLoad
    .filter(({ place, rowsWritten }) => rowsWritten > 0 || place.endsWith("worker"))
    .toSorted((a, b) => b.rowsWritten - a.rowsWritten)
    .map(({ place, statement, calls, rowsWritten }) => [
      `${PLACES[place]}: ${statement}`,
      (calls / claims).toFixed(4),
      (rowsWritten / claims).toFixed(4),
    ]);
  return table([`of ${claims} claims`, "calls per claim", "rows written per claim"], rows);
}

function contestTable(results: Result[]): string {
  return table(
    ["in turn, round by round", "per second", "p50 ms", "p95 ms", "p99 ms"],
    results.map(({ name, perSecond, latency }) => [
      name,
      median(perSecond).toFixed(0),
      ...[latency.p50, latency.p95, latency.p99].map((ms) => ms.toFixed(1)),
    ]),
  );
}

/** All of it, to be read. */
export function asText(findings: Findings, inFlight: number, cores: number): string {
  const { contest, sizes, shards, batches, rows } = findings;
  const single = shards["1"] as Result;
  return [
    `Throughput and latency, ${inFlight} in flight, ${cores} cores shared with the load`,
    contestTable([
      ...Object.values(contest.results),
      sizes.few,
      sizes.many,
      batches.batch,
      batches.bare,
    ]),
    "(pgbench speaks to PostgreSQL without HTTP; batches count codes, one request at a time.)",
    contest.results.postgres === undefined
      ? `(PostgreSQL was left out: ${contest.postgresNote}.)\n`
      : "",
    "Shards",
    table(
      ["shards of the campaign", "claims per second", "of 1 shard's"],
      Object.entries(shards).map(([count, result]) => [
        count,
        median(result.perSecond).toFixed(0),
        shown(ratioOf(result, single)),
      ]),
    ),
    `(All shards run on one thread here, of ${cores} cores. The platform gives each its own.)\n`,
    "Rows written",
    rowsTable(rows),
    "",
    "Budgets: the median of the rounds' ratios (and the middle half of them)",
    table(
      ["what", "measured", "budget", ""],
      judge(findings).map(({ what, measured, budget }) => [
        what,
        measured,
        budget?.text ?? "",
        budget === null ? "" : budget.met ? "met" : "NOT met",
      ]),
    ),
  ].join("\n");
}

/** All of it, to be kept and compared. */
export function asJson(findings: Findings): object {
  return { verdicts: judge(findings), ...findings };
}
