/** In which state the element is, from what it knows. */

import type { Claim } from "../../client/code-types.ts";
import type { PublicCampaign } from "../../client/types.ts";
import type { Refusal } from "./calls.ts";

/** Why nobody gets a code now. */
export type Closed = "not-started" | "paused" | "ended" | "exhausted";

export type State =
  | "loading"
  | "error"
  | "signed-out"
  | "ready"
  | "working"
  | "reserved"
  | "revealed"
  | "yours"
  | "redeemed"
  | "expired"
  | "revoked"
  | "lapsed"
  | Closed;

/** What an element knows, of a visit.ts. */
export interface Known {
  campaign: PublicCampaign | null;
  claim: Claim | null;
  /** When it was answered, by this clock. */
  at: number;
  isNew: boolean;
  isSignedIn: boolean;
  isBusy: boolean;
  closed: Closed | null;
  failure: Refusal | null;
}

const isPast = (iso: string | null, now: number) => iso !== null && Date.parse(iso) <= now;

export function closedOf(campaign: PublicCampaign, now: number): Closed | null {
  if (campaign.status === "ended" || isPast(campaign.ends_at, now)) return "ended";
  if (campaign.status === "paused") return "paused";
  if (campaign.starts_at !== null && !isPast(campaign.starts_at, now)) return "not-started";
  return campaign.availability === "exhausted" ? "exhausted" : null;
}

/**
 * What was answered was so by Codedrop's clock. This one may be ahead by any time: it only tells
 * what has passed since.
 */
function ofClaim({ status, reveal_by: revealBy, expires_at: end }: Claim, known: Known): State {
  const isOver = (iso: string | null) => isPast(iso, Date.now()) && !isPast(iso, known.at);
  if (status === "reserved") return isOver(revealBy) ? "lapsed" : "reserved";
  if (status !== "claimed") return status;
  if (isOver(end)) return "expired";
  return known.isNew ? "revealed" : "yours";
}

export function stateOf(known: Known): State {
  const { campaign, claim } = known;
  if (known.isBusy) return "working";
  if (known.failure !== null) return "error";
  if (claim !== null) return ofClaim(claim, known);
  if (campaign === null) return "loading";
  const closed = known.closed ?? closedOf(campaign, Date.now());
  return closed ?? (known.isSignedIn ? "ready" : "signed-out");
}

/** When the state may become another one by itself; null when it will not. */
export function nextMoment({ campaign, claim }: Known): number | null {
  const times = [campaign?.starts_at, campaign?.ends_at, claim?.reveal_by, claim?.expires_at];
  const ahead = times.flatMap((iso) => (iso == null ? [] : [Date.parse(iso)]));
  const next = Math.min(...ahead.filter((time) => time > Date.now()));
  return next === Infinity ? null : next;
}
