/** Letting the pools decide what becomes of codes for orders. */

import type { Context } from "hono";
import type {
  AskedOf,
  CheckoutOutcome,
  CheckoutRequest,
  RequestKey,
} from "../code-pool/messages.ts";
import { bindBrandKey, poolCampaign, poolOfShard, type Pool } from "../code-pool/stub.ts";
import type { CampaignRow } from "../db/campaigns.ts";
import type { RefusalReason } from "../domain/redemption.ts";
import { markOutside } from "../inventory/find-codes.ts";
import { brakeMisses, findAsked, unheldReason, userKeyIn, type Asked } from "./checkout.ts";
import { inventoryOfKey, type HttpEnv } from "./http-env.ts";
import { findRequestKey } from "./idempotency.ts";
import { ProblemError } from "./problems.ts";
import { byPool, noteHeld, refusedCode, type KnownCode } from "./typed-code.ts";

export type Ordered = Asked & { order_id: string };

/** What is asked of the pools: a code has a request, which is `Fields` beside what all have. */
interface Asking<Fields, Made> {
  keyOf: (campaign: CampaignRow, userKey: string | null) => Promise<RequestKey | null>;
  fieldsOf: (code: KnownCode, at: number) => Fields & Pick<CheckoutRequest, "refusal">;
  call: (
    pool: Pool,
    of: AskedOf,
    requests: (CheckoutRequest & Fields)[],
  ) => Promise<CheckoutOutcome<Made>[]>;
}

export interface Decided<Made> {
  outcome: CheckoutOutcome<Made>;
  /** Where it was decided. */
  shard: number;
  /** Null of a code that is unknown. */
  campaign: CampaignRow | null;
}

interface OnItsWay<Fields> extends KnownCode {
  at: number;
  request: CheckoutRequest & Fields;
}

/**
 * What becomes of each code, in the order asked. One that nobody has is first marked in D1 as
 * handed out elsewhere, where the campaign allows that: from then on it is given to nobody.
 * Rejects when a pool does not answer. Safe to repeat: so is all that pools do.
 */
export async function decide<Fields, Made>(
  c: Context<HttpEnv>,
  asked: readonly Ordered[],
  asking: Asking<Fields, Made>,
): Promise<Decided<Made>[]> {
  const codes = await findAsked(c, asked);
  const decided = codes.map((code): Decided<Made> => refused(code, "unknown"));
  const requests = await requestsOf(codes, asked, asking);
  const lying = requests.filter(({ found }) => found.shard !== null);
  const free = requests.filter(({ found }) => found.shard === null);
  const first = [...lying, ...(await takenOut(c.env, free, decided))];
  await askPools(c.env, first, asking, decided);
  const unheld = lying.filter(
    ({ at, found }) => !found.isOutside && isRefused(decided[at], "not-claimed"),
  );
  await askPools(c.env, await takenOut(c.env, unheld, decided), asking, decided);

  for (const [at, code] of codes.entries()) {
    const one = asked[at];
    const isHeld = code !== null && "isReplay" in (decided[at]?.outcome ?? {});
    if (isHeld && one !== undefined) noteHeld(c, one, code);
  }
  const misses = brakeMisses(c, asked, (at) => isRefused(decided[at], "not-yours"));
  // Of several, those that were decided must be answered.
  await (asked.length === 1 ? misses : misses.catch(() => undefined));
  return decided;
}

/** What was made, or throws why nothing was. */
export function requireMade<Made>(decided: Decided<Made> | undefined) {
  const { outcome, shard, campaign } = decided ?? {};
  if (outcome?.kind === "key-reused") throw new ProblemError("idempotency-key-reused");
  if (outcome?.kind === "refused") throw refusedCode(outcome.reason);
  if (outcome === undefined || shard === undefined || campaign == null) {
    throw new Error("A code without an outcome");
  }
  return { outcome, shard, campaign };
}

/**
 * The key that the request may be repeated by, or null. Of one mode, as the codes are. `body` names
 * the user by their key, so that what is kept of it does not tell who it was once they are erased.
 */
export async function orderKey(
  c: Context<HttpEnv>,
  brandId: string,
  body: object,
): Promise<RequestKey | null> {
  const key = await findRequestKey(c, [inventoryOfKey(c), `POST ${c.req.routePath}`], body);
  if (key !== null && !(await bindBrandKey(c.env, brandId, key))) {
    throw new ProblemError("idempotency-key-reused");
  }
  return key;
}

function refused(code: KnownCode | null, reason: RefusalReason): Decided<never> {
  const { found, campaign = null } = code ?? {};
  return { outcome: { kind: "refused", reason }, shard: found?.shard ?? 0, campaign };
}

function isRefused(decided: Decided<unknown> | undefined, reason: string): boolean {
  const outcome = decided?.outcome;
  return outcome?.kind === "refused" && outcome.reason === reason;
}

async function requestsOf<Fields>(
  codes: readonly (KnownCode | null)[],
  asked: readonly Ordered[],
  { keyOf, fieldsOf }: Pick<Asking<Fields, unknown>, "keyOf" | "fieldsOf">,
): Promise<OnItsWay<Fields>[]> {
  const attempt = crypto.randomUUID();
  const requests: OnItsWay<Fields>[] = [];
  for (const [at, code] of codes.entries()) {
    const one = asked[at];
    if (code === null || one === undefined) continue;
    const { found, campaign } = code;
    const userKey = await userKeyIn(campaign, one);
    const request = {
      place: { batchId: found.batchId, ordinal: found.ordinal },
      code: found.code,
      orderId: one.order_id,
      userKey,
      revokedAt: found.revokedAt,
      isOutside: found.isOutside,
      key: await keyOf(campaign, userKey),
      attempt,
      ...fieldsOf(code, at),
    };
    requests.push({ found, campaign, at, request });
  }
  return requests;
}

/**
 * Of codes that nobody has, those that may be spent all the same: marked as handed out elsewhere.
 * Why the others are refused is noted; they stay in the stock.
 */
async function takenOut<Fields>(
  env: Env,
  requests: readonly OnItsWay<Fields>[],
  decided: Decided<unknown>[],
): Promise<OnItsWay<Fields>[]> {
  const due = requests.filter((one) => {
    const reason = unheldReason(one, one.request.refusal);
    if (reason !== null) decided[one.at] = refused(one, reason);
    return reason === null;
  });
  const places = due.map(({ found: { batchId, ordinal }, campaign }) => {
    // Where no pool has leased it, they share such codes by their places.
    return { batchId, ordinal, shard: ordinal % campaign.shards };
  });
  const answers = await markOutside(env.DB, places);
  const taken: OnItsWay<Fields>[] = [];
  for (const [i, one] of due.entries()) {
    const now = answers[i];
    if (now === undefined) throw new Error("D1 answered less than it was asked");
    const { isOutside, revokedAt } = now;
    if (revokedAt !== null) decided[one.at] = refused(one, "revoked");
    const request = { ...one.request, isOutside, revokedAt };
    taken.push({ ...one, found: { ...one.found, ...now }, request });
  }
  return taken;
}

async function askPools<Fields, Made>(
  env: Env,
  requests: readonly OnItsWay<Fields>[],
  { call: ask }: Asking<Fields, Made>,
  decided: Decided<Made>[],
): Promise<void> {
  await Promise.all(
    byPool(requests).map(async ([shard, mine]) => {
      const [first] = mine;
      if (first === undefined) return;
      const of = { campaign: poolCampaign(first.campaign), shard };
      const { call } = poolOfShard(env, first.campaign, shard);
      const outcomes = await call((pool) =>
        ask(
          pool,
          of,
          mine.map(({ request }) => request),
        ),
      );
      for (const [i, { at, campaign }] of mine.entries()) {
        const outcome = outcomes[i];
        if (outcome === undefined) throw new Error("A pool answered less than it was asked");
        const { found } = mine[i] ?? {};
        const isNobodys = outcome.kind === "refused" && outcome.reason === "not-claimed";
        const isRevoked = isNobodys && found?.revokedAt != null;
        decided[at] = isRevoked
          ? { outcome: { kind: "refused", reason: "revoked" }, shard, campaign }
          : { outcome, shard, campaign };
      }
    }),
  );
}
