/** What a rehearsal stands on: the runtime on data of its own, and receivers beside it. */

import { fork, type ChildProcess } from "node:child_process";
import { cpSync, existsSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Runtime } from "../support/runtime.ts";
import type { Counts, Heard, Listening, Settings } from "./receiver.ts";

export interface Figures {
  [name: string]: number | string;
}

const POLL_MS = 100;

/** Fails the run: what was promised is not so. */
export function require(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(`NOT SO: ${what}`);
}

/** Looks until it is so. What it is about is said when it never is. */
export async function until(
  what: string,
  withinMs: number,
  isSo: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await isSo())) {
    require(performance.now() < deadline, `${what} within ${withinMs / 1_000} s`);
    await pause(POLL_MS);
  }
}

/** One address of the receiver, with a behaviour of its own. */
export class Inbox {
  readonly url: string;
  readonly #control: string;

  constructor(address: string, name: string) {
    this.url = `${address}/to/${name}`;
    this.#control = `${address}/control/${name}`;
  }

  async set(settings: Settings): Promise<Counts> {
    const init = { method: "POST", body: JSON.stringify(settings) };
    return (await (await fetch(this.#control, init)).json()) as Counts;
  }

  counts(): Promise<Counts> {
    return this.set({});
  }

  async heard(): Promise<Heard[]> {
    return (await (await fetch(this.#control)).json()) as Heard[];
  }
}

interface Options {
  bundle: string;
  /** A data folder with a migrated database. */
  template: string;
  /** Where the data of its own lies. */
  dir: string;
  log: "ignore" | "record";
}

export class Ground {
  readonly #options: Options;
  readonly #runtimes: Runtime[] = [];
  #receiver: { process: ChildProcess; address: string } | null = null;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Serves the data of that name, which is empty at first. */
  async serve(name: string, { speedup }: { speedup: number }): Promise<Runtime> {
    const { bundle, template, dir, log } = this.#options;
    const stateDir = path.join(dir, `state-${name}`);
    if (!existsSync(stateDir)) cpSync(template, stateDir, { recursive: true });
    const vars = { LOOPBACK_TARGETS: "allowed", WEBHOOK_SPEEDUP: String(speedup) };
    const runtime = await Runtime.start({ bundle, stateDir, log, vars });
    this.#runtimes.push(runtime);
    return runtime;
  }

  async inbox(name: string): Promise<Inbox> {
    this.#receiver ??= await startReceiver();
    return new Inbox(this.#receiver.address, name);
  }

  async close(): Promise<void> {
    for (const runtime of this.#runtimes) await runtime.kill();
    this.#receiver?.process.kill();
  }
}

async function startReceiver(): Promise<{ process: ChildProcess; address: string }> {
  const child = fork(path.join(import.meta.dirname, "receiver.ts"));
  const { address } = await new Promise<Listening>((resolve, reject) => {
    child.once("message", (listening: Listening) => resolve(listening));
    child.once("exit", () => reject(new Error("The receiver stopped before it listened")));
  });
  return { process: child, address };
}
