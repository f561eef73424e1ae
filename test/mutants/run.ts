/** `npm run mutants`: each mutant in a copy of the tree. Tests must fail, and pass without it. */

import { spawnSync } from "node:child_process";
import path from "node:path";
import { mutants, type Mutant } from "./mutants.ts";
import { withMutant } from "./tree.ts";

const root = path.resolve(import.meta.dirname, "../..");
const TESTS = [
  "test/unit/discount",
  "test/unit/low-stock",
  "test/unit/match-key",
  "test/unit/rate",
  "test/unit/webhook-health",
  "test/unit/webhook-signature",
  "test/worker/access",
  "test/worker/audit-log",
  "test/worker/batches",
  "test/worker/breaker",
  "test/worker/bulk-checkout",
  "test/worker/checkout",
  "test/worker/checkout-outage",
  "test/worker/claim-events",
  "test/worker/claims",
  "test/worker/code-ends",
  "test/worker/code-pool",
  "test/worker/codes",
  "test/worker/directory",
  "test/worker/events",
  "test/worker/exports",
  "test/worker/fuzz",
  "test/worker/herald",
  "test/worker/holds",
  "test/worker/idempotency",
  "test/worker/idempotency-slow",
  "test/worker/imports",
  "test/worker/issuer-keys",
  "test/worker/keys",
  "test/worker/limits",
  "test/worker/live",
  "test/worker/low-stock",
  "test/worker/migrations",
  "test/worker/outside-codes",
  "test/worker/pace",
  "test/worker/page-claims",
  "test/worker/pages",
  "test/worker/requests",
  "test/worker/reveals",
  "test/worker/rollbacks",
  "test/worker/sessions",
  "test/worker/shards",
  "test/worker/stats",
  "test/worker/test-mode",
  "test/worker/user-tokens",
  "test/worker/users",
  "test/worker/webhook-attempts",
  "test/worker/webhook-deliveries",
  "test/worker/webhook-dispatch",
  "test/worker/webhook-endpoints",
  "test/worker/webhook-retries",
  "test/worker/webhook-sender",
];

/** Whether the tests pass in the copy, and the first one that does not. */
function test(copy: string): { passes: boolean; firstFailure: string } {
  const args = [
    "run",
    "--config",
    "test/vitest.config.ts",
    "--project",
    "worker",
    "--project",
    "unit",
    "--bail",
    "1",
  ];
  const vitest = path.join(root, "node_modules/vitest/vitest.mjs");
  const run = spawnSync(process.execPath, [vitest, ...args, ...TESTS], {
    cwd: copy,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", WRANGLER_SEND_METRICS: "false" },
  });
  const firstFailure =
    /FAIL\s+\|?\s*(?:worker|unit)\s*\|?\s*(.*)/.exec(run.stdout + run.stderr)?.[1] ?? "";
  return { passes: run.status === 0, firstFailure };
}

async function tryOut(mutant: Mutant): Promise<boolean> {
  const { passes, firstFailure } = await withMutant(mutant, test);
  const isControl = mutant.edits.length === 0;
  const verdict = passes ? (isControl ? "passes" : "SURVIVED") : isControl ? "FAILS" : "caught";
  console.log(
    `${verdict.padEnd(9)} ${mutant.name}${firstFailure && `\n          by ${firstFailure}`}`,
  );
  return passes === isControl;
}

const all: Mutant[] = [{ name: "the code as it is", edits: [] }, ...mutants];
const wanted = process.argv[2];
const chosen = wanted === undefined ? all : all.filter(({ name }) => name.includes(wanted));
let failed = 0;
for (const mutant of chosen) if (!(await tryOut(mutant))) failed += 1;
console.log(`\n${chosen.length - failed} of ${chosen.length} as they should be.`);
process.exit(failed === 0 ? 0 : 1);
