/** What memory work takes: of the Worker's isolate, as V8 counts it, and of the whole runtime. */

import { readdirSync, readFileSync } from "node:fs";
import type { Runtime } from "../support/runtime.ts";

const SAMPLE_MS = 100;
/** The isolate of the Worker and its objects; D1 and KV have their own. */
const ISOLATE = "core:user:codedrop";
const MB = 1024 * 1024;

/** The workerd process that a host process has started. */
function workerdOf(hostPid: number): number {
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const [, command = "", parent = ""] = /\((.*)\) \S (\d+)/.exec(stat) ?? [];
      if (command === "workerd" && Number(parent) === hostPid) return Number(name);
    } catch {
      // It ended meanwhile.
    }
  }
  throw new Error(`Process ${hostPid} has started no workerd`);
}

/** Resident memory of the process, D1 and its pages among it. */
function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}

/** Asks V8 for the heap of the Worker's isolate, what is not collected yet among it. */
class Heap {
  readonly #socket: WebSocket;
  #asked = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async open(inspector: string): Promise<Heap> {
    const socket = new WebSocket(`${inspector}${ISOLATE}`);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve, { once: true });
      socket.addEventListener("error", reject, { once: true });
    });
    return new Heap(socket);
  }

  async usedMb(): Promise<number> {
    const id = ++this.#asked;
    const answer = new Promise<{ usedSize: number; backingStorageSize: number }>((resolve) => {
      const read = ({ data }: MessageEvent) => {
        const message = JSON.parse(String(data)) as { id?: number; result: never };
        if (message.id !== id) return;
        this.#socket.removeEventListener("message", read);
        resolve(message.result);
      };
      this.#socket.addEventListener("message", read);
    });
    this.#socket.send(JSON.stringify({ id, method: "Runtime.getHeapUsage" }));
    const { usedSize, backingStorageSize } = await answer;
    return (usedSize + backingStorageSize) / MB;
  }

  close(): void {
    this.#socket.close();
  }
}

export interface Peaks {
  /** MB, highest while the work went on. */
  isolate: number;
  runtime: number;
}

/** The highest that memory was while `work` went on. */
export async function peaksDuring<T>(
  runtime: Runtime,
  work: () => Promise<T>,
): Promise<{ result: T; peaks: Peaks }> {
  const pid = workerdOf(runtime.pid ?? 0);
  const heap = await Heap.open(runtime.inspector ?? "");
  const peaks: Peaks = { isolate: 0, runtime: 0 };
  const look = async () => {
    peaks.runtime = Math.max(peaks.runtime, residentMb(pid));
    peaks.isolate = Math.max(peaks.isolate, await heap.usedMb());
  };
  await look();
  // One question at a time: the isolate answers between two of its turns.
  let going = true;
  const looking = (async () => {
    while (going) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    }
  })();
  try {
    return { result: await work(), peaks };
  } finally {
    going = false;
    await looking;
    heap.close();
  }
}
