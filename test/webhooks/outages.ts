/** Claims while receivers are down, then fail in every way at random, then are well. */

import { until, type Figures, type Ground, type Inbox } from "./ground.ts";
import type { Counts } from "./receiver.ts";
import { repeats, requireComplete, requireSame, requireSound, Shop, type Told } from "./shop.ts";

/**
 * A whole schedule in 150 s, and disabled after 216: nothing is given up within a run, and what
 * failed most often comes again within 20 s.
 */
const SPEEDUP = 2_000;
/** With time-outs of 15 s among them, on a busy machine. */
const SETTLED_MS = 300_000;
/** After the last answer, until the service has noted it. */
const NOTED_MS = 10_000;
/** So many failures in a row are no accident any more, and the service probes. */
const CALLS_WHILE_DOWN = 8;
/** Of the claims' webhooks: so many get through before all is well. */
const TAKEN_AT_RANDOM = 0.75;
/** Spent beside the claims, so that the log has more than one kind of event. */
const REDEMPTIONS_PER_CLAIM = 0.05;

const WAYS = ["down", "500", "429", "cut", "hang"];

/** Whether it has failed in each way, and as often as it may in the one that takes long. */
function hasSeenAll({ did, takenIds }: Counts, hangs: number, claims: number): boolean {
  if (WAYS.some((way) => (did[way] ?? 0) === 0) || (did["hang"] ?? 0) < hangs) return false;
  return takenIds >= claims * TAKEN_AT_RANDOM;
}

export async function outages(
  ground: Ground,
  { claims, hangs, seed }: { claims: number; hangs: number; seed: number },
): Promise<Figures> {
  const runtime = await ground.serve("outages", { speedup: SPEEDUP });
  const { api } = runtime;
  const shop = await Shop.open(api);
  const all = await ground.inbox("outages-all");
  const some = await ground.inbox("outages-claims");
  const both = [all, some];
  await shop.addEndpoint(all, ["*"], { behaviour: "down", seed });
  await shop.addEndpoint(some, ["claim.created"], { behaviour: "down", seed: seed + 1 });
  const campaign = await api.newCampaign(shop.brand, claims, { shards: 2 });

  await shop.claimMany(campaign, claims / 2);
  for (const inbox of both) {
    await until("a receiver is called while it is down", SETTLED_MS, async () => {
      return ((await inbox.counts()).did["down"] ?? 0) >= CALLS_WHILE_DOWN;
    });
  }
  for (const inbox of both) await inbox.set({ behaviour: "random", hangsMax: hangs });
  await shop.claimMany(campaign, claims / 2);
  for (const { code } of shop.claims.slice(0, claims * REDEMPTIONS_PER_CLAIM)) {
    await shop.send("POST /v1/redemptions", { code, order_id: `order of ${code}` });
  }
  for (const inbox of both) {
    await until("a receiver fails in every way", SETTLED_MS, async () =>
      hasSeenAll(await inbox.counts(), hangs, claims),
    );
    await inbox.set({ behaviour: "healthy" });
  }
  const wellAt = performance.now();
  const log = await settledLog(shop, all, some);
  const tailMs = performance.now() - wellAt;

  const heard = [await all.heard(), await some.heard()] as const;
  const ofClaims = log.filter(({ type }) => type === "claim.created");
  requireComplete(log, campaign, shop.claims);
  requireSound(heard.flat());
  requireSame(heard[0], log);
  requireSame(heard[1], ofClaims);
  await requireNoneLeft(shop);
  const counts = [await all.counts(), await some.counts()];
  await runtime.kill();
  const waited = counts.flatMap((each) => each.waited);
  return {
    "claims answered with 201": shop.claims.length,
    "events in the log": log.length,
    "of types": new Set(log.map(({ type }) => type)).size,
    'received by ["*"] + ["claim.created"]': heard.map(({ length }) => length).join(" + "),
    ...Object.fromEntries(
      WAYS.map((way) => [`calls: ${way}`, counts.map(({ did }) => did[way] ?? 0).join(" + ")]),
    ),
    "longest hang, s": (Math.max(...waited) / 1_000).toFixed(1),
    "calls of an event beyond its first": heard.map(repeats).join(" + "),
    "from well to all delivered, s": (tailMs / 1_000).toFixed(1),
  };
}

/** The log, once it has every claim and the receivers have all of it. */
async function settledLog(shop: Shop, all: Inbox, some: Inbox): Promise<Told[]> {
  let log: Told[] = [];
  await until("everything arrives", SETTLED_MS, async () => {
    if ((await some.counts()).takenIds < shop.claims.length) return false;
    log = await shop.log();
    return (await all.counts()).takenIds === log.length;
  });
  return log;
}

/** What the service says itself: nothing pending, nothing given up. */
async function requireNoneLeft(shop: Shop): Promise<void> {
  for (const status of ["pending", "failed"]) {
    await until(`no delivery is ${status}`, NOTED_MS, async () => {
      const left = await shop.send<{ data: unknown[] }>(`GET /v1/deliveries?status=${status}`);
      return left.data.length === 0;
    });
  }
}
