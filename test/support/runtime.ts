/** The Worker served by workerd itself, for what must not go through the development proxy. */

import { fork, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { Api } from "./api.ts";
import { entryTo } from "./entry.ts";
import { logs } from "./logs.ts";
import type { HostOptions, Served } from "./runtime-host.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const WRANGLER = path.join(ROOT, "node_modules/wrangler/bin/wrangler.js");
const OPERATOR_TOKEN = "operator-token-of-a-test";

function wrangler(cwd: string, args: string[]): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, [WRANGLER, ...args], {
    cwd,
    env: { ...process.env, CI: "1", OPERATOR_TOKEN, WRANGLER_SEND_METRICS: "false" },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`wrangler ${args.join(" ")}\n${stdout}${stderr}`);
}

/** Bundles a tree as it would be deployed, or another entry of it. */
export function bundle(outDir: string, { root = ROOT, entry = "" } = {}): void {
  const script = entry === "" ? [] : [entry];
  wrangler(root, ["deploy", ...script, "--dry-run", "--outdir", outDir]);
}

/** A data folder with an empty, migrated database. */
export function newState(stateDir: string, { root = ROOT } = {}): void {
  wrangler(root, ["d1", "migrations", "apply", "DB", "--local", "--persist-to", stateDir]);
}

function v8Flags(heapMb: number | undefined): Record<string, string> {
  return heapMb === undefined ? {} : { MINIFLARE_WORKERD_V8_FLAGS: `--max-heap-size=${heapMb}` };
}

export class Runtime {
  readonly address: string;
  /** Of V8, where it was asked for. */
  readonly inspector: string | null;
  readonly #process: ChildProcess;
  readonly #isRecorded: boolean;

  private constructor(child: ChildProcess, { address, inspector }: Served, isRecorded: boolean) {
    this.#process = child;
    this.#isRecorded = isRecorded;
    this.address = address;
    this.inspector = inspector;
  }

  /** Serves a bundle on the data in `stateDir`; resolves when it answers. */
  static async start(options: {
    bundle: string;
    stateDir: string;
    config?: string;
    /** Where the output of workerd and the Worker goes; recorded, it is searched for secrets. */
    log?: "ignore" | "inherit" | "record";
    inspect?: boolean;
    /** Variables in place of those of wrangler.toml. */
    vars?: Record<string, string>;
    /** MB that V8 gives each isolate, as the platform limits it; none when left out. */
    heapMb?: number;
  }): Promise<Runtime> {
    const { bundle: folder, stateDir, config = path.join(ROOT, "wrangler.toml") } = options;
    mkdirSync(stateDir, { recursive: true });
    const { log = "ignore" } = options;
    const output = log === "record" ? "pipe" : log;
    const child = fork(path.join(import.meta.dirname, "runtime-host.ts"), {
      // A group of its own, so that workerd dies with it.
      detached: true,
      env: { ...process.env, OPERATOR_TOKEN, WRANGLER_LOG: "error", ...v8Flags(options.heapMb) },
      stdio: ["ignore", output, output, "ipc"],
    });
    for (const printed of [child.stdout, child.stderr]) {
      printed?.on("data", (chunk: Buffer) => logs.record(chunk.toString()));
    }
    const message: HostOptions = {
      config,
      bundle: folder,
      stateDir,
      operatorToken: OPERATOR_TOKEN,
      vars: options.vars ?? {},
      inspect: options.inspect ?? false,
    };
    const served = await new Promise<Served>((resolve, reject) => {
      child.once("message", (answer: Served | { error: string }) =>
        "address" in answer ? resolve(answer) : reject(new Error(answer.error)),
      );
      child.once("exit", () => reject(new Error("The runtime stopped before it served.")));
      child.send(message);
    });
    if (log === "record") logs.forbid(OPERATOR_TOKEN);
    const address = await entryTo(served.address);
    return new Runtime(child, { ...served, address }, log === "record");
  }

  get api(): Api {
    return new Api({
      fetch: (route, init) => fetch(this.address + route, init),
      operatorToken: OPERATOR_TOKEN,
      ...(this.#isRecorded ? { onAnswer: (text: string) => logs.learn(text) } : {}),
    });
  }

  get operatorToken(): string {
    return OPERATOR_TOKEN;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** SIGKILL for every process of it at once; resolves when they are gone. */
  async kill(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#process;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    // Not before all that it printed has been read.
    const gone = new Promise((resolve) => this.#process.once("close", resolve));
    process.kill(-pid, "SIGKILL");
    await gone;
  }
}
