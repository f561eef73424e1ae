/** From a seed to a run: who claims what, and what goes wrong when. Pure. */

import { Random } from "../support/random.ts";
import type { Terms } from "./history.ts";
import { NO_FAULTS, type FaultKind, type FaultRates } from "./settings.ts";

export interface CampaignPlan {
  shards: number;
  claimsPerUser: number;
  /** Codes of the first batch; top-ups come on the way. */
  codes: number;
  users: number;
  terms: Terms;
  /** Codes that are brought to the checkout: all else is left to claims. */
  spentCodes: number;
}

/** Something done to the system when so many claims of the run have been sent. */
export type Disturbance = { afterClaims: number } & (
  | { kind: "kill" }
  | { kind: "d1-down" | "d1-up" }
  | { kind: "top-up"; campaign: number; codes: number }
  | { kind: "pause" | "resume"; campaign: number }
);

export interface Plan {
  seed: number;
  campaigns: CampaignPlan[];
  claims: number;
  inFlight: number;
  /** Calls at the checkout for each claim that is sent. */
  checkoutShare: number;
  rates: FaultRates;
  /** In order of `afterClaims`. */
  disturbances: Disturbance[];
}

/** The shortest that there is: most that lapses does so after the drop. */
const REVEAL_WITHIN_MS = 10_000;

const SHARDS = [1, 1, 2, 3, 4, 8, 16] as const;
/** How often a fault strikes where it is part of a run: from now and then to every other time. */
const RATES = [0.02, 0.1, 0.3, 0.5] as const;
/** A pool that is evicted or turned away all the time would answer nobody, and so prove nothing. */
const RATE_MAX: Partial<FaultRates> = {
  evicted: 0.1,
  overloaded: 0.1,
  claimLost: 0.3,
  checkoutLost: 0.3,
};

function planTerms(random: Random): Terms {
  const isHolderOnly = random.chance(0.2);
  const redeemsUnclaimed = random.chance(0.25);
  const revealWithinMs = random.chance(0.3) ? REVEAL_WITHIN_MS : null;
  return { isHolderOnly, redeemsUnclaimed, revealWithinMs };
}

function planCampaign(random: Random, checkout: Random): CampaignPlan {
  const shards = random.pick(SHARDS);
  const claimsPerUser = random.chance(0.7) ? 1 : random.int(2, 3);
  const codes = random.int(20, 260);
  // From too few users to sell out, to half as many again as there are codes.
  const users = Math.ceil((codes / claimsPerUser) * (0.6 + 0.9 * random.next()));
  const spentCodes = checkout.int(3, 9);
  return { shards, claimsPerUser, codes, users, terms: planTerms(checkout), spentCodes };
}

function planRates(random: Random, checkout: Random): FaultRates {
  const rates = { ...NO_FAULTS };
  for (const kind of Object.keys(rates) as FaultKind[]) {
    const source = kind === "checkoutLost" ? checkout : random;
    if (source.chance(0.35)) rates[kind] = Math.min(source.pick(RATES), RATE_MAX[kind] ?? 1);
  }
  return rates;
}

function planDisturbances(
  random: Random,
  claims: number,
  campaigns: CampaignPlan[],
): Disturbance[] {
  const anywhere = () => random.int(Math.floor(claims * 0.05), Math.floor(claims * 0.95));
  const found: Disturbance[] = [];
  const kills = random.int(0, 3);
  for (let kill = 0; kill < kills; kill++) found.push({ kind: "kill", afterClaims: anywhere() });
  if (random.chance(0.3)) {
    const [from, to] = [anywhere(), anywhere()].toSorted((a, b) => a - b) as [number, number];
    found.push({ kind: "d1-down", afterClaims: from }, { kind: "d1-up", afterClaims: to });
  }
  for (const [campaign] of campaigns.entries()) {
    const topUps = random.chance(0.5) ? random.int(1, 2) : 0;
    for (let i = 0; i < topUps; i++) {
      const codes = random.int(1, 60);
      found.push({ kind: "top-up", campaign, codes, afterClaims: anywhere() });
    }
    if (random.chance(0.3)) {
      const [from, to] = [anywhere(), anywhere()].toSorted((a, b) => a - b) as [number, number];
      found.push({ kind: "pause", campaign, afterClaims: from });
      found.push({ kind: "resume", campaign, afterClaims: to });
    }
  }
  return found.toSorted((a, b) => a.afterClaims - b.afterClaims);
}

export function planRun(seed: number): Plan {
  // Neighbouring seeds must not look alike.
  const random = new Random(Math.imul(seed, 0x9e3779b1));
  // Of its own: what is drawn for the checkout changes nothing of the claims.
  const checkout = new Random(Math.imul(seed, 0x85ebca6b));
  const campaigns = Array.from({ length: random.int(1, 2) }, () => planCampaign(random, checkout));
  // Each user asks more often than they may have codes, so that repeats are part of every run.
  const claims = campaigns.reduce(
    (sum, { users, claimsPerUser }) => sum + Math.ceil(users * (claimsPerUser + 0.5)),
    0,
  );
  const rates = planRates(random, checkout);
  const disturbances = planDisturbances(random, claims, campaigns);
  // The rates may strike nowhere; this does.
  if (!disturbances.some(({ kind }) => kind === "kill")) {
    disturbances.unshift({ kind: "kill", afterClaims: Math.floor(claims / 2) });
  }
  const inFlight = random.int(4, 32);
  const checkoutShare = 0.15 + 0.35 * checkout.next();
  return { seed, campaigns, claims, inFlight, checkoutShare, rates, disturbances };
}
