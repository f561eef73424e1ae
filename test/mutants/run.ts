/** `npm run mutants`: each mutant in a copy of the tree. Tests must fail, and pass without it. */

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { mutants, type Mutant } from "./mutants.ts";

const root = path.resolve(import.meta.dirname, "../..");
const COPIED = ["src", "test", "migrations", "package.json", "tsconfig.json", "wrangler.toml"];
const TESTS = [
  "test/worker/claims",
  "test/worker/code-pool",
  "test/worker/codes",
  "test/worker/shards",
];

function apply(copy: string, { edits }: Mutant): void {
  for (const { file, from, to } of edits) {
    const target = path.join(copy, file);
    const text = readFileSync(target, "utf8");
    if (text.split(from).length !== 2) throw new Error(`${file} does not hold once: ${from}`);
    writeFileSync(
      target,
      text.replace(from, () => to),
    );
  }
}

/** Whether the tests pass in the copy, and the first one that does not. */
function test(copy: string): { passes: boolean; firstFailure: string } {
  const args = ["run", "--config", "test/vitest.config.ts", "--project", "worker", "--bail", "1"];
  const vitest = path.join(root, "node_modules/vitest/vitest.mjs");
  const run = spawnSync(process.execPath, [vitest, ...args, ...TESTS], {
    cwd: copy,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", WRANGLER_SEND_METRICS: "false" },
  });
  const firstFailure = /FAIL\s+\|?\s*worker\s*\|?\s*(.*)/.exec(run.stdout + run.stderr)?.[1] ?? "";
  return { passes: run.status === 0, firstFailure };
}

function tryOut(mutant: Mutant): boolean {
  const copy = mkdtempSync(path.join(tmpdir(), "codedrop-mutant-"));
  try {
    for (const name of COPIED)
      cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
    symlinkSync(path.join(root, "node_modules"), path.join(copy, "node_modules"));
    apply(copy, mutant);
    const { passes, firstFailure } = test(copy);
    const isControl = mutant.edits.length === 0;
    const verdict = passes ? (isControl ? "passes" : "SURVIVED") : isControl ? "FAILS" : "caught";
    console.log(
      `${verdict.padEnd(9)} ${mutant.name}${firstFailure && `\n          by ${firstFailure}`}`,
    );
    return passes === isControl;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

const all: Mutant[] = [{ name: "the code as it is", edits: [] }, ...mutants];
const wanted = process.argv[2];
const chosen = wanted === undefined ? all : all.filter(({ name }) => name.includes(wanted));
const failed = chosen.filter((mutant) => !tryOut(mutant));
console.log(`\n${chosen.length - failed.length} of ${chosen.length} as they should be.`);
process.exit(failed.length === 0 ? 0 : 1);
