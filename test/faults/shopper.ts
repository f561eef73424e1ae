/** The checkout during a drop: what shops do with some of its codes, and what they are answered. */

import type { Random } from "../support/random.ts";
import type { CheckoutCall, CheckoutOperation, CheckoutOutcome } from "./checkout-history.ts";
import { now } from "./history.ts";
import type { CampaignPlan } from "./plan.ts";

/** Sends a request and reads the answer; rejects when there is none. */
export type Send = (
  route: string,
  body: object | undefined,
  headers: Record<string, string>,
) => Promise<{ status: number; body: Record<string, unknown> }>;

/** Orders that want the same code. */
const ORDERS = 3;
/** Calls for one code in a run: so many that it is spent and given back some times. */
const CALLS_MAX = 40;
/** Calls that are sent at once for one code. */
const BURST_MAX = 4;
/** How often some codes are spent in one request instead. */
const BULK_CHANCE = 0.1;
/** Short enough that most lapse within the run; now and then one that does not. */
const TTL_SECONDS = [1, 1, 1, 2, 3, 60] as const;

/** After what a code was told to be last: how often what is done with it; the rest is redeemed. */
const WEIGHTS: Record<string, Partial<Record<CheckoutCall["kind"], number>>> = {
  redeemed: { rollback: 0.6, hold: 0.1, validate: 0.1 },
  "rolled-back": { hold: 0.4, validate: 0.15, rollback: 0.1 },
  held: { hold: 0.25, release: 0.15, validate: 0.15, rollback: 0.05 },
  released: { hold: 0.45, validate: 0.15, release: 0.05 },
};

interface Shelf {
  campaign: number;
  plan: CampaignPlan;
  /** Whose each code is, as far as is known: null of one that may be nobody's. */
  codes: Map<string, string | null>;
  /** The code that is wanted just now. */
  focus: string | null;
}

/** What became of a request that was not answered. */
export function unanswered(error: unknown): { kind: "fail" } | { kind: "info"; why: string } {
  const cause = (error as { cause?: { code?: string } }).cause?.code;
  return cause === "ECONNREFUSED"
    ? { kind: "fail" }
    : { kind: "info", why: cause ?? String(error) };
}

export class Shopper {
  readonly random: Random;
  readonly #shelves: Shelf[];
  readonly #operations: CheckoutOperation[];
  readonly #send: Send;
  #keys = 0;

  constructor(options: {
    random: Random;
    campaigns: CampaignPlan[];
    operations: CheckoutOperation[];
    send: Send;
  }) {
    this.random = options.random;
    this.#operations = options.operations;
    this.#send = options.send;
    this.#shelves = options.campaigns.map((plan, campaign) => ({
      campaign,
      plan,
      codes: new Map(),
      focus: null,
    }));
  }

  /** Codes that exist, of which some may be claimed later: a few are brought along. */
  stock(campaign: number, codes: string[]): void {
    const shelf = this.#shelf(campaign);
    const { spentCodes, terms } = shelf.plan;
    const most = terms.redeemsUnclaimed ? Math.ceil(spentCodes / 3) : 1;
    for (let i = 0; i < most && codes.length > 0; i++)
      shelf.codes.set(this.random.pick(codes), null);
  }

  /** A user was given a code. */
  given(campaign: number, code: string, user: string): void {
    const { codes, plan } = this.#shelf(campaign);
    if (codes.has(code) || codes.size < plan.spentCodes) codes.set(code, user);
  }

  #shelf(campaign: number): Shelf {
    const shelf = this.#shelves[campaign];
    if (shelf === undefined) throw new Error(`No campaign ${campaign}`);
    return shelf;
  }

  #of(code: string): CheckoutOperation[] {
    return this.#operations.filter((operation) => operation.code === code);
  }

  /** Some calls at once for one code. */
  async act(campaign: number): Promise<void> {
    const shelf = this.#shelf(campaign);
    const open = [...shelf.codes.keys()].filter((code) => this.#of(code).length < CALLS_MAX);
    if (open.length === 0) return;
    if (shelf.focus === null || !open.includes(shelf.focus) || this.random.chance(0.15)) {
      shelf.focus = this.random.pick(open);
    }
    const code = shelf.focus;
    if (this.random.chance(BULK_CHANCE)) {
      const codes = new Set([code, this.random.pick(open), this.random.pick(open)]);
      await this.#redeemAll(shelf, [...codes]);
      return;
    }
    const calls = Array.from({ length: this.random.int(1, BURST_MAX) }, () =>
      this.#choose(shelf, code),
    );
    await Promise.all(calls.map(({ call, key }) => this.call(campaign, code, call, key)));
  }

  /** In the end: every code that was wanted is judged, spent and given back once more. */
  async settle(campaign: number): Promise<void> {
    for (const [code, user] of this.#shelf(campaign).codes) {
      await this.call(campaign, code, { kind: "validate", order: null, user });
      const last: CheckoutCall = { kind: "redeem", order: `${code} last`, hold: null, user };
      const outcome = await this.call(campaign, code, last);
      if (outcome.kind !== "redeemed") continue;
      const { redemption } = outcome;
      await this.call(campaign, code, { kind: "rollback", redemption, reason: "the last" });
      await this.call(campaign, code, last);
    }
  }

  /** What a shop may do next with the code, given what it was told so far. */
  #choose(shelf: Shelf, code: string): { call: CheckoutCall; key: string | null } {
    const random = this.random;
    const told = this.#of(code);
    // Whoever sends a key sends it again when they had no answer, or because they are not sure.
    const keyed = told.filter(({ idempotencyKey }) => idempotencyKey !== null);
    if (keyed.length > 0 && random.chance(0.25)) {
      const again = random.pick(keyed);
      return { call: again, key: again.idempotencyKey };
    }
    const redemptions = idsOf(told, "redemption");
    const holds = idsOf(told, "hold");
    const order = `${code} ${random.int(1, ORDERS)}`;
    const user = this.#bringer(shelf, code);
    const key = random.chance(0.3) ? `order-${(this.#keys += 1)}` : null;
    switch (this.#kindFor(told)) {
      case "rollback": {
        // Mostly the newest: it is the one that may stand.
        const redemption = random.chance(0.8) ? redemptions.at(-1) : random.pick(redemptions);
        if (redemption === undefined) break;
        const reason = `reason ${random.int(1, 1_000)}`;
        return { call: { kind: "rollback", redemption, reason }, key: null };
      }
      case "release": {
        const hold = holds.at(-1);
        if (hold === undefined) break;
        return { call: { kind: "release", hold }, key: null };
      }
      case "validate": {
        const bare = random.chance(0.5) ? null : order;
        return { call: { kind: "validate", order: bare, user }, key: null };
      }
      case "hold": {
        const ttlMs = random.pick(TTL_SECONDS) * 1_000;
        return { call: { kind: "hold", order, ttlMs, user }, key };
      }
      case "redeem":
    }
    const hold = holds.length > 0 && random.chance(0.3) ? random.pick(holds) : null;
    return { call: { kind: "redeem", order, hold, user }, key };
  }

  /** What is done with a code as it was told to be last: what is spent is soon given back. */
  #kindFor(told: CheckoutOperation[]): CheckoutCall["kind"] {
    const last =
      told.findLast(({ outcome }) => outcome.kind in WEIGHTS)?.outcome.kind ?? "released";
    const weights = Object.entries(WEIGHTS[last] ?? {}) as [CheckoutCall["kind"], number][];
    let dice = this.random.next();
    for (const [kind, share] of weights) {
      dice -= share;
      if (dice < 0) return kind;
    }
    return "redeem";
  }

  /** Who is said to bring the code: mostly whoever the campaign asks for. */
  #bringer({ plan, codes }: Shelf, code: string): string | null {
    const holder = codes.get(code) ?? null;
    const isTold = this.random.chance(plan.terms.isHolderOnly ? 0.95 : 0.3);
    if (!isTold) return null;
    return this.random.chance(0.05) ? `u-${this.random.int(1, plan.users)}` : holder;
  }

  /** Calls once, and records what the caller saw. */
  async call(
    campaign: number,
    code: string,
    call: CheckoutCall,
    idempotencyKey: string | null = null,
  ): Promise<CheckoutOutcome> {
    const invoked = now();
    const outcome = await this.#ask(code, call, idempotencyKey);
    const seen = { campaign, code, idempotencyKey, invoked, returned: now(), outcome };
    // What it was called with may be a call of before, with what came of that.
    this.#operations.push({ ...call, ...seen });
    return outcome;
  }

  /** Spends codes in one request: each is an operation of its own. */
  async #redeemAll({ campaign }: Shelf, codes: string[]): Promise<void> {
    const items = codes.map((code) => {
      const order = `${code} ${this.random.int(1, ORDERS)}`;
      return { code, call: { kind: "redeem", order, hold: null, user: null } as const };
    });
    const redemptions = items.map(({ code, call }) => ({ code, order_id: call.order }));
    const invoked = now();
    const answer = await this.#send("POST /v1/codes/bulk-redeem", { redemptions }, {}).catch(
      unanswered,
    );
    const returned = now();
    for (const [i, { code, call }] of items.entries()) {
      const outcome = "kind" in answer ? answer : bulkOutcomeOf(answer.status, answer.body, i);
      const seen = { campaign, code, idempotencyKey: null, invoked, returned, outcome };
      this.#operations.push({ ...call, ...seen });
    }
  }

  async #ask(code: string, call: CheckoutCall, key: string | null): Promise<CheckoutOutcome> {
    const headers: Record<string, string> = key === null ? {} : { "Idempotency-Key": key };
    const [route, body] = requestOf(code, call);
    try {
      const answer = await this.#send(route, body, headers);
      return outcomeOf(call, answer.status, answer.body);
    } catch (error) {
      return unanswered(error);
    }
  }
}

/** Ids that the calls were told, first to last. */
function idsOf(told: CheckoutOperation[], name: "redemption" | "hold"): string[] {
  const ids = told.map(({ outcome }) => Reflect.get(outcome, name) as string | undefined);
  return [...new Set(ids.filter((id) => id !== undefined))];
}

function requestOf(code: string, call: CheckoutCall): [route: string, body: object | undefined] {
  const user = "user" in call && call.user !== null ? { user_id: call.user } : {};
  switch (call.kind) {
    case "redeem": {
      const hold = call.hold === null ? {} : { hold_id: call.hold };
      return ["POST /v1/redemptions", { code, order_id: call.order, ...hold, ...user }];
    }
    case "hold":
      return [
        "POST /v1/holds",
        { code, order_id: call.order, ttl_seconds: call.ttlMs / 1_000, ...user },
      ];
    case "rollback":
      return [`POST /v1/redemptions/${call.redemption}/rollback`, { reason: call.reason }];
    case "release":
      return [`DELETE /v1/holds/${call.hold}`, undefined];
    case "validate": {
      const order = call.order === null ? {} : { order_id: call.order };
      return ["POST /v1/codes/validate", { code, ...order, ...user }];
    }
  }
}

function outcomeOf(
  { kind }: CheckoutCall,
  status: number,
  body: Record<string, unknown>,
): CheckoutOutcome {
  const text = (name: string) => String(body[name]);
  // As it was answered first, whatever became of it since.
  const isAs = (wanted: string) => text("status") === wanted;
  // Too many wrong codes: nothing was done.
  if (status === 429) return { kind: "fail" };
  if (status === 404 && (kind === "rollback" || kind === "release")) {
    return { kind: "refused", reason: "not-found" };
  }
  if (status === 204) return { kind: "released" };
  if (status !== 200 && status !== 201) {
    return typeof body["reason"] === "string"
      ? { kind: "refused", reason: body["reason"] }
      : { kind: "info", why: `status ${status}` };
  }
  switch (kind) {
    case "redeem":
      return isAs("redeemed")
        ? { kind: "redeemed", status, redemption: text("id") }
        : { kind: "info", why: `status ${status} ${text("status")}` };
    case "hold":
      return { kind: "held", status, hold: text("id"), expiresAt: Date.parse(text("expires_at")) };
    case "rollback": {
      const at = isAs("rolled_back") ? Date.parse(text("rolled_back_at")) : NaN;
      return { kind: "rolled-back", at, reason: text("rollback_reason") };
    }
    case "validate":
      return body["valid"] === true
        ? { kind: "valid" }
        : { kind: "refused", reason: text("reason") };
    case "release":
      return { kind: "info", why: `status ${status}` };
  }
}

/** What a request that spends several codes says of one of them. */
function bulkOutcomeOf(status: number, body: Record<string, unknown>, at: number): CheckoutOutcome {
  if (status === 429) return { kind: "fail" };
  if (status !== 200) return { kind: "info", why: `status ${status}` };
  type Verdict = { result: string; reason: string; redemption: { id: string } | null };
  const verdict = (body["data"] as Verdict[])[at];
  if (verdict?.redemption == null) return { kind: "refused", reason: verdict?.reason ?? "" };
  const isNew = verdict.result === "redeemed";
  return { kind: "redeemed", status: isNew ? 201 : 200, redemption: verdict.redemption.id };
}
