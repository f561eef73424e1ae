/**
 * A receiver of webhooks, over a real socket, for the worker tests: each name is a receiver of its
 * own, which answers what its script says, and tells afterwards what it was sent.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    receiver: string;
  }
}

export interface Received {
  headers: Record<string, string>;
  body: string;
  at: number;
}

class Named {
  /** Answers in turn; the last again and again. */
  script = ["200"];
  readonly received: Received[] = [];
  /** Requests that are being answered, and the most that ever were at once. */
  open = 0;
  most = 0;
  /** Answers that wait to be let go. */
  readonly held: (() => void)[] = [];

  reply(): string {
    return (this.script.length > 1 ? this.script.shift() : this.script[0]) ?? "200";
  }
}

function writeFor(response: ServerResponse, everyMs: number, chunk: string): void {
  response.writeHead(200);
  const timer = setInterval(() => response.write(chunk), everyMs);
  response.on("close", () => clearInterval(timer));
}

/** Answers by more than a status. */
const WORDS: Record<string, (response: ServerResponse, named: Named) => void> = {
  endless: (response) => writeFor(response, 1, "x".repeat(10_000)),
  dribble: (response) => writeFor(response, 1_000, "x"),
  huge: (response) => response.writeHead(500).end("y".repeat(10_000_000)),
  silent: () => undefined,
  drop: (response) => response.destroy(),
  cut: (response) => {
    response.writeHead(200, { "Content-Length": "100" });
    response.write("begun", () => setImmediate(() => response.destroy()));
  },
  control: (response) => response.writeHead(500).end('a\n\u0000b\u001b[31m"é'),
  hold: (response, named) => named.held.push(() => response.writeHead(200).end()),
  stall: (response, named) => named.held.push(() => response.writeHead(500).end()),
};

/** Megabytes of headers. The connection ends with it: nobody could tell what comes next on it. */
function bomb(response: ServerResponse, megabytes: number): void {
  const line = `X-Bomb: ${"z".repeat(1_000)}\r\n`.repeat(1_000 * megabytes);
  response.socket?.end(`HTTP/1.1 200 OK\r\n${line}Connection: close\r\n\r\n`);
}

function answer(response: ServerResponse, named: Named, body: string): void {
  const [word = "", value = ""] = named.reply().split("~");
  const status = Number(word);
  if (word === "bomb") return bomb(response, Number(value));
  // Of an event what it says, which is where its users are.
  if (word === "echo") {
    const from = Math.max(0, body.indexOf('"data"'));
    return void response.writeHead(Number(value)).end(body.slice(from));
  }
  if (word === "refuse") return void response.writeHead(body.includes(value) ? 500 : 200).end();
  if (Number.isNaN(status)) return WORDS[word]?.(response, named);
  const header = status >= 300 && status < 400 ? "Location" : "Retry-After";
  response.writeHead(status, value === "" ? {} : { [header]: value }).end(`status ${word}`);
}

async function serve(
  all: Map<string, Named>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, verb = "", name = ""] = (request.url ?? "").split(/[/?]/);
  const named = all.get(name) ?? new Named();
  all.set(name, named);
  const body = await text(request).catch(() => "");
  if (verb === "to") {
    const headers = request.headers as Record<string, string>;
    named.received.push({ headers, body, at: Date.now() });
    named.open += 1;
    named.most = Math.max(named.most, named.open);
    response.on("close", () => (named.open -= 1));
    return answer(response, named, body);
  }
  if (verb === "script") named.script = body.split(",");
  if (verb === "release") for (const release of named.held.splice(0)) release();
  const { received, open, most } = named;
  response.end(JSON.stringify({ received, open, most }));
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const all = new Map<string, Named>();
  const server = createServer((request, response) => void serve(all, request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  project.provide("receiver", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
}
