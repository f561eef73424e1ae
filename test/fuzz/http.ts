/** Sends requests as they are: no header of its own making, none refused, no path mended. */

import { Agent, request as httpRequest } from "node:http";
import type { FuzzAnswer } from "./judge.ts";
import type { FuzzRequest } from "./request.ts";

const TIMEOUT_MS = 60_000;
const TRIES = 4;
/** What a server does that answers before it has read a body, or that let a connection go. */
const HANG_UPS = new Set(["ECONNRESET", "EPIPE"]);

export class HttpSender {
  readonly #address: URL;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(address: string) {
    this.#address = new URL(address);
  }

  async send(request: FuzzRequest): Promise<FuzzAnswer> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.#once(request);
      } catch (error) {
        const { code = "" } = error as NodeJS.ErrnoException;
        if (!HANG_UPS.has(code) || tried === TRIES) throw error;
      }
    }
  }

  async #once({ method, path, headers, body, chunked }: FuzzRequest): Promise<FuzzAnswer> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = this.#address;
      const sent = httpRequest({ agent: this.#agent, hostname, port, method, path });
      for (const [name, value] of headers) sent.appendHeader(name, value);
      if (body !== null) {
        // Said in any case: Node leaves out both where a method seldom has a body.
        if (chunked) sent.setHeader("Transfer-Encoding", "chunked");
        else sent.setHeader("Content-Length", body.length);
      }
      sent.setTimeout(TIMEOUT_MS, () => sent.destroy(new Error(`No answer in ${TIMEOUT_MS} ms`)));
      sent.once("error", reject);
      sent.once("response", (response) => {
        const chunks: Buffer[] = [];
        const isFeed = response.headers["content-type"] === "text/event-stream";
        response.once("error", reject);
        const end = () => {
          const answered = new Headers();
          for (let i = 0; i < response.rawHeaders.length; i += 2) {
            answered.append(response.rawHeaders[i] ?? "", response.rawHeaders[i + 1] ?? "");
          }
          const text = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, headers: answered, text });
        };
        response.once("end", end);
        response.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          // A feed goes on: its first event is enough.
          if (!isFeed || !Buffer.concat(chunks).includes("\n\n")) return;
          end();
          response.destroy();
        });
      });
      sent.end(body ?? undefined);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
