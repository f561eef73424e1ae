/**
 * The real Worker with bindings that fail: D1 before and after a write took effect, KV, alarms, and
 * calls to pools whose answer is lost. `PUT /faults` says how often; a restart ends all of it.
 */

import worker, {
  BatchRunner as RealBatchRunner,
  Herald as RealHerald,
  UserEraser as RealUserEraser,
  CodePool as RealCodePool,
} from "../../src/index.ts";
import type {
  AskedOf,
  ClaimOutcome,
  ClaimRequest,
  HeldRedemption,
  HoldOutcome,
  HoldRequest,
  RedeemOutcome,
  RedeemRequest,
  RevealRequest,
} from "../../src/code-pool/messages.ts";
import type { Hold } from "../../src/code-pool/holds.ts";
import type { News } from "../../src/domain/news.ts";
import type { StockAnswer } from "../../src/code-pool/refill.ts";
import { interceptedD1 } from "../support/intercepted-d1.ts";
import { Random } from "../support/random.ts";
import { NO_FAULTS, type FaultKind, type FaultRates, type FaultSettings } from "./settings.ts";

export { WebhookSender } from "../../src/index.ts";

const LATE_MS = 150;
const LEASE = /INSERT INTO (ended_)?leases/;
const SHOW = /UPDATE codes SET (claim_id|redeemed_at)/;

let rates: FaultRates = NO_FAULTS;
let random = new Random(0);
let injected: Partial<Record<FaultKind, number>> = {};

/** Whether a fault of this kind is to happen now; counts those that are. */
function strikes(kind: FaultKind): boolean {
  const isHit = rates[kind] > 0 && random.chance(rates[kind]);
  if (isHit) injected[kind] = (injected[kind] ?? 0) + 1;
  return isHit;
}

/** An error as the platform throws it when an object was reset under a call. */
function reset(what: string): Error {
  return Object.assign(new Error(what), { retryable: true, durableObjectReset: true });
}

function lostD1(): Error {
  return new Error("D1_ERROR: Network connection lost");
}

function faulty(env: Env): Env {
  const DB = interceptedD1(env.DB, async (statements, call) => {
    const sql = statements.join(";\n");
    if (strikes("d1Before")) throw lostD1();
    if (strikes("d1Held")) await scheduler.wait(LATE_MS);
    if (LEASE.test(sql) && strikes("leaseLost")) {
      await call();
      throw lostD1();
    }
    if (SHOW.test(sql) && strikes("shownTwice")) await call();
    const answer = await call();
    if (strikes("d1Late")) await scheduler.wait(LATE_MS);
    if (strikes("d1After")) throw lostD1();
    return answer;
  });
  const { DIRECTORY: kv } = env;
  async function kvCall<T>(call: () => Promise<T>): Promise<T> {
    if (strikes("kv")) throw new Error("KV failed: 500");
    return call();
  }
  const DIRECTORY = {
    get: (key: string, type: "json") => kvCall(() => kv.get(key, type)),
    put: (key: string, value: string, options?: KVNamespacePutOptions) =>
      kvCall(() => kv.put(key, value, options)),
    delete: (key: string) => kvCall(() => kv.delete(key)),
  } as unknown as KVNamespace;
  return { ...env, DB, DIRECTORY };
}

export class CodePool extends RealCodePool {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, faulty(env));
  }

  override async claim(request: ClaimRequest): Promise<ClaimOutcome> {
    this.#admit();
    return this.#answer("claimLost", await super.claim(request));
  }

  override async reveal(request: RevealRequest): Promise<ClaimOutcome> {
    this.#admit();
    return this.#answer("claimLost", await super.reveal(request));
  }

  override redeem(of: AskedOf, requests: RedeemRequest[]): RedeemOutcome[] {
    this.#admit();
    return this.#answer("checkoutLost", super.redeem(of, requests));
  }

  override hold(of: AskedOf, requests: HoldRequest[]): HoldOutcome[] {
    this.#admit();
    return this.#answer("checkoutLost", super.hold(of, requests));
  }

  override release(number: number): Hold | null {
    return this.#answer("checkoutLost", super.release(number));
  }

  override rollBack(number: number, reason: string): HeldRedemption | null {
    return this.#answer("checkoutLost", super.rollBack(number, reason));
  }

  #admit(): void {
    if (strikes("overloaded")) throw Object.assign(new Error("overloaded"), { overloaded: true });
  }

  #answer<T>(kind: "claimLost" | "checkoutLost", answer: T): T {
    // The object is thrown out with the write on its way: committed or not, nobody can tell.
    if (strikes("evicted")) this.ctx.abort("evicted");
    if (strikes(kind)) throw reset("the answer was lost");
    return answer;
  }

  override async giveBack(): Promise<StockAnswer | null> {
    const answer = await super.giveBack();
    if (strikes("giveBackLost")) throw reset("the answer was lost");
    return answer;
  }

  override async alarm(): Promise<void> {
    if (strikes("alarm")) throw new Error("the alarm failed before it began");
    await super.alarm();
    if (strikes("alarm")) throw new Error("the alarm failed at its end");
  }
}

export class BatchRunner extends RealBatchRunner {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, faulty(env));
  }
}

export class Herald extends RealHerald {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, faulty(env));
  }
}

export class UserEraser extends RealUserEraser {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, faulty(env));
  }
}

export default {
  async fetch(request, env, ctx) {
    if (new URL(request.url).pathname !== "/faults") {
      return worker.fetch(request, faulty(env), ctx);
    }
    if (request.method === "PUT") {
      const settings = await request.json<FaultSettings>();
      rates = settings.rates;
      random = new Random(settings.seed);
    }
    const counted = injected;
    injected = {};
    return Response.json(counted);
  },
  queue: (batch, env) => worker.queue(batch, faulty(env)),
} satisfies ExportedHandler<Env, News>;
