/**
 * A served Codedrop, started the way a newcomer does: `npm start`. Its processes form one group.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { Api } from "./api.ts";
import { entryTo } from "./entry.ts";
import { logs } from "./logs.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const START_TIMEOUT_MS = 150_000;

/** A TCP port that nobody listens on at the moment. */
async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() =>
        resolve(typeof address === "object" && address !== null ? address.port : 0),
      );
    });
  });
}

export class Server {
  address: string;
  readonly #process: ChildProcess;
  #output = "";
  #isClosed = false;

  private constructor(child: ChildProcess, address: string) {
    this.#process = child;
    this.address = address;
    const read = (chunk: Buffer) => {
      this.#output += chunk.toString();
      logs.record(chunk.toString());
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("close", () => {
      this.#isClosed = true;
    });
  }

  /** Serves the data in `stateDir`, empty or not; resolves when it answers. */
  static async start(stateDir: string, args: string[] = ["--no-seed"]): Promise<Server> {
    const port = await freePort();
    const child = spawn(
      "npm",
      [
        "start",
        "--",
        "--port",
        String(port),
        "--persist-to",
        stateDir,
        "--inspector-port",
        "0",
        ...args,
      ],
      { cwd: ROOT, detached: true, stdio: ["ignore", "pipe", "pipe"] },
    );
    const server = new Server(child, `http://localhost:${port}`);
    await server.#answers();
    server.address = await entryTo(server.address);
    logs.forbid(server.operatorToken);
    return server;
  }

  async #answers(): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < deadline) {
      if (this.#process.exitCode !== null) break;
      try {
        if ((await fetch(`${this.address}/healthz`)).ok) return;
      } catch {
        // Not listening yet.
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    this.kill();
    throw new Error(`The server did not start.\n${this.#output}`);
  }

  /** What it printed so far. */
  get output(): string {
    return this.#output;
  }

  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < deadline) {
      const found = pattern.exec(this.#output);
      if (found !== null) return found;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`The server never printed ${String(pattern)}.\n${this.#output}`);
  }

  get operatorToken(): string {
    const vars = readFileSync(path.join(ROOT, ".dev.vars"), "utf8");
    return /^OPERATOR_TOKEN=(.+)$/m.exec(vars)?.[1] ?? "";
  }

  get api(): Api {
    return new Api({
      fetch: (route, init) => fetch(this.address + route, init),
      operatorToken: this.operatorToken,
      onAnswer: (text) => logs.learn(text),
    });
  }

  /** Resolves when it is gone, and all that it printed has been read. */
  async closed(): Promise<void> {
    if (this.#isClosed) return;
    await new Promise((resolve) => this.#process.once("close", resolve));
  }

  /** SIGKILL for every process of it at once: nothing gets to finish or flush. */
  kill(): void {
    try {
      if (this.#process.pid !== undefined) process.kill(-this.#process.pid, "SIGKILL");
    } catch {
      // Gone already.
    }
  }
}
