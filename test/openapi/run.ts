/**
 * `npm run openapi`: lints the OpenAPI document with Redocly and with Spectral (OWASP's rules among
 * its own), then runs the end-to-end tests with Prism between them and the service: it holds each
 * request and answer against the document. Exits with 1 when any of them finds something.
 *
 * The tools bring hundreds of packages, so they have a package.json of their own, beside this, and
 * are installed when they are needed.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSocketServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { openApiDocument } from "../../src/reference/document.ts";
import { openGate, type Gate, type Judged } from "./gate.ts";
import { judge, Ledger } from "./judge.ts";

const USAGE = `npm run openapi [-- options] [end-to-end tests, all when left out]
  --only NAME  lint or proxy`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", default: "" },
    help: { type: "boolean", default: false },
  },
});

const ROOT = path.resolve(import.meta.dirname, "../..");
const MODULES = path.join(import.meta.dirname, "node_modules");
const PRISM = path.join(MODULES, "@stoplight/prism-cli/dist/index.js");
const SPECTRAL = path.join(MODULES, "@stoplight/spectral-cli/dist/index.js");
const REDOCLY = path.join(MODULES, "@redocly/cli/bin/cli.js");
const VITEST = path.join(ROOT, "node_modules/vitest/vitest.mjs");
/** Nothing of what they see is anybody else's business. */
const QUIET = { REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
const START_TIMEOUT_MS = 60_000;
/** Of one test, whose every call waits for its turn at Prism, on a machine that may be busy. */
const TEST_TIMEOUT_MS = 600_000;

const say = (text: string) => void process.stdout.write(`${text}\n`);

async function run(
  command: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<boolean> {
  const child = spawn(command, args, {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject).once("close", (code) => resolve(code === 0));
  });
}

const madeAt = (file: string) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

async function install(): Promise<void> {
  const lock = path.join(import.meta.dirname, "package-lock.json");
  if (madeAt(path.join(MODULES, ".package-lock.json")) > madeAt(lock)) return;
  const where = ["--prefix", import.meta.dirname];
  const isDone = await run("npm", ["ci", ...where, "--ignore-scripts", "--no-audit", "--no-fund"]);
  if (!isDone) throw new Error("The tools could not be installed.");
}

/** The document as a deployment has it. */
function described(): string {
  const servers = [{ url: "https://codedrop.example" }];
  return JSON.stringify({ ...openApiDocument(), servers }, null, 2);
}

async function lint(document: string): Promise<boolean> {
  const rules = path.join(import.meta.dirname, "spectral.mjs");
  const node = process.execPath;
  const redocly = [REDOCLY, "lint", document, "--extends", "recommended-strict"];
  const spectral = [SPECTRAL, "lint", document, "--ruleset", rules, "--fail-severity", "hint"];
  const isClean = [await run(node, redocly, QUIET), await run(node, spectral)];
  return isClean.every(Boolean);
}

async function freePort(): Promise<number> {
  const probe = createSocketServer();
  await new Promise<void>((resolve) => {
    probe.listen(0, "127.0.0.1", resolve);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function startPrism(document: string, port: number, upstream: string): Promise<ChildProcess> {
  const place = ["--host", "127.0.0.1", "--port", String(port)];
  // It would answer preflights itself, and put headers into answers.
  const args = [PRISM, "proxy", "--no-cors", "--verboseLevel", "fatal", ...place];
  const prism = spawn(process.execPath, [...args, document, upstream], { stdio: "inherit" });
  process.once("exit", () => prism.kill("SIGKILL"));
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && prism.exitCode === null) {
    try {
      await fetch(`http://127.0.0.1:${port}/`);
      return prism;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error("Prism did not start.");
}

/** Whether Prism is heard when an answer is not what the document says. */
async function isHeard(gate: Gate, judgedNow: () => Judged | null): Promise<boolean> {
  const liar = createServer((_, response) => {
    response.writeHead(200, { "Content-Type": "application/json", "X-Request-Id": "of-a-liar-1" });
    response.end('{"status":"ill"}');
  });
  await new Promise<void>((resolve) => {
    liar.listen(0, "127.0.0.1", resolve);
  });
  const target = `http://127.0.0.1:${(liar.address() as AddressInfo).port}`;
  const entry = await fetch(gate.control, { method: "POST", body: target });
  await fetch(`${await entry.text()}/healthz`);
  liar.close();
  liar.closeAllConnections();
  const judged = judgedNow();
  return judged !== null && judge(judged).kind === "wrong";
}

function report({ counts, wrong }: Ledger, past: Gate["past"]): void {
  const number = (count: number) => count.toLocaleString("en").padStart(8);
  say(`\nThrough Prism:`);
  say(`${number(counts.fits)}  calls with request and answer as described`);
  say(`${number(counts.refused)}  wrong requests, on purpose, and refused as described`);
  say(`${number(counts.undescribed)}  calls of what does not exist, and refused`);
  say(`${number(counts.wrong)}  violations`);
  for (const [why, count] of past) say(`${number(count)}  past Prism: ${why}`);
  for (const [line, count] of wrong) say(`\n${count} × ${line}`);
}

async function proxy(document: string): Promise<boolean> {
  const port = await freePort();
  const ledger = new Ledger();
  let first: Judged | null = null;
  let hear = (judged: Judged): void => void (first = judged);
  const gate = await openGate(`http://127.0.0.1:${port}`, (judged) => hear(judged));
  const prism = await startPrism(document, port, gate.exit);
  try {
    if (!(await isHeard(gate, () => first))) throw new Error("Prism takes a wrong answer.");
    hear = (judged) => ledger.enter(judged);
    const time = ["--testTimeout", String(TEST_TIMEOUT_MS)];
    const project = ["--config", "test/vitest.config.ts", "--project", "e2e"];
    const e2e = ["run", ...project, ...time, ...positionals];
    const env = { OPENAPI_GATE: gate.control };
    const isPassed = await run(process.execPath, [VITEST, ...e2e], env);
    report(ledger, gate.past);
    return isPassed && ledger.counts.wrong === 0 && ledger.counts.fits > 0;
  } finally {
    prism.kill("SIGKILL");
    gate.close();
  }
}

async function main(): Promise<boolean> {
  await install();
  const work = mkdtempSync(path.join(tmpdir(), "codedrop-openapi-"));
  const document = path.join(work, "openapi.json");
  try {
    writeFileSync(document, described());
    const isClean = values.only === "proxy" || (await lint(document));
    const isKept = values.only === "lint" || (await proxy(document));
    return isClean && isKept;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

if (values.help) say(USAGE);
else process.exitCode = (await main()) ? 0 : 1;
