/** What every claim comes to, whoever may ask for it: the pool decides, the answer shows it. */

import type { Context } from "hono";
import type * as z from "zod";
import type { Contact } from "../code-pool/ledger.ts";
import type {
  ClaimAnswer,
  ClaimOutcome,
  ClaimRequest,
  Proof,
  RequestKey,
  UserPace,
} from "../code-pool/messages.ts";
import { bindKey, poolCampaign, poolOfUser } from "../code-pool/stub.ts";
import type { CampaignRow } from "../db/campaigns.ts";
import { findCampaignAnew } from "../directory/directory.ts";
import type { Consent } from "../domain/claim.ts";
import { presentClaim, type Claim } from "./claim-schemas.ts";
import { challengeFailed } from "./claimant.ts";
import { near, type HttpEnv } from "./http-env.ts";
import { limited, rateLimitHeaders, USER } from "./limits.ts";
import { ProblemError } from "./problems.ts";
import { toWireTime } from "./schemas.ts";

export interface AskedClaim {
  campaign: CampaignRow;
  /** What the path calls the campaign. */
  name: string;
  userId: string;
  /** What stands for the user in the pool. */
  userKey: string;
  consent: Consent | null;
  contact: Contact | null;
  key: RequestKey | null;
  /** Whether the key's scope names the user. */
  isKeyOfUser: boolean;
  pace: UserPace | null;
  proof: Proof | null;
}

/** Contact data is kept only where the user agreed that it is shared. */
export function keptContact(consent: Consent | null, contact: Contact): Contact | null {
  const { email, name, attributes } = contact;
  if (consent?.share_contact !== true) return null;
  return email === undefined && name === undefined && attributes === undefined
    ? null
    : { email, name, attributes };
}

/**
 * Lets the campaign's pool decide. Keys and proofs of different users meet first; a key whose scope
 * names its user comes from nobody else, and need not.
 */
export async function askPool(env: Env, asked: AskedClaim): Promise<ClaimOutcome> {
  const { campaign, userId, userKey, consent, contact, key, pace, proof } = asked;
  const pool = poolOfUser(env, campaign, userKey);
  const at = { id: campaign.id, shards: campaign.shards, userShard: pool.shard };
  if (key !== null && !asked.isKeyOfUser && !(await bindKey(env, at, key))) {
    return { kind: "key-reused", paceLeft: null };
  }
  const bond = proof && { hash: proof.hash, fingerprint: userKey };
  if (bond !== null && !(await bindKey(env, at, bond, "proof"))) {
    return { kind: "proof-spent", paceLeft: null };
  }
  const request: ClaimRequest = {
    campaign: poolCampaign(campaign),
    shard: pool.shard,
    userKey,
    userId,
    key,
    attempt: crypto.randomUUID(),
    consent,
    contact,
    pace,
    proof,
  };
  return pool.call((stub) => stub.claim(request));
}

/** What the user is told: the claim that they hold, or throws why they hold none. */
export async function answerClaim(
  c: Context<HttpEnv>,
  { campaign, name }: Pick<AskedClaim, "campaign" | "name">,
  outcome: ClaimOutcome,
): Promise<{ claim: z.infer<typeof Claim>; isNew: boolean; isReplay: boolean }> {
  const { paceLeft } = outcome;
  if (paceLeft !== null) {
    const headers = rateLimitHeaders(USER, paceLeft.remaining, Math.ceil(paceLeft.resetMs / 1000));
    for (const [header, value] of Object.entries(headers)) c.header(header, value);
  }
  // So that the next try meets the challenge.
  if (outcome.kind === "proof-missing") await findCampaignAnew(near(c), campaign, name);
  if (!("claim" in outcome)) return refuse(outcome);
  // The pool decides by the newest settings; the answer must show those, too.
  const isNewest = outcome.version <= campaign.version;
  const newest = isNewest ? campaign : await findCampaignAnew(near(c), campaign, name);
  return {
    claim: presentClaim(newest, outcome.claim, outcome.status),
    isNew: outcome.kind === "granted",
    isReplay: outcome.isReplay,
  };
}

function refuse(outcome: Exclude<ClaimOutcome, ClaimAnswer>): never {
  switch (outcome.kind) {
    case "closed": {
      const startsAt = toWireTime(outcome.startsAt);
      const max = outcome.claimsPerMinuteMax;
      // Whoever takes the limit away does not resume the campaign by it.
      const limit = max === null ? "" : `: it gives ${max} codes a minute at most`;
      const detail = {
        "not-started": `The campaign starts at ${startsAt}.`,
        paused: "The campaign is paused.",
        breaker: `The campaign was paused by its breaker${limit}. It goes on when the brand resumes it.`,
        ended: "The campaign has ended.",
      }[outcome.reason];
      throw new ProblemError("campaign-not-open", { detail, extra: { starts_at: startsAt } });
    }
    case "consent-missing":
      throw new ProblemError("consent-required", {
        detail: `The user's consent to the text of version ${outcome.version} is needed.`,
        errors: [
          {
            in: "body",
            pointer: "/consent",
            detail: `Needs share_contact and ${outcome.version}.`,
          },
        ],
      });
    case "key-reused":
      throw new ProblemError("idempotency-key-reused");
    case "proof-spent":
      throw challengeFailed("The token was another user's.");
    case "proof-missing":
      throw challengeFailed("The campaign has a challenge now.");
    case "paced":
      throw limited(USER, Math.ceil(outcome.retryAfterMs / 1000));
    case "lapsed":
      throw new ProblemError("claim-lapsed");
    case "not-found":
      throw new ProblemError("not-found");
    case "exhausted":
      throw new ProblemError("codes-exhausted");
    case "stock-unknown":
      throw new ProblemError("pool-overloaded", { detail: "The stock cannot be read right now." });
  }
}
