/** SIGKILL for the runtime between a claim's answer and its webhook, again and again. */

import { setTimeout as pause } from "node:timers/promises";
import { Random } from "../support/random.ts";
import type { Runtime } from "../support/runtime.ts";
import { require, until, type Figures, type Ground } from "./ground.ts";
import { repeats, requireComplete, requireSame, requireSound, Shop } from "./shop.ts";

const SPEEDUP = 1_000;
const IN_FLIGHT = 4;
const CLAIMS_BEFORE_KILL = 20;
/** From the last claim to the kill: into the pool's 200 ms, the queue's second, and the calls. */
const KILL_AFTER_MAX_MS = 2_500;
/** Of every fourth: while the word of a pool lies in the queue, and is lost with it. */
const IN_THE_QUEUE_MS = [450, 700] as const;
/** A pool repeats its word after 10 s, and a busy machine takes its time to start. */
const SETTLED_MS = 60_000;
const CODES = 5_000;
/** After so many starts nobody calls the runtime: what it does then it does by itself. */
const SILENT_EVERY = 2;

interface Round {
  shop: Shop;
  campaign: string;
  afterMs: number;
  /** Whether a claim is under way when it is killed. Its pool has something new after the start. */
  withCall: boolean;
}

/** Claims until the runtime is killed, a random time after so many were answered. */
async function claimUntilKilled(
  runtime: Runtime,
  { shop, campaign, afterMs, withCall }: Round,
): Promise<void> {
  const goal = shop.claims.length + CLAIMS_BEFORE_KILL;
  const claimer = async () => {
    while (shop.claims.length < goal) {
      require((await shop.claim(campaign)) !== null, "each claim gets a 201");
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, claimer));
  await pause(afterMs);
  // Whether it happened is unknown, unless it was answered.
  const last = withCall ? shop.claim(campaign).catch(() => null) : null;
  await runtime.kill();
  await last;
}

export async function kills(
  ground: Ground,
  { rounds, seed }: { rounds: number; seed: number },
): Promise<Figures> {
  const random = new Random(seed);
  const serve = () => ground.serve("kills", { speedup: SPEEDUP });
  let runtime = await serve();
  const shop = await Shop.open(runtime.api);
  const inbox = await ground.inbox("kills");
  await shop.addEndpoint(inbox, ["*"], { behaviour: "slow" });
  const campaign = await shop.api.newCampaign(shop.brand, CODES, { shards: 2 });
  const missingAtKill: number[] = [];
  const silences: number[] = [];
  const allArrive = (what: string) =>
    until(what, SETTLED_MS, async () => claimsIn(await inbox.heard()) >= shop.claims.length);
  for (let round = 1; round <= rounds; round++) {
    const isSilent = round === rounds || round % SILENT_EVERY === 0;
    const isInQueue = round % 4 === 2;
    // Else what is left from before would have the sender at work already.
    if (isInQueue) await allArrive("every claim arrives before a round");
    const [min, max] = isInQueue ? IN_THE_QUEUE_MS : [0, KILL_AFTER_MAX_MS];
    const afterMs = random.int(min, max);
    await claimUntilKilled(runtime, { shop, campaign, afterMs, withCall: !isSilent });
    missingAtKill.push(shop.claims.length - claimsIn(await inbox.heard()));
    runtime = await serve();
    shop.api = runtime.api;
    if (!isSilent) continue;
    const began = performance.now();
    await allArrive("every claim that was answered arrives, with no call");
    silences.push(performance.now() - began);
  }
  await until("everything of the log arrives", SETTLED_MS, async () => {
    return (await shop.log()).length === (await inbox.counts()).takenIds;
  });
  const [log, heard] = [await shop.log(), await inbox.heard()];
  requireComplete(log, campaign, shop.claims);
  requireSound(heard);
  requireSame(heard, log);
  await runtime.kill();
  require(missingAtKill.some((count) => count > 0), "kills come before deliveries");
  return {
    kills: rounds,
    "claims answered with 201": shop.claims.length,
    "not delivered yet when killed": missingAtKill.join(" "),
    "events in the log": log.length,
    received: heard.length,
    "calls of an event beyond its first": repeats(heard),
    "to deliver all after a start, with no call, s": silences
      .map((ms) => (ms / 1_000).toFixed(1))
      .join(" "),
  };
}

function claimsIn(heard: { body: string; taken: number }[]): number {
  return heard.filter(({ body, taken }) => taken > 0 && body.includes('"claim.created"')).length;
}
