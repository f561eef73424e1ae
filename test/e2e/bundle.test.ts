/** The Worker as it would be deployed: small, and nothing is missing that was left out. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, it } from "vitest";
import { openApiDocument } from "../../src/reference/document.ts";
import { prepared } from "../support/prepared.ts";
import { Runtime } from "../support/runtime.ts";

/** An isolate parses it all before its first answer. */
const BUDGET_KIB = 150;

const work = mkdtempSync(path.join(tmpdir(), "codedrop-bundle-"));
const stateDir = path.join(work, "state");
const folder = prepared(stateDir);
let runtime: Runtime | null = null;

afterAll(async () => {
  await runtime?.kill();
  rmSync(work, { recursive: true, force: true });
});

it("keeps to its budget", () => {
  const script = readFileSync(path.join(folder, "index.js"));
  expect(gzipSync(script).length / 1024).toBeLessThanOrEqual(BUDGET_KIB);
});

it("serves the reference that the sources make", async () => {
  runtime = await Runtime.start({ bundle: folder, stateDir });
  const served = await fetch(`${runtime.address}/openapi.json`);
  expect(await served.text()).toBe(JSON.stringify(openApiDocument()));
});
