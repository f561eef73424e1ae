/**
 * One brand's webhooks and claims, beside another brand's dead receiver with much to deliver. The
 * other brand's users claim all the while: what differs is its receiver, and not the load.
 */

import { setTimeout as pause } from "node:timers/promises";
import { require, until, type Figures, type Ground, type Inbox } from "./ground.ts";
import { Shop, type Endpoint, type Told } from "./shop.ts";

/**
 * Faster than in truth, so that the dead endpoint is called without pause for all of the run, but
 * not so fast that it is disabled meanwhile: that takes 72 minutes.
 */
const SPEEDUP = 100;
const SETTLED_MS = 60_000;
const RATIO_MAX = 1.25;
/** Between two claims of the measured brand, and in their midst one of the other. */
const PACE_MS = 125;
const IN_FLIGHT = 32;

export interface Scale {
  backlog: number;
  /** Pairs of phases, without and with the dead receiver. */
  pairs: number;
  claimsPerPhase: number;
}

interface Latencies {
  claims: number[];
  /** From a claim's answer to its webhook. */
  deliveries: number[];
}

const ofNone = (): Latencies => ({ claims: [], deliveries: [] });

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

interface Place {
  shop: Shop;
  campaign: string;
  inbox: Inbox;
  other: { shop: Shop; campaign: string };
}

/** One claim after the other, each with how long it and its webhook took. */
async function measure(place: Place, count: number, into: Latencies): Promise<void> {
  const { shop, campaign, inbox, other } = place;
  const answeredAt = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    const claim = await shop.claim(campaign);
    into.claims.push(performance.now() - began);
    require(claim !== null, "each claim gets a 201");
    answeredAt.set(claim?.id ?? "", Date.now());
    await pause(Math.max(0, began + PACE_MS / 2 - performance.now()));
    require((await other.shop.claim(other.campaign)) !== null, "each claim gets a 201");
    await pause(Math.max(0, began + PACE_MS - performance.now()));
  }
  await until("every claim of the phase arrives", SETTLED_MS, async () => {
    return (await inbox.counts()).takenIds === shop.claims.length;
  });
  for (const { body, calls } of await inbox.heard()) {
    const since = answeredAt.get((JSON.parse(body) as Told).data.claim_id ?? "");
    const [first] = calls;
    if (since !== undefined && first !== undefined) into.deliveries.push(first.at - since);
  }
}

/** Has so many claims told to the dead receiver; how many deliveries are pending then. */
async function pileUp({ shop, campaign }: Place["other"], dead: Endpoint, backlog: number) {
  await shop.claimMany(campaign, backlog, IN_FLIGHT);
  const path = `/v1/deliveries?endpoint_id=${dead.id}&status=pending`;
  let pending = 0;
  await until("the backlog is taken in", SETTLED_MS, async () => {
    pending = (await shop.api.listAll(shop.brand.secret, path)).length;
    return pending === backlog;
  });
  require((await dead.inbox.counts()).calls > 0, "the dead receiver is called");
  return pending;
}

export async function isolation(ground: Ground, scale: Scale): Promise<Figures> {
  const runtime = await ground.serve("isolation", { speedup: SPEEDUP });
  const shop = await Shop.open(runtime.api);
  const inbox = await ground.inbox("isolation-alive");
  await shop.addEndpoint(inbox, ["claim.created"]);
  const perPhase = scale.claimsPerPhase;
  const measured = perPhase * (2 * scale.pairs + 3);
  const campaign = await runtime.api.newCampaign(shop.brand, measured);
  const otherShop = await Shop.open(runtime.api);
  const otherCampaign = await runtime.api.newCampaign(otherShop.brand, measured);
  await runtime.api.addCodes(otherShop.brand, otherCampaign, scale.backlog);
  const other = { shop: otherShop, campaign: otherCampaign };
  const place = { shop, campaign, inbox, other };
  // The first is to warm up.
  await measure(place, perPhase, ofNone());
  const [before, without, beside] = [ofNone(), ofNone(), ofNone()];
  await measure(place, perPhase, before);
  await measure(place, perPhase, before);

  const deadInbox = await ground.inbox("isolation-dead");
  const dead = await otherShop.addEndpoint(deadInbox, ["claim.created"], { behaviour: "dead" });
  const pending = await pileUp(other, dead, scale.backlog);
  const setDead = (status: string) =>
    otherShop.send(`PATCH /v1/webhook-endpoints/${dead.id}`, { status });
  for (let pair = 0; pair < scale.pairs; pair++) {
    await measure(place, perPhase, beside);
    await setDead("disabled");
    await measure(place, perPhase, without);
    await setDead("enabled");
  }
  const { calls, takenIds } = await deadInbox.counts();
  require(takenIds === 0, "the dead receiver took nothing");
  await runtime.kill();

  const quiet = {
    claims: [...before.claims, ...without.claims],
    deliveries: [...before.deliveries, ...without.deliveries],
  };
  const ratio = (of: keyof Latencies) => median(beside[of]) / median(quiet[of]);
  const inMs = (values: number[]) => median(values).toFixed(1);
  const figures = {
    "pending for the dead receiver": pending,
    "calls of it meanwhile": calls,
    "claims measured, without + beside it": `${quiet.claims.length} + ${beside.claims.length}`,
    "claim to webhook before it, median ms": inMs(before.deliveries),
    "claim to webhook while it is disabled, median ms": inMs(without.deliveries),
    "claim to webhook beside it, median ms": inMs(beside.deliveries),
    ratio: ratio("deliveries").toFixed(3),
    "claim without it, median ms": inMs(quiet.claims),
    "claim beside it, median ms": inMs(beside.claims),
    "ratio of claims": ratio("claims").toFixed(3),
  };
  require(ratio("deliveries") <= RATIO_MAX, `webhooks beside a dead receiver: ${figures.ratio}`);
  return figures;
}
