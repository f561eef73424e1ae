/** A claim's fields, in requests and answers. */

import * as z from "zod";
import { reservedStatus, type AnyClaim, type ClaimStatus } from "../code-pool/reservations.ts";
import type { CampaignRow } from "../db/campaigns.ts";
import { heldStatus, type HeldStatus } from "../domain/redemption.ts";
import { formatClaimId } from "../domain/claim.ts";
import { isUserId, USER_EMAIL_MAX, USER_ID_MAX, USER_NAME_MAX } from "../domain/user.ts";
import { Campaign } from "./campaign-schemas.ts";
import { IdempotencyHeader } from "./idempotency.ts";
import { pageQuery } from "./paging.ts";
import { AnsweredTime, line, toWireTime } from "./schemas.ts";

const ATTRIBUTES_MAX = 20;

/** Of Turnstile's own documentation. */
const CHALLENGE_TOKEN_MAX = 2_048;

export const UserId = line(USER_ID_MAX)
  .refine(isUserId, "No path can name this user.")
  .meta({
    description: `Your id of the user, 1–${USER_ID_MAX} characters. Compared exactly: "Ann" and "ann" are two users.`,
    example: "u-123",
  });

const Contact = {
  email: z.email().max(USER_EMAIL_MAX).optional(),
  name: line(USER_NAME_MAX).optional(),
  attributes: z
    .record(line(40), z.string().max(500))
    .refine(
      (pairs) => Object.keys(pairs).length <= ATTRIBUTES_MAX,
      `At most ${ATTRIBUTES_MAX} pairs.`,
    )
    .optional(),
};

const Consent = z
  .strictObject({
    share_contact: z.boolean(),
    version: line(50).meta({ description: "The version of the consent text that the user saw." }),
  })
  .meta({ id: "Consent" });

export const NewClaim = z
  .strictObject({
    user: z
      .strictObject({ id: UserId, ...Contact })
      .optional()
      .meta({
        description:
          "With a secret key: your server vouches for the user. With a publishable key the user token says who it is, and this is refused. Contact data is kept only with consent.",
      }),
    consent: Consent.optional(),
    challenge_token: z.string().min(1).max(CHALLENGE_TOKEN_MAX).optional().meta({
      description: "From a page, where the campaign has a challenge: what its widget gave.",
    }),
  })
  .meta({ id: "NewClaim", example: { user: { id: "u-123" } } });

/** For the reference: a page says by it who its user is. */
export const UserTokenHeader = z.object({
  "codedrop-user-token": z.string().optional().meta({
    description: "With a publishable key: the signed token that says who the user is.",
  }),
});

export const ClaimHeaders = IdempotencyHeader.extend(UserTokenHeader.shape);

export const ClaimsQuery = z.strictObject({ ...pageQuery, user_id: UserId.optional() });

export const Claim = z
  .strictObject({
    id: z.string().meta({ example: "clm_01k3q9m7x2v8d4t6w5ab4zq0c9k2m7x1v8d3t6w5ab9ch20" }),
    campaign_id: z.string(),
    code: z.string().nullable().meta({
      description: "Null while it is reserved only.",
      example: "K7QF-3MWD-9RTX",
    }),
    user_id: z.string().nullable().meta({ description: "Null once the user was erased." }),
    status: z.enum(["reserved", "claimed", "redeemed", "expired", "revoked", "lapsed"]).meta({
      description: "reserved, lapsed: of a campaign whose codes are revealed on demand.",
    }),
    discount: Campaign.shape.discount,
    claimed_at: AnsweredTime.meta({ description: "When it was reserved, until it is revealed." }),
    reveal_by: AnsweredTime.nullable().meta({
      description: "Until when a code that is reserved may be revealed.",
    }),
    expires_at: AnsweredTime.nullable(),
    shop_url: z.string().nullable(),
    consent: Consent.nullable().meta({ description: "The consent recorded with the claim." }),
    contact: z
      .strictObject(Contact)
      .nullable()
      .meta({ description: "The user's contact data, where consent was given." }),
  })
  .meta({ id: "Claim" });

/** `status` is that of now, unless the answer is one of another moment. */
export function presentClaim(
  campaign: CampaignRow,
  claim: AnyClaim,
  status: HeldStatus | ClaimStatus = claim.code === null
    ? reservedStatus(claim, Date.now())
    : heldStatus(claim, Date.now()),
): z.infer<typeof Claim> {
  return {
    id: formatClaimId({ campaignId: campaign.id, userKey: claim.userKey, nth: claim.nth }),
    campaign_id: campaign.id,
    code: claim.code,
    user_id: claim.userId,
    status,
    discount: campaign.discount,
    claimed_at: toWireTime(claim.claimedAt),
    reveal_by: toWireTime(claim.code === null ? claim.revealBy : null),
    expires_at: toWireTime(claim.expiresAt),
    shop_url: campaign.shopUrl,
    consent: claim.consent,
    contact: claim.contact,
  };
}
