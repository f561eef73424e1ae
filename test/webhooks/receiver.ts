/**
 * A process of its own that receives webhooks: well, badly, or with ill will, as it is told over
 * its control path. It verifies each call with the library that receivers are told to use. Its
 * parent ends it.
 *
 * POST /to/<inbox> takes a webhook; POST /control/<inbox> changes how, and answers with counts;
 * GET /control/<inbox> tells what came. A second listener should never be called by anybody.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";
import { Random } from "../support/random.ts";

export type Behaviour =
  | "healthy"
  /** The connection is reset before anything is read. */
  | "down"
  /** One of 500, 429, hang, cut and healthy, by the seed. */
  | "random"
  | "slow"
  /** Takes the call and never answers. */
  | "dead"
  /** To the second listener. */
  | "redirect"
  /** An answer that goes on for as long as somebody reads. */
  | "endless";

export interface Settings {
  behaviour?: Behaviour;
  seed?: number;
  /** Of a random receiver: how many calls may be left to hang. Each costs the caller a time-out. */
  hangsMax?: number;
  /** Those that may have signed, oldest first. */
  secrets?: string[];
}

/** One request for an event. */
export interface Call {
  /** Unix milliseconds when its headers were here. */
  at: number;
  /** Its own word on that, in seconds. */
  timestamp: number;
  signatures: number;
  /** Which of the secrets verify it, by their place. */
  verifiedBy: number[];
}

/** All that came under one webhook-id. */
export interface Heard {
  id: string;
  body: string;
  /** Whether each call had that body, byte for byte. */
  isSameBody: boolean;
  calls: Call[];
  /** Calls that were answered with 200. */
  taken: number;
}

export interface Counts {
  ids: number;
  /** Ids that were answered with 200 at least once. */
  takenIds: number;
  calls: number;
  /** Calls that were answered in each way. */
  did: Record<string, number>;
  /** Milliseconds that each of those that got no answer waited. */
  waited: number[];
  /** Bytes of each endless answer that left for the caller, and how long it read. */
  endless: { bytes: number; ms: number }[];
  /** Calls of the second listener. */
  strayed: number;
}

/** Where it listens. */
export interface Listening {
  address: string;
}

const SLOW_MS = 200;
const CHUNK = Buffer.alloc(65_536, "x");
/** Of a rehearsal's time, in which retries come faster, a second or so. */
const RETRY_AFTER_SECONDS = "1000";

class Inbox {
  settings: Required<Settings> = { behaviour: "healthy", seed: 1, hangsMax: 0, secrets: [] };
  random = new Random(1);
  readonly heard = new Map<string, Heard>();
  readonly did: Record<string, number> = {};
  readonly waited: number[] = [];
  readonly endless: { bytes: number; ms: number }[] = [];

  set(settings: Settings): void {
    if (settings.seed !== undefined) this.random = new Random(settings.seed);
    this.settings = { ...this.settings, ...settings };
  }

  note({ headers }: IncomingMessage, body: string, at: number): Heard {
    const of = (name: string) => String(headers[`webhook-${name}`]);
    const id = of("id");
    const heard = this.heard.get(id) ?? { id, body, isSameBody: true, calls: [], taken: 0 };
    this.heard.set(id, heard);
    heard.isSameBody &&= heard.body === body;
    heard.calls.push({
      at,
      timestamp: Number(of("timestamp")),
      signatures: of("signature").split(" ").length,
      verifiedBy: this.settings.secrets.flatMap((secret, i) => {
        try {
          new Webhook(secret).verify(body, headers as Record<string, string>);
          return [i];
        } catch {
          return [];
        }
      }),
    });
    return heard;
  }

  #draw(): string {
    const part = this.random.next();
    if (part < 0.45) return "healthy";
    if (part < 0.62) return "500";
    if (part < 0.8) return "429";
    if (part < 0.95) return "cut";
    return (this.did["hang"] ?? 0) < this.settings.hangsMax ? "hang" : "500";
  }

  next(): string {
    const { behaviour } = this.settings;
    const next = behaviour === "random" ? this.#draw() : behaviour;
    this.did[next] = (this.did[next] ?? 0) + 1;
    return next;
  }

  counts(): Omit<Counts, "strayed"> {
    const heard = [...this.heard.values()];
    const { did, waited, endless } = this;
    return {
      ids: heard.length,
      takenIds: heard.filter(({ taken }) => taken > 0).length,
      calls: heard.reduce((sum, { calls }) => sum + calls.length, 0),
      did,
      waited,
      endless,
    };
  }
}

function pour(response: ServerResponse, inbox: Inbox): void {
  const { socket } = response;
  const began = performance.now();
  response.writeHead(200);
  const more = () => {
    while (!response.destroyed && response.write(CHUNK));
  };
  response.on("drain", more);
  response.on("close", () => {
    // What the kernel took is the most that can have been read.
    const bytes = (socket?.bytesWritten ?? 0) - (socket?.writableLength ?? 0);
    inbox.endless.push({ bytes, ms: performance.now() - began });
  });
  more();
}

let strayed = 0;
let elsewhere = "";

function answer(inbox: Inbox, heard: Heard, response: ServerResponse): void {
  const take = () => {
    heard.taken += 1;
    response.writeHead(200).end("ok");
  };
  const did = inbox.next();
  if (did === "healthy") take();
  else if (did === "slow") setTimeout(take, SLOW_MS);
  else if (did === "500") response.writeHead(500).end("out of order");
  else if (did === "429") response.writeHead(429, { "Retry-After": RETRY_AFTER_SECONDS }).end();
  else if (did === "redirect") response.writeHead(302, { Location: elsewhere }).end();
  else if (did === "cut") response.destroy();
  else if (did === "endless") pour(response, inbox);
  else {
    const since = performance.now();
    response.on("close", () => inbox.waited.push(performance.now() - since));
  }
}

const inboxes = new Map<string, Inbox>();

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const at = Date.now();
  const [, verb, name = ""] = (request.url ?? "").split("/");
  const inbox = inboxes.get(name) ?? new Inbox();
  inboxes.set(name, inbox);
  if (verb === "to" && inbox.settings.behaviour === "down") {
    inbox.next();
    request.socket.resetAndDestroy();
    return;
  }
  const body = await text(request);
  if (verb === "to") return answer(inbox, inbox.note(request, body, at), response);
  if (request.method === "POST") {
    inbox.set(JSON.parse(body) as Settings);
    response.end(JSON.stringify({ ...inbox.counts(), strayed } satisfies Counts));
  } else response.end(JSON.stringify([...inbox.heard.values()]));
}

const server = createServer((request, response) => {
  // A caller that is killed in the midst of its call.
  serve(request, response).catch(() => response.destroy());
});
const forbidden = createServer((_, response) => {
  strayed += 1;
  response.end("not for you");
});
for (const each of [server, forbidden]) {
  await new Promise<void>((resolve) => each.listen(0, "127.0.0.1", resolve));
}
const addressOf = (of: typeof server) => `http://127.0.0.1:${(of.address() as AddressInfo).port}`;
elsewhere = `${addressOf(forbidden)}/private`;
process.send?.({ address: addressOf(server) } satisfies Listening);
// A parent that died cannot end this process any more.
process.once("disconnect", () => process.exit(1));
