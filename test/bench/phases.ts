/** What is measured. Each phase serves what it needs, and answers with plain results. */

import { setTimeout as pause } from "node:timers/promises";
import type { Count } from "./counters.ts";
import { Load, type Measured, type Shot } from "./load.ts";
import { Postgres } from "./postgres.ts";
import { interleave, type Contender, type Result } from "./rounds.ts";
import { BATCH_CODES, codesFor, type Scale } from "./scale.ts";
import { fillRival, rivalClaim, Shop } from "./shop.ts";
import { say, type Stage } from "./stage.ts";

export interface Contest {
  results: Record<
    "claim" | "noop" | "echo" | "write" | "ceiling" | "rival" | "rivalInApp",
    Result
  > & {
    postgres?: Result;
  };
  /** PostgreSQL's version, or why it is missing. */
  postgresNote: string;
}

/** Claims beside routes that do less, and beside others who claim. */
export async function contest(stage: Stage, shop: Shop, scale: Scale): Promise<Contest> {
  const { rounds, roundMs, inFlight } = scale;
  const codes = codesFor(rounds, roundMs);
  say(`${codes} codes for each who claims`);
  const campaign = await shop.newCampaign(codes);
  const rival = await stage.serveRival();
  await fillRival(rival.address, codes);
  await shop.fillRival(campaign, codes);
  const rivalLoad = new Load(rival.address, inFlight);
  const postgres = Postgres.start(stage, codes);
  const until = { ms: roundMs };
  if (typeof postgres === "string") say(`no PostgreSQL: ${postgres}`);
  const byHttp = (name: string, load: Load, next: () => Shot): Contender => ({
    name,
    round: () => load.run(next, until),
  });
  const contenders = {
    claim: byHttp("claim", shop.load, () => shop.claim(campaign)),
    noop: byHttp("no-op route", shop.load, () => shop.noop(campaign)),
    echo: byHttp("a claim not decided or stored", shop.load, () => shop.echo(campaign)),
    write: byHttp("no-op route, one row", shop.load, () => shop.write(campaign)),
    ceiling: byHttp("object alone, no app", shop.load, () => shop.ceiling(campaign)),
    rivalInApp: byHttp("D1 claims, same app", shop.load, () => shop.rival(campaign)),
    rival: byHttp("D1 UPDATE … RETURNING", rivalLoad, rivalClaim),
  };
  const withPostgres = (cluster: Postgres) => ({
    ...contenders,
    postgres: {
      name: "PostgreSQL SKIP LOCKED",
      round: () => Promise.resolve(cluster.claim(inFlight, roundMs)),
    },
  });
  const onRound = (text: string) => say(`contenders, ${text}`);
  let results: Contest["results"];
  if (typeof postgres === "string") results = await interleave(contenders, rounds, onRound);
  else {
    results = await interleave(withPostgres(postgres), rounds, onRound);
    postgres.check();
  }
  await rival.kill();
  return { results, postgresNote: typeof postgres === "string" ? postgres : postgres.version };
}

export interface Sizes {
  few: Result;
  many: Result;
  manyCodes: number;
  fillSeconds: number;
}

/**
 * What a small pool begins a round with. It is topped up for the next one instead of being made
 * anew: a new object's file still has to grow, which would flatter the large pool.
 */
const FEW_CODES = 1_000;
/** In each round: first some that do not count. */
const SIZE_WARM_UP = 100;
const SIZE_CLAIMS = 800;

/** A pool of many codes against one of 1,000, each on a server of its own. */
export async function sizes(stage: Stage, folder: string, scale: Scale): Promise<Sizes> {
  const { manyCodes, sizeRounds, inFlight } = scale;
  const small = await Shop.open(await stage.serve(folder, "few"), inFlight);
  const large = await Shop.open(await stage.serve(folder, "many"), inFlight);
  const few = await small.newCampaign(FEW_CODES - SIZE_WARM_UP - SIZE_CLAIMS);
  const start = performance.now();
  const many = await large.newCampaign(manyCodes, {
    onBatch: (made) => {
      if (made % (10 * BATCH_CODES) === 0) say(`${made} of ${manyCodes} codes`);
    },
  });
  const fillSeconds = (performance.now() - start) / 1000;
  async function round(shop: Shop, campaign: string): Promise<Measured> {
    const claim = () => shop.claim(campaign);
    await shop.load.run(claim, { requests: SIZE_WARM_UP });
    return shop.load.run(claim, { requests: SIZE_CLAIMS });
  }
  const results = await interleave(
    {
      few: {
        name: "claim, 1,000 codes",
        round: async () => {
          await small.runtime.api.addCodes(small.brand, few, SIZE_WARM_UP + SIZE_CLAIMS);
          return round(small, few);
        },
      },
      many: {
        name: `claim, ${manyCodes.toLocaleString("en")} codes`,
        round: () => round(large, many),
      },
    },
    sizeRounds,
    (text) => say(`sizes, ${text}`),
  );
  await Promise.all([small.runtime.kill(), large.runtime.kill()]);
  return { ...results, manyCodes, fillSeconds };
}

/** Claims in campaigns of 1, 2, 4 and 8 shards: a result for each. */
export async function shards(shop: Shop, scale: Scale): Promise<Record<string, Result>> {
  const { shardRounds, roundMs } = scale;
  const codes = codesFor(shardRounds, roundMs);
  say(`${codes} codes for each number of shards`);
  const contenders: Record<string, Contender> = {};
  for (const count of [1, 2, 4, 8]) {
    const campaign = await shop.newCampaign(codes, { shards: count });
    const claim = () => shop.claim(campaign);
    const round = () => shop.load.run(claim, { ms: roundMs });
    contenders[count] = { name: `claim, ${count} shards`, round };
  }
  return interleave(contenders, shardRounds, (text) => say(`shards, ${text}`));
}

export interface Batches {
  batch: Result;
  bare: Result;
}

/** POST …/batches against one insert of as many rows, drawn beforehand. In codes per second. */
export async function batches(shop: Shop, scale: Scale): Promise<Batches> {
  const { api } = shop.runtime;
  const campaign = await api.newCampaign(shop.brand, 0);
  const count = BATCH_CODES;
  async function timed(work: () => Promise<unknown>): Promise<Measured> {
    const start = performance.now();
    await work();
    const ms = performance.now() - start;
    return { done: count, seconds: ms / 1000, latencies: [ms] };
  }
  const contenders = {
    batch: {
      name: "POST …/batches",
      round: () => timed(() => api.addCodes(shop.brand, campaign, count)),
    },
    bare: {
      name: "bare INSERT … json_each",
      round: async () => {
        const asked = { campaignId: campaign, brandId: shop.brand.id, count };
        const { id } = await shop.ask<{ id: string }>("POST", "/bench/drawn", asked);
        return timed(() => shop.ask("POST", `/bench/drawn/${id}/insert`));
      },
    },
  };
  return interleave(contenders, scale.batchRounds, (text) => say(`batches, ${text}`));
}

export interface Rows {
  claims: number;
  /** Of `claims` claims under load, until D1 showed them all. */
  underLoad: Count[];
  loneClaims: number;
  /** Of claims that come one by one, so that none shares what tells D1. */
  alone: Count[];
  codes: number;
  /** Of one batch. */
  batch: Count[];
}

const LONE_CLAIMS = 5;
const LONE_CLAIM_MS = 700;
/** Claims before those that count: the pool is made, its first leases taken, the copies warm. */
const COUNT_WARM_UP = 1_000;
/** Longer than claims gather before D1 is told. */
const SETTLE_MS = 800;

/** Rows written, by statement, as the platform's own counters have them. */
export async function rows(shop: Shop, scale: Scale): Promise<Rows> {
  const claims = scale.countedClaims;
  const counts = () => shop.ask<Count[]>("GET", "/bench/tally");
  const reset = () => shop.ask<Count[]>("DELETE", "/bench/tally");
  async function settled(): Promise<Count[]> {
    for (let before = ""; ; await pause(SETTLE_MS)) {
      const now = await counts();
      if (JSON.stringify(now) === before) return now;
      before = JSON.stringify(now);
    }
  }
  const campaign = await shop.newCampaign(BATCH_CODES);
  await reset();
  await shop.runtime.api.addCodes(shop.brand, campaign, BATCH_CODES);
  const batch = await settled();
  const claim = () => shop.claim(campaign);
  await shop.load.run(claim, { requests: COUNT_WARM_UP });
  await settled();
  await reset();
  await shop.load.run(claim, { requests: claims });
  const underLoad = await settled();
  await reset();
  for (let lone = 0; lone < LONE_CLAIMS; lone++) {
    await shop.runtime.api.claim(shop.brand, campaign, `lone-${lone}`);
    await pause(LONE_CLAIM_MS);
  }
  const alone = await settled();
  return { claims, underLoad, loneClaims: LONE_CLAIMS, alone, codes: BATCH_CODES, batch };
}
