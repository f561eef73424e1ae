/**
 * `npm start`: everything from a fresh clone to a served API with a demo brand in it. Runs in Node,
 * on the developer's machine only; it talks to the Worker over HTTP like anybody else.
 */

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync, appendFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { buildAssets } from "../build/build.ts";
import { makePartner, seedDemo, type Demo } from "./demo.ts";
import { PartnerSite } from "./partner/site.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const WRANGLER = path.join(ROOT, "node_modules/wrangler/bin/wrangler.js");
const VARS_FILE = path.join(ROOT, ".dev.vars");
/** How long wrangler may take to serve: generous, for a busy machine's first start. */
const READY_TIMEOUT_MS = 120_000;
/** As in wrangler.toml. */
const PORT = 8787;

const wranglerArgs = process.argv.slice(2).filter((arg) => arg !== "--no-seed");
const seeds = !process.argv.includes("--no-seed");

/** The value of `--name value` or `--name=value` among the arguments for wrangler. */
function argument(name: string): string | undefined {
  const at = wranglerArgs.findIndex((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
  if (at < 0) return undefined;
  const [, inline] = /^--[^=]+=(.*)$/.exec(wranglerArgs[at] ?? "") ?? [];
  return inline ?? wranglerArgs[at + 1];
}

function fail(message: string): never {
  console.error(`\n${message}`);
  process.exit(1);
}

/** A variable of .dev.vars, put there with this value if it has none. */
function localVariable(name: string, make: () => string): string {
  const vars = existsSync(VARS_FILE) ? readFileSync(VARS_FILE, "utf8") : "";
  const given = new RegExp(`^\\s*${name}\\s*=\\s*["']?([^"'\\r\\n]+?)["']?\\s*$`, "m");
  const found = given.exec(vars)?.[1];
  if (found !== undefined) return found;
  const value = make();
  const line = `${name}=${value}\n`;
  if (vars === "") {
    const header =
      "# Local secrets, never committed. In production: npx wrangler secret put OPERATOR_TOKEN\n";
    writeFileSync(VARS_FILE, header + line, { mode: 0o600 });
  } else appendFileSync(VARS_FILE, vars.endsWith("\n") ? line : `\n${line}`);
  console.log(`Put ${name} into .dev.vars.`);
  return value;
}

function migrate(stateDir: string): void {
  const args = ["d1", "migrations", "apply", "DB", "--local", "--persist-to", stateDir];
  const { status, stdout, stderr } = spawnSync(process.execPath, [WRANGLER, ...args], {
    cwd: ROOT,
    env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false" },
    encoding: "utf8",
  });
  if (status !== 0) fail(`The database could not be migrated.\n${stdout}${stderr}`);
}

/** Starts `wrangler dev`; resolves with the address when it serves. */
function serve(
  stateDir: string,
  site: PartnerSite | null,
): { wrangler: ChildProcess; ready: Promise<string> } {
  const rest = argument("persist-to") === undefined ? ["--persist-to", stateDir] : [];
  const demo = site === null ? [] : ["--var", `DEMO_SITE:${site.origin}`];
  const own = ["dev", "--show-interactive-dev-session=false", ...rest, ...demo];
  const args = [WRANGLER, ...own, ...wranglerArgs];
  const wrangler = spawn(process.execPath, args, {
    cwd: ROOT,
    // Without the second, wrangler asks Cloudflare where this machine is: noise on a machine
    // without network.
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ready = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`wrangler did not serve within ${READY_TIMEOUT_MS / 1000} s.`)),
      READY_TIMEOUT_MS,
    );
    wrangler.stdout?.on("data", (chunk: Buffer) => {
      process.stdout.write(chunk);
      const address = /Ready on (https?:\/\/\S+)/.exec(
        stripVTControlCharacters(chunk.toString()),
      )?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    });
    wrangler.once("exit", (code) => reject(new Error(`wrangler stopped with exit code ${code}.`)));
  });
  return { wrangler, ready };
}

function printDemo(address: string, demo: Demo, origin: string | null): void {
  const shop = origin ?? "none, for the brand's identity or publishable key was changed";
  console.log(`
The demo brand "${demo.slug}" has the campaign "${demo.campaign}" with ${demo.codes.toLocaleString("en")} codes.
  secret key       ${demo.keys.secret}
  publishable key  ${demo.keys.publishable}

Give a user a code (run it again: the same code; with another user id: another code):

curl -X POST ${address}/v1/campaigns/${demo.campaign}/claims \\
  -H "Authorization: Bearer ${demo.keys.secret}" \\
  -H "Content-Type: application/json" \\
  -d '{"user": {"id": "u-1"}}'

A partner's site, to click through:  ${shop}
The console, for the secret key:     ${address}/console
The documentation:                   ${address}/docs
`);
}

const token = localVariable("OPERATOR_TOKEN", () => randomBytes(32).toString("base64url"));
// A receiver or an issuer under development serves on this machine.
localVariable("LOOPBACK_TARGETS", () => "allowed");
const stateDir = path.resolve(ROOT, argument("persist-to") ?? ".wrangler/state");
mkdirSync(stateDir, { recursive: true });
migrate(stateDir);
await buildAssets();
// In this very process, so that it ends with it, however that ends.
const site = seeds ? await PartnerSite.listen(Number(argument("port") ?? PORT) + 1) : null;
const { wrangler, ready } = serve(stateDir, site);
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => wrangler.kill(signal));
wrangler.once("exit", (code, signal) => process.exit(signal === null ? (code ?? 1) : 0));

try {
  const address = await ready;
  if (site !== null) {
    const demo = await seedDemo({ address, token, stateDir });
    if (demo === null) {
      console.log(`\nThere are brands in ${stateDir} already, so no demo brand was made.`);
    } else {
      const { origin } = site;
      const partnership = await makePartner(demo, { address, stateDir, origin });
      if (partnership !== null) site.serve(partnership);
      printDemo(address, demo, partnership === null ? null : origin);
    }
  }
} catch (error) {
  wrangler.kill();
  fail(error instanceof Error ? error.message : String(error));
}
