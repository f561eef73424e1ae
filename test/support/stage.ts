/** What tests of pages stand on: a service with data of its own, and a browser. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser } from "playwright-core";
import { startBrowser } from "./browser.ts";
import { prepared } from "./prepared.ts";
import { Runtime } from "./runtime.ts";

export interface Stage {
  runtime: Runtime;
  browser: Browser;
  close: () => Promise<void>;
}

/** `vars` stand in place of those of wrangler.toml. */
export async function openStage(vars: Record<string, string> = {}): Promise<Stage> {
  const stateDir = mkdtempSync(path.join(tmpdir(), "codedrop-stage-"));
  const bundle = prepared(stateDir);
  const [runtime, browser] = await Promise.all([
    Runtime.start({ bundle, stateDir, vars }),
    startBrowser(),
  ]);
  const close = async () => {
    await browser.close();
    await runtime.kill();
    rmSync(stateDir, { recursive: true, force: true });
  };
  return { runtime, browser, close };
}
