/**
 * Who watches the pool. The platform holds their sockets while the object sleeps, and the pool says
 * something only when it is awake for its own reasons, so nobody keeps it awake by watching.
 */

import type { Alarm } from "./alarm.ts";
import type { PoolNews } from "./messages.ts";
import type { Outbox } from "./outbox.ts";
import type { Tally } from "./tally.ts";

/** Each is a message whenever D1 was told of claims: more would cost claims time. */
const WATCHERS_MAX = 50;
/** Between two times of telling them: D1 is told of claims as often. */
const REST_MS = 200;

export class Audience {
  readonly #ctx: DurableObjectState;
  readonly #outbox: Outbox;
  readonly #alarm: Alarm;
  readonly tally: Tally;
  #told = { what: "", at: 0 };
  /** Whether they have yet to look at D1 again. */
  #isStockNews = false;

  constructor(options: { ctx: DurableObjectState; outbox: Outbox; alarm: Alarm; tally: Tally }) {
    this.#ctx = options.ctx;
    this.#outbox = options.outbox;
    this.#alarm = options.alarm;
    this.tally = options.tally;
  }

  /** Takes one in, and says how things stand; 503 when there are too many. */
  admit(request: Request): Response {
    if (request.headers.get("Upgrade") !== "websocket") return new Response(null, { status: 426 });
    if (this.#ctx.getWebSockets().length >= WATCHERS_MAX)
      return new Response(null, { status: 503 });
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.#ctx.acceptWebSocket(ours);
    const news: PoolNews = { tally: this.tally.now(), isStockNews: false };
    ours.send(JSON.stringify(news));
    return new Response(null, { status: 101, webSocket: theirs });
  }

  /** Says how things stand, if that is new; when it was said just now the alarm sees to it. */
  tell(): void {
    const sockets = this.#ctx.getWebSockets();
    if (sockets.length === 0) return;
    const tally = this.tally.now();
    const { claims, redemptions, campaign } = tally;
    const what = JSON.stringify([claims, redemptions, campaign]);
    if (what === this.#told.what && !this.#isStockNews) return;
    const now = Date.now();
    if (now - this.#told.at < REST_MS) {
      this.#alarm.set(REST_MS);
      return;
    }
    const news: PoolNews = { tally, isStockNews: this.#isStockNews };
    this.#told = { what, at: now };
    // A claim whose code was revoked before D1 was told of it counts twice there until it is.
    this.#isStockNews &&= !this.#outbox.isEmpty();
    for (const socket of sockets) send(socket, JSON.stringify(news));
  }

  /** The same after codes were added or revoked: how many there are, D1 knows. */
  tellOfStock(): void {
    this.#isStockNews = true;
    this.tell();
  }
}

function send(socket: WebSocket, text: string): void {
  try {
    socket.send(text);
  } catch {
    // It is being closed.
  }
}
