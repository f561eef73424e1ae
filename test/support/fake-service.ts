/** A local HTTP server that plays the service, with answers that a test writes. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface Asked {
  /** The method and the path without its query. */
  route: string;
  query: Record<string, string>;
  headers: IncomingMessage["headers"];
  body: string;
  atMs: number;
}

interface Written {
  status?: number;
  headers?: Record<string, string>;
  json?: unknown;
  body?: string;
}

/** An answer, or what to do with the request; `asked.body` is then empty unless it reads it. */
export type Reply = Written | ((request: IncomingMessage, response: ServerResponse) => void);

/** A problem as the service writes it. */
export function problem(status: number, slug: string, extra: object = {}): Written {
  return {
    status,
    headers: { "Content-Type": "application/problem+json", "X-Request-Id": "req-1" },
    json: {
      type: `https://codes.example/problems/${slug}`,
      title: `Title of ${slug}`,
      status,
      detail: `Detail of ${slug}.`,
      request_id: "req-1",
      ...extra,
    },
  };
}

/** The request's connection is lost without an answer. */
export const hangUp: Reply = (request) => request.socket.destroy();

/** No answer, for ever. */
export const silence: Reply = () => undefined;

/** `begin` is sent, then the connection is lost. */
export function cutAfter(begin: string, headers: Record<string, string> = {}): Reply {
  return (_, response) => {
    response.writeHead(200, headers);
    response.write(begin, () => setImmediate(() => response.destroy()));
  };
}

export class FakeService {
  readonly #server: Server;
  readonly #replies = new Map<string, Reply[]>();
  readonly asked: Asked[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<FakeService> {
    const server = createServer();
    const service = new FakeService(server);
    server.on("request", (request, response) => void service.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What a route answers, in turn; the last again and again. */
  on(route: string, ...replies: Reply[]): this {
    this.#replies.set(route, replies);
    return this;
  }

  forget(): void {
    this.#replies.clear();
    this.asked.length = 0;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://fake");
    const asked: Asked = {
      route: `${request.method} ${url.pathname}`,
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      body: "",
      atMs: performance.now(),
    };
    this.asked.push(asked);
    const replies = this.#replies.get(asked.route) ?? [];
    const reply = (replies.length > 1 ? replies.shift() : replies[0]) ?? problem(404, "not-found");
    if (typeof reply === "function") return reply(request, response);
    asked.body = await text(request).catch(() => "");
    const isJson = reply.json !== undefined;
    response.writeHead(reply.status ?? 200, {
      ...(isJson ? { "Content-Type": "application/json" } : {}),
      ...reply.headers,
    });
    response.end(isJson ? JSON.stringify(reply.json) : reply.body);
  }
}
