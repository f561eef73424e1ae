/** What every claim comes to, whoever may ask for it: the pool decides, the answer shows it. */

import type { Context } from "hono";
import type * as z from "zod";
import type { Contact } from "../code-pool/ledger.ts";
import type { ClaimAnswer, ClaimOutcome, RequestKey } from "../code-pool/messages.ts";
import { bindKey, poolCampaign, poolOfUser } from "../code-pool/stub.ts";
import type { CampaignRow } from "../db/campaigns.ts";
import { findCampaignAnew } from "../directory/directory.ts";
import type { Consent } from "../domain/claim.ts";
import { presentClaim, type Claim } from "./claim-schemas.ts";
import { near, type HttpEnv } from "./http-env.ts";
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
}

/** Contact data is kept only where the user agreed that it is shared. */
export function keptContact(consent: Consent | null, contact: Contact): Contact | null {
  const { email, name, attributes } = contact;
  if (consent?.share_contact !== true) return null;
  return email === undefined && name === undefined && attributes === undefined
    ? null
    : { email, name, attributes };
}

/** Lets the campaign's pool decide; the claim that the user holds, or throws why there is none. */
export async function giveCode(
  c: Context<HttpEnv>,
  asked: AskedClaim,
): Promise<{ claim: z.infer<typeof Claim>; isNew: boolean; isReplay: boolean }> {
  const { campaign, userId, userKey, consent, contact, key } = asked;
  const pool = poolOfUser(c.env, campaign, userKey);
  if (key !== null && !(await bindKey(c.env, { ...campaign, userShard: pool.shard }, key))) {
    throw new ProblemError("idempotency-key-reused");
  }
  const request = {
    campaign: poolCampaign(campaign),
    shard: pool.shard,
    userKey,
    userId,
    key,
    attempt: crypto.randomUUID(),
    consent,
    contact,
  };
  const outcome = await pool.call((stub) => stub.claim(request));
  if (!("claim" in outcome)) return refuse(outcome);
  // The pool decides by the newest settings; the answer must show those, too.
  const isNewest = outcome.version <= campaign.version;
  const newest = isNewest ? campaign : await findCampaignAnew(near(c), campaign, asked.name);
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
      const detail = {
        "not-started": `The campaign starts at ${startsAt}.`,
        paused: "The campaign is paused.",
        breaker: `The campaign was paused by its breaker: it gives ${outcome.claimsPerMinuteMax} codes a minute at most. It goes on when the brand resumes it.`,
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
    case "exhausted":
      throw new ProblemError("codes-exhausted");
    case "stock-unknown":
      throw new ProblemError("pool-overloaded", { detail: "The stock cannot be read right now." });
  }
}
