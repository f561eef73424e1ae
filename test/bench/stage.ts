/** What a run needs around it: bundles, servers on fresh data, and that nothing of it stays. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { bundle, newState, Runtime } from "../support/runtime.ts";

const RIVAL = path.join(import.meta.dirname, "rival");

const startedAt = performance.now();

/** Progress, apart from the report. */
export function say(text: string): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0).padStart(3);
  process.stderr.write(`${seconds} s  ${text}\n`);
}

export class Stage {
  readonly dir = mkdtempSync(path.join(tmpdir(), "codedrop-bench-"));
  #ends: (() => unknown)[] = [];

  /** To be done at the end, last first, however the run ends. */
  atEnd(end: () => unknown): void {
    this.#ends.push(end);
  }

  async close(): Promise<void> {
    const ends = this.#ends.toReversed();
    this.#ends = [];
    for (const end of ends) await end();
    rmSync(this.dir, { recursive: true, force: true });
  }

  #path(name: string): string {
    return path.join(this.dir, name);
  }

  /** Bundles one of the benchmark's entries; the folder. */
  bundle(entry: string): string {
    const folder = this.#path(`bundle-${entry}`);
    bundle(folder, { entry: path.join(import.meta.dirname, `${entry}.ts`) });
    return folder;
  }

  /** Bytes of the Worker as it would be deployed, compressed. */
  bundleSize(): { bytes: number; gzipBytes: number } {
    const folder = this.#path("bundle-deployed");
    bundle(folder);
    const script = readFileSync(path.join(folder, "index.js"));
    return { bytes: script.length, gzipBytes: gzipSync(script).length };
  }

  /** Where the data of a server lies. */
  stateDir(name: string): string {
    return this.#path(`state-${name}`);
  }

  /** Serves a bundle on an empty database of its own. With a limit, its heap can be looked at. */
  async serve(folder: string, name: string, heapMb?: number): Promise<Runtime> {
    newState(this.stateDir(name));
    return this.serveAgain(folder, name, heapMb);
  }

  /** Serves a bundle on what an earlier server left. */
  async serveAgain(folder: string, name: string, heapMb?: number): Promise<Runtime> {
    const limited = heapMb === undefined ? {} : { heapMb, inspect: true };
    return this.#start({ bundle: folder, stateDir: this.stateDir(name), ...limited });
  }

  async serveRival(): Promise<Runtime> {
    const folder = this.#path("bundle-rival");
    const stateDir = this.#path("state-rival");
    bundle(folder, { root: RIVAL });
    newState(stateDir, { root: RIVAL });
    return this.#start({ bundle: folder, stateDir, config: path.join(RIVAL, "wrangler.toml") });
  }

  async #start(options: Parameters<typeof Runtime.start>[0]): Promise<Runtime> {
    const runtime = await Runtime.start(options);
    this.atEnd(() => runtime.kill());
    return runtime;
  }
}
