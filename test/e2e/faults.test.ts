/** A few runs of `npm run faults`, so that the harness itself stays true. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, inject, it } from "vitest";
import { wrongEngines } from "../faults/engines.ts";
import { judge } from "../faults/judge.ts";
import { planRun } from "../faults/plan.ts";
import { mutants } from "../mutants/mutants.ts";
import { edited, withMutant } from "../mutants/tree.ts";
import { bundle } from "../support/runtime.ts";

const ENTRY = "test/faults/worker.ts";

const work = mkdtempSync(path.join(tmpdir(), "codedrop-faults-"));
const template = inject("template");
const stateDir = path.join(work, "state");

afterAll(() => rmSync(work, { recursive: true, force: true }));

describe("a drop with kills and faults", () => {
  it.each([2, 55])("breaks no rule with seed %i", async (seed) => {
    const folder = path.join(work, "bundle");
    bundle(folder, { entry: ENTRY });
    const verdict = await judge({ plan: planRun(seed), bundle: folder, template, stateDir });
    expect(verdict.violations).toEqual([]);
    expect(verdict.told.kills).toBeGreaterThan(0);
    expect(verdict.operations).toBeGreaterThan(verdict.codes);
    expect(verdict.checkoutCalls).toBeGreaterThan(20);
  });

  it("is found to be wrong where claims are kept in memory only", async () => {
    const engine = wrongEngines.find(({ name }) => name === "claims kept in memory only");
    if (engine === undefined) throw new Error("No such engine");
    const folder = path.join(work, "wrong");
    await withMutant(engine, (root) => bundle(folder, { root, entry: ENTRY }));
    const verdict = await judge({ plan: planRun(2), bundle: folder, template, stateDir });
    expect(verdict.violations.map(({ rule }) => rule)).toContain("durable");
  });
});

describe("every wrong engine and every mutant", () => {
  it("still changes the code that is there", () => {
    for (const mutant of [...mutants, ...wrongEngines]) {
      for (const [file, text] of edited(mutant)) {
        expect([mutant.name, text === readFileSync(file, "utf8")]).toEqual([mutant.name, false]);
      }
    }
  });
});
