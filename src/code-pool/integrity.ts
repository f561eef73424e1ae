/**
 * The ledger of every shard held against the inventory in D1. Reads in pages: memory stays flat.
 */

import type { CampaignRow } from "../db/campaigns.ts";
import { shardOf } from "../domain/claim.ts";
import { takeCensus, usersAboveLimit } from "../inventory/census.ts";
import { compareClaims } from "../inventory/projection.ts";
import { toShow } from "./outbox.ts";
import { poolsOf } from "./stub.ts";

/** Claims compared at a time: about 1 MB of JSON where users' ids are as long as they may be. */
const PAGE = 1_000;

const LOOKS_MAX = 3;
const LOOK_REST_MS = 250;

export interface Integrity {
  ok: boolean;
  codes: number;
  available: number;
  leased: number;
  claimed: number;
  duplicateCodes: number;
  duplicateUsers: number;
  stranded: number;
  unprojected: number;
}

/**
 * `codes = available + leased + claimed` holds in every answer, also while claims go on: the leases
 * are read first, in one transaction with the counts, and the pools' accounts are taken of just
 * those.
 */
export async function checkIntegrity(env: Env, campaign: CampaignRow): Promise<Integrity> {
  // Blocks that move between shards while they are counted look like an error: look again.
  for (let look = 1; ; look++) {
    const found = await lookOnce(env, campaign);
    if (found.ok || look === LOOKS_MAX) return found;
    await scheduler.wait(LOOK_REST_MS);
  }
}

async function lookOnce(env: Env, campaign: CampaignRow): Promise<Integrity> {
  const pools = poolsOf(env, campaign);
  await Promise.all(pools.map(({ call }) => call((pool) => pool.showClaims())));

  const census = await takeCensus(env.DB, campaign.id);
  const totals = { leased: 0, claimed: 0, stranded: 0, duplicateCodes: 0, unprojected: 0 };
  let ledgerClaims = 0;
  let excessClaims = 0;
  for (const { shard, call } of pools) {
    const report = await call((pool) => pool.report());
    ledgerClaims += report.claims;
    const use = new Map(report.leases.map((lease) => [lease.leaseId, lease]));
    for (const { id, size } of census.leases.filter((lease) => lease.shard === shard)) {
      const held = use.get(id);
      if (held === undefined && id !== report.pendingLeaseId) totals.stranded += size;
      if (held !== undefined && size !== held.size) {
        // Codes given back are the pool's in D1's eyes until D1 has confirmed it.
        totals.stranded += Math.abs(size - held.size - held.returning);
      }
      totals.claimed += held?.spent ?? 0;
      totals.leased += size - (held?.spent ?? 0);
    }

    let compared = 0;
    for (let after = 0; after < report.claims;) {
      const page = await call((pool) => pool.listPlacedClaims(after, PAGE));
      const claims = page.filter(({ slot }) => slot <= report.claims);
      const last = claims.at(-1);
      if (last === undefined) break;
      const difference = await compareClaims(
        env.DB,
        claims.map((claim) => toShow(campaign.id, claim)),
      );
      totals.unprojected += difference.missing;
      totals.duplicateCodes += difference.contradicted;
      // A user's claim above the limit, or on a shard where the user's others could not be seen.
      excessClaims += claims.filter(
        ({ userKey, nth }) =>
          nth >= campaign.claimsPerUser || shardOf(userKey, campaign.shards) !== shard,
      ).length;
      compared += claims.length;
      after = last.slot;
    }
    // Slots have no gap, and every claim has a block: what was not listed is lost to the pool.
    totals.stranded += report.claims - compared;
  }
  const shownTwice = await usersAboveLimit(env.DB, campaign.id, campaign.claimsPerUser);
  const duplicateUsers = Math.max(shownTwice, excessClaims);
  const leasedInD1 = totals.leased + totals.claimed;
  const free = census.leases.reduce((sum, { shard, size }) => sum + (shard === null ? size : 0), 0);
  const ok =
    census.codes === census.created &&
    census.leased === leasedInD1 + free &&
    census.shown <= ledgerClaims &&
    totals.duplicateCodes + duplicateUsers + totals.stranded === 0;
  return {
    ok,
    codes: census.codes,
    available: census.codes - leasedInD1,
    leased: totals.leased,
    claimed: totals.claimed,
    duplicateCodes: totals.duplicateCodes,
    duplicateUsers,
    stranded: totals.stranded,
    unprojected: totals.unprojected,
  };
}
