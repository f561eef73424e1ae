/**
 * The ledger of every shard held against the inventory in D1. Reads in pages: memory stays flat.
 */

import type { CampaignRow } from "../db/campaigns.ts";
import { shardOf } from "../domain/claim.ts";
import { takeCensus, usersAboveLimit, type Census } from "../inventory/census.ts";
import { compareClaims } from "../inventory/projection.ts";
import type { PoolReport } from "./messages.ts";
import { toShow } from "./outbox.ts";
import { poolsOf, showAllClaims } from "./stub.ts";

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
  /** Codes that nobody has and nobody gets. */
  revoked: number;
  duplicateCodes: number;
  duplicateUsers: number;
  stranded: number;
  unprojected: number;
}

/**
 * `codes = available + leased + claimed + revoked` holds in every answer, also while claims go on:
 * the leases are read first, in one transaction with the counts, and the pools' accounts are taken
 * of just those.
 */
export async function checkIntegrity(env: Env, campaign: CampaignRow): Promise<Integrity> {
  // Blocks that move between shards while they are counted look like an error: look again.
  for (let look = 1; ; look++) {
    const found = await lookOnce(env, campaign);
    if (found.ok || look === LOOKS_MAX) return found;
    await scheduler.wait(LOOK_REST_MS);
  }
}

/** What is added up over all shards. */
interface Totals {
  leased: number;
  claimed: number;
  revoked: number;
  stranded: number;
  duplicateCodes: number;
  unprojected: number;
  ledgerClaims: number;
  excessClaims: number;
}

async function lookOnce(env: Env, campaign: CampaignRow): Promise<Integrity> {
  const pools = poolsOf(env, campaign);
  await showAllClaims(env, campaign);

  const census = await takeCensus(env.DB, campaign.id);
  const totals: Totals = {
    leased: 0,
    claimed: 0,
    revoked: census.revoked,
    stranded: 0,
    duplicateCodes: 0,
    unprojected: 0,
    ledgerClaims: 0,
    excessClaims: 0,
  };
  for (const pool of pools) {
    const report = await pool.call((stub) => stub.report());
    const leases = census.leases.filter(({ shard }) => shard === pool.shard);
    accountForLeases(totals, leases, report);
    await compareLedger(totals, { env, campaign, pool, report });
  }
  const shownTwice = await usersAboveLimit(env.DB, campaign.id, campaign.claimsPerUser);
  const duplicateUsers = Math.max(shownTwice, totals.excessClaims);
  const sizeOf = (isFree: boolean) =>
    census.leases.reduce(
      (sum, { shard, size }) => sum + ((shard === null) === isFree ? size : 0),
      0,
    );
  const ok =
    census.codes === census.created &&
    census.leased === sizeOf(false) + sizeOf(true) &&
    census.shown <= totals.ledgerClaims &&
    totals.duplicateCodes + duplicateUsers + totals.stranded === 0;
  return {
    ok,
    codes: census.codes,
    available: census.codes - sizeOf(false) - census.revoked,
    leased: totals.leased,
    claimed: totals.claimed,
    revoked: totals.revoked,
    duplicateCodes: totals.duplicateCodes,
    duplicateUsers,
    stranded: totals.stranded,
    unprojected: totals.unprojected,
  };
}

/** Holds the leases that D1 says a shard has against what the shard says of them. */
function accountForLeases(totals: Totals, leases: Census["leases"], report: PoolReport): void {
  const use = new Map(report.leases.map((lease) => [lease.leaseId, lease]));
  for (const { id, size } of leases) {
    const held = use.get(id);
    if (held === undefined && id !== report.pendingLeaseId) totals.stranded += size;
    if (held !== undefined && size !== held.size) {
      // Codes given back are the pool's in D1's eyes until D1 has confirmed it.
      totals.stranded += Math.abs(size - held.size - held.returning);
    }
    const { spent, withdrawn } = held ?? { spent: 0, withdrawn: 0 };
    totals.claimed += spent;
    totals.revoked += withdrawn;
    totals.leased += size - spent - withdrawn;
  }
}

/** Holds every claim of a shard against the code rows. */
async function compareLedger(
  totals: Totals,
  of: {
    env: Env;
    campaign: CampaignRow;
    pool: ReturnType<typeof poolsOf>[number];
    report: PoolReport;
  },
): Promise<void> {
  const { env, campaign, pool, report } = of;
  let compared = 0;
  for (let after = 0; after < report.lastSlot;) {
    const page = await pool.call((stub) => stub.listPlacedClaims(after, PAGE));
    const claims = page.filter(({ slot }) => slot <= report.lastSlot);
    const last = claims.at(-1);
    if (last === undefined) break;
    const difference = await compareClaims(
      env.DB,
      claims.map((claim) => toShow(campaign.id, claim)),
    );
    totals.unprojected += difference.missing;
    totals.duplicateCodes += difference.contradicted;
    // A user's claim above the limit, or on a shard where the user's others could not be seen.
    totals.excessClaims += claims.filter(
      ({ userKey, nth }) =>
        nth >= campaign.claimsPerUser || shardOf(userKey, campaign.shards) !== pool.shard,
    ).length;
    compared += claims.length;
    after = last.slot;
  }
  totals.ledgerClaims += report.claims;
  // Every slot up to the last is claimed or withdrawn: what was not listed is lost to the pool.
  totals.stranded += report.claims - compared;
}
