/**
 * A closed loop of HTTP requests over kept-alive connections: as many in flight as there are
 * connections. Raw sockets, because the load shares the machine with what it measures.
 */

import { connect, type Socket } from "node:net";

/** One request: what is sent, and the status that it must be answered with. */
export interface Shot {
  bytes: string;
  status: number;
}

export interface Measured {
  done: number;
  seconds: number;
  /** One per answer, in milliseconds. */
  latencies: number[];
}

/** A request of HTTP/1.1, ready to be sent. */
export function postBytes(path: string, body: string, key?: string): string {
  const authorization = key === undefined ? "" : `Authorization: Bearer ${key}\r\n`;
  return (
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${authorization}` +
    `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

/** Sends one request at a time, and reads its answer. */
class Connection {
  readonly #socket: Socket;
  #received = "";
  #settle: { resolve: (answer: string) => void; reject: (error: Error) => void } | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    socket.on("data", (text) => this.#take(String(text)));
    socket.on("error", (error) => this.#settle?.reject(error));
    socket.on("close", () => this.#settle?.reject(new Error("The connection was closed")));
  }

  static async open(address: string): Promise<Connection> {
    const { hostname, port } = new URL(address);
    const socket = connect(Number(port), hostname);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new Connection(socket);
  }

  send(bytes: string): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) reject(new Error("The connection is closed"));
      this.#settle = { resolve, reject };
      this.#socket.write(bytes);
    });
  }

  close(): void {
    this.#settle = null;
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#received = this.#received === "" ? text : this.#received + text;
    const headEnd = this.#received.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#received.slice(0, headEnd))?.[1];
    if (length === undefined) {
      this.#settle?.reject(new Error(`An answer without a length:\n${this.#received}`));
      return;
    }
    if (this.#received.length < headEnd + 4 + Number(length)) return;
    const answer = this.#received;
    this.#received = "";
    this.#settle?.resolve(answer);
  }
}

/** So many users of one server at a time. */
export class Load {
  readonly #address: string;
  readonly #inFlight: number;

  constructor(address: string, inFlight: number) {
    this.#address = address;
    this.#inFlight = inFlight;
  }

  /**
   * Sends `next()` again and again, until so much time has passed or so many were sent. The
   * connections are new, but made before the clock runs: the runtime closes those that rest.
   */
  async run(next: () => Shot, until: { ms?: number; requests?: number }): Promise<Measured> {
    const opened = Array.from({ length: this.#inFlight }, () => Connection.open(this.#address));
    const connections = await Promise.all(opened);
    const latencies: number[] = [];
    const start = performance.now();
    const end = until.ms === undefined ? Infinity : start + until.ms;
    let left = until.requests ?? Infinity;
    async function shoot(connection: Connection): Promise<void> {
      while (left > 0 && performance.now() < end) {
        left -= 1;
        const { bytes, status } = next();
        const sent = performance.now();
        const answer = await connection.send(bytes);
        latencies.push(performance.now() - sent);
        // "HTTP/1.1 201 Created"
        if (Number(answer.slice(9, 12)) !== status)
          throw new Error(`Not the status ${status}:\n${bytes}\n\n${answer}`);
      }
    }
    try {
      await Promise.all(connections.map(shoot));
      const seconds = (performance.now() - start) / 1000;
      return { done: latencies.length, seconds, latencies };
    } finally {
      for (const connection of connections) connection.close();
    }
  }
}
