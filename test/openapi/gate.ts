/**
 * Where the end-to-end tests call their servers while Prism listens. A test's server is reached
 * through an entry of its own, and all entries lead through the one Prism:
 *
 *     test → entry → Prism → exit → server
 *
 * Prism reads JSON and writes it anew. So the exit sends the server what the test sent, to the
 * byte, and the entry answers what the server answered: of Prism's answer only what it found
 * counts.
 */

import {
  Agent,
  createServer,
  request as startRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { buffer, text } from "node:stream/consumers";

/** The exit finds an exchange by it. No server sees it. */
const EXCHANGE = "x-openapi-exchange";
/** Prism takes 10 MB of a request. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;
/** Whoever takes longer to send a body tests what becomes of half of it; Prism needs it whole. */
const BODY_WAIT_MS = 500;
/** Of one connection each way, not of both. */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "transfer-encoding"]);

/** An exchange as Prism saw it. */
export interface Judged {
  method: string;
  path: string;
  /** Of the server's answer. */
  status: number;
  /** Prism's header of violations; null where it has none. */
  violations: string | null;
  /** What Prism answered in the server's stead; null where it passed on what the server did. */
  own: string | null;
  /** Whether the server was asked through Prism. */
  isForwarded: boolean;
}

interface Head {
  method: string;
  path: string;
  headers: string[];
}

interface Answer {
  status: number;
  headers: string[];
  body: Buffer;
}

interface Exchange extends Head {
  target: string;
  body: Buffer;
  isForwarded: boolean;
  /** Null until it came, or where the server broke off, as one does that is killed. */
  answer: Answer | null;
}

// A server that is killed closes the connections that it was reached by.
const agent = new Agent({ keepAlive: false });

/** Why a call does not go through Prism, or null: what never ends, or is in no document. */
function whyPast(path: string): string | null {
  if (/\/live(\?|$)/.test(path)) return "feeds without an end";
  if (path === "/openapi.json") return "the document itself";
  // Of test/support/watched-worker.ts and test/faults/worker.ts.
  if (path.startsWith("/watched/") || path === "/faults") return "a test's own route";
  return null;
}

function listen(handler: RequestListener): Promise<Server> {
  const server = createServer(handler);
  // Longer than callers keep a connection: whoever closes first breaks a request on its way.
  server.keepAliveTimeout = 600_000;
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

function endToEnd(headers: readonly string[]): string[] {
  return headers.flatMap((name, i) =>
    i % 2 === 0 && !HOP_BY_HOP.has(name.toLowerCase()) ? [name, headers[i + 1] ?? ""] : [],
  );
}

const headOf = ({ method = "GET", url: path = "/", rawHeaders: headers }: IncomingMessage) => ({
  method,
  path,
  headers,
});

function start(to: string, { method, path, headers }: Head) {
  const { hostname, port } = new URL(to);
  return startRequest({ hostname, port, method, path, headers, agent });
}

async function send(to: string, head: Head, body: Buffer): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = start(to, head);
    sent.once("response", resolve).once("error", reject);
    sent.end(body);
  });
}

async function ask({ target, body, ...head }: Exchange): Promise<Answer> {
  const answer = await send(target, head, body);
  return {
    status: answer.statusCode ?? 0,
    headers: endToEnd(answer.rawHeaders),
    body: await buffer(answer),
  };
}

/** What was sent within the time, and whether that is all. */
async function firstOf(request: IncomingMessage): Promise<{ body: Buffer; isWhole: boolean }> {
  const chunks: Buffer[] = [];
  const read = (chunk: Buffer) => void chunks.push(chunk);
  request.on("data", read);
  const isWhole = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), BODY_WAIT_MS);
    request.once("close", () => clearTimeout(timer));
    request.once("end", () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
  request.off("data", read).pause();
  return { body: Buffer.concat(chunks), isWhole };
}

/** To the server itself, both ways as it comes. */
function pipe(target: string, request: IncomingMessage, response: ServerResponse, first: Buffer) {
  const sent = start(target, headOf(request));
  sent.once("response", (answer) => {
    response.writeHead(answer.statusCode ?? 0, endToEnd(answer.rawHeaders));
    response.flushHeaders();
    answer.pipe(response);
    answer.once("error", () => response.destroy());
  });
  sent.once("error", () => response.destroy());
  response.once("close", () => sent.destroy());
  sent.write(first);
  if (request.readableEnded) sent.end();
  else request.pipe(sent);
}

export interface Gate {
  /** Given a server's address in a POST, it answers that of an entry to it. */
  control: string;
  /** What Prism takes for the service. */
  exit: string;
  /** Calls that did not go through Prism, by why. */
  past: Map<string, number>;
  close: () => void;
}

/** `prism` is where Prism listens, or will; `onJudged` is told of each exchange that it saw. */
export async function openGate(prism: string, onJudged: (judged: Judged) => void): Promise<Gate> {
  const exchanges = new Map<string, Exchange>();
  const past = new Map<string, number>();
  const servers: Server[] = [];
  let made = 0;

  const exit = await listen((request, response) => {
    const exchange = exchanges.get(String(request.headers[EXCHANGE]));
    request.resume();
    if (exchange === undefined) return void response.destroy();
    exchange.isForwarded = true;
    ask(exchange).then(
      (answer) => {
        exchange.answer = answer;
        response.writeHead(answer.status, answer.headers);
        response.end(answer.body);
      },
      () => response.destroy(),
    );
  });

  /** Null: the server broke off. */
  async function throughPrism(exchange: Exchange): Promise<Answer | null> {
    const id = String(++made);
    exchanges.set(id, exchange);
    const { method, path, headers, body } = exchange;
    // With the length, however it came: Prism cannot pass on what came in chunks.
    const length =
      /^content-length$/im.test(headers.join("\n")) || body.length === 0
        ? []
        : ["Content-Length", String(body.length)];
    const head = { method, path, headers: [...endToEnd(headers), ...length, EXCHANGE, id] };
    const seen = await send(prism, head, body);
    const own = await text(seen);
    exchanges.delete(id);
    if (exchange.isForwarded && exchange.answer === null) return null;
    const answer = exchange.answer ?? (await ask(exchange));
    onJudged({
      method,
      path,
      status: answer.status,
      violations: seen.headers["sl-violations"]?.toString() ?? null,
      own: seen.statusCode === exchange.answer?.status ? null : own,
      isForwarded: exchange.isForwarded,
    });
    return answer;
  }

  async function enter(target: string, request: IncomingMessage, response: ServerResponse) {
    const head = headOf(request);
    const { body, isWhole } = await firstOf(request);
    const why =
      whyPast(head.path) ??
      (isWhole ? (body.length > BODY_BYTES_MAX ? "large bodies" : null) : "bodies under way");
    if (why !== null) {
      past.set(why, (past.get(why) ?? 0) + 1);
      return pipe(target, request, response, body);
    }
    const exchange = { ...head, target, body, isForwarded: false, answer: null };
    const answer = await throughPrism(exchange).catch(() => null);
    if (answer === null) return void response.destroy();
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  }

  const control = await listen((request, response) => {
    void (async () => {
      const target = await text(request);
      const entry = await listen((one, its) => void enter(target, one, its));
      servers.push(entry);
      response.end(`http://${new URL(target).hostname}:${portOf(entry)}`);
    })();
  });

  servers.push(control, exit);
  return {
    control: `http://127.0.0.1:${portOf(control)}`,
    exit: `http://127.0.0.1:${portOf(exit)}`,
    past,
    close: () => {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}
