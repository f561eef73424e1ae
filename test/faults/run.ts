/**
 * `npm run faults`: seeded runs of the real runtime with kills and faults, each judged by what its
 * callers saw and what lay on disk; then wrong engines, each of which must be caught.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { withMutant } from "../mutants/tree.ts";
import { bundle, newState } from "../support/runtime.ts";
import { wrongEngines } from "./engines.ts";
import type { Violation } from "./checker.ts";
import { judge, type Verdict } from "./judge.ts";
import { planRun, type Plan } from "./plan.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const ENTRY = "test/faults/worker.ts";
const REPORTS = path.join(ROOT, ".wrangler/faults");
/** Seeds tried on a wrong engine before it counts as not caught. */
const SEEDS_FOR_ENGINE = 40;
const USAGE = `npm run faults [-- options]
  --runs N       seeded runs of the code as it is (200)
  --seed N       the first seed (1); with --runs 1, that run again
  --jobs N       runtimes at a time (2)
  --engines no   leave the wrong engines out; or part of a name, to try that one`;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: "2" },
    engines: { type: "string", default: "" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const [runs, firstSeed, jobs] = [values.runs, values.seed, values.jobs].map(Number) as [
  number,
  number,
  number,
];
if (![runs, firstSeed, jobs].every((value) => Number.isInteger(value) && value >= 0) || jobs < 1) {
  console.error(USAGE);
  process.exit(2);
}

const work = mkdtempSync(path.join(tmpdir(), "codedrop-faults-"));
process.once("exit", () => rmSync(work, { recursive: true, force: true }));
const template = path.join(work, "template");

/** Runs seed after seed, some at a time, until `isEnough` says so; verdicts come as they are. */
async function runSeeds(options: {
  bundle: string;
  seeds: number[];
  onVerdict: (verdict: Verdict) => void;
  isEnough?: () => boolean;
}): Promise<void> {
  const { bundle: folder, seeds, onVerdict, isEnough = () => false } = options;
  let next = 0;
  async function runner(_: unknown, job: number): Promise<void> {
    const stateDir = path.join(work, `state-${job}`);
    while (next < seeds.length && !isEnough()) {
      const plan = planRun(seeds[next++] as number);
      onVerdict(await judge({ plan, bundle: folder, template, stateDir }));
    }
  }
  await Promise.all(Array.from({ length: jobs }, runner));
}

function faultsOf({ told }: Verdict): number {
  return Object.values(told.injected).reduce((sum, count) => sum + count, told.kills);
}

function shapeOf({ campaigns }: Plan): string {
  return campaigns
    .map(({ shards, codes, users }) => `${shards} x ${codes} codes, ${users} users`)
    .join("; ");
}

/** Keeps what is needed to see what went wrong. */
function report({ plan, violations, told, drop }: Verdict): string {
  mkdirSync(REPORTS, { recursive: true });
  const file = path.join(REPORTS, `seed-${plan.seed}.json`);
  const { history } = drop;
  writeFileSync(file, JSON.stringify({ plan, violations, told, history }, null, 1));
  return file;
}

async function tryTheCode(): Promise<boolean> {
  const folder = path.join(work, "bundle");
  bundle(folder, { entry: ENTRY });
  const totals = {
    done: 0,
    failed: 0,
    quiet: 0,
    kills: 0,
    faults: 0,
    operations: 0,
    codes: 0,
    checkoutCalls: 0,
  };
  const kinds: Record<string, number> = {};
  await runSeeds({
    bundle: folder,
    seeds: Array.from({ length: runs }, (_, i) => firstSeed + i),
    onVerdict: (verdict) => {
      const { plan, violations, told, operations, codes, checkoutCalls } = verdict;
      totals.done += 1;
      totals.kills += told.kills;
      totals.faults += faultsOf(verdict);
      totals.operations += operations;
      totals.codes += codes;
      totals.checkoutCalls += checkoutCalls;
      if (faultsOf(verdict) === 0) totals.quiet += 1;
      for (const [kind, count] of Object.entries(told.injected))
        kinds[kind] = (kinds[kind] ?? 0) + count;
      const head = `${totals.done}/${runs} seed ${plan.seed}: ${shapeOf(plan)}; ${operations} claims, ${checkoutCalls} calls at the checkout, ${faultsOf(verdict)} faults`;
      if (violations.length === 0) return console.log(`${head}: ok`);
      totals.failed += 1;
      console.log(`${head}: WRONG, see ${report(verdict)}`);
      for (const { rule, what } of violations.slice(0, 5)) console.log(`  ${rule}: ${what}`);
    },
  });
  console.log(
    `\n${totals.done} runs, ${totals.failed} wrong: ${totals.operations} claims for ${totals.codes} codes, ${totals.checkoutCalls} calls at the checkout, ${totals.kills} kills in the midst, ${totals.faults} faults in all (${totals.quiet} runs met none).`,
  );
  console.log(`Faults by kind: ${JSON.stringify({ kill: totals.kills, ...kinds })}\n`);
  return totals.failed === 0 && totals.quiet === 0;
}

/** Found by the checker, not by the service's own word on itself. */
const byChecker = ({ rule }: Violation) => rule !== "finish";

/** Whether the engine is caught, and by which seed. */
async function tryEngine(engine: (typeof wrongEngines)[number]): Promise<boolean> {
  const folder = mkdtempSync(path.join(work, "engine-"));
  await withMutant(engine, (root) => bundle(folder, { root, entry: ENTRY }));
  let caught: Verdict | null = null;
  let tried = 0;
  await runSeeds({
    bundle: folder,
    seeds: Array.from({ length: SEEDS_FOR_ENGINE }, (_, i) => i + 1),
    onVerdict: (verdict) => {
      tried += 1;
      if (verdict.violations.some(byChecker)) caught ??= verdict;
    },
    isEnough: () => caught !== null,
  });
  const found = caught as Verdict | null;
  if (found === null) {
    console.log(`NOT CAUGHT ${engine.name}, in ${tried} runs`);
    return false;
  }
  const rules = [...new Set(found.violations.map(({ rule }) => rule))].join(", ");
  console.log(`caught     ${engine.name}\n           by seed ${found.plan.seed}: ${rules}`);
  console.log(`           ${found.violations.find(byChecker)?.what}`);
  return true;
}

newState(template);
let isRight = runs === 0 || (await tryTheCode());
if (values.engines !== "no") {
  for (const engine of wrongEngines.filter(({ name }) => name.includes(values.engines))) {
    isRight = (await tryEngine(engine)) && isRight;
  }
}
process.exit(isRight ? 0 : 1);
