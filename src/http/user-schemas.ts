/** A brand's users: what is held about one, and erasures. In answers. */

import * as z from "zod";
import type { Erasure as ErasureRow } from "../inventory/erasures.ts";
import type { HeldInCampaign } from "../users/find-held.ts";
import { presentRedemption, Redemption } from "./checkout-schemas.ts";
import { Claim, presentClaim } from "./claim-schemas.ts";
import { pageOf } from "./paging.ts";
import { AnsweredTime, toWireTime } from "./schemas.ts";

const UserInCampaign = z
  .strictObject({
    campaign_id: z.string(),
    claims: z.array(Claim).meta({
      description:
        "Each with the consent that was given with it, at claimed_at, and the contact data kept.",
    }),
    redemptions: z.array(Redemption),
  })
  .meta({ id: "UserInCampaign" });

export const User = z
  .strictObject({ user_id: z.string(), ...pageOf(UserInCampaign, "UserInCampaignPage").shape })
  .meta({ id: "User", description: "By campaign, oldest first." });

export function presentHeld({ campaign, shard, held }: HeldInCampaign) {
  return {
    campaign_id: campaign.id,
    claims: held.map(({ claim }) => presentClaim(campaign, claim)),
    redemptions: held.flatMap(({ claim, redemptions }) =>
      claim.code === null
        ? []
        : redemptions.map((redemption) =>
            presentRedemption(campaign, shard, { claim, redemption }),
          ),
    ),
  } satisfies z.infer<typeof UserInCampaign>;
}

export const Erasure = z
  .strictObject({
    id: z.string().meta({ example: "era_01k3q9m7x2v8d4t6w5ab" }),
    status: z.enum(["running", "complete"]),
    claims: z.int().meta({ description: "Claims from which the user's data was taken so far." }),
    created_at: AnsweredTime,
    finished_at: AnsweredTime.nullable(),
  })
  .meta({ id: "Erasure" });

export function presentErasure(erasure: ErasureRow): z.infer<typeof Erasure> {
  return {
    id: erasure.id,
    status: erasure.finishedAt === null ? "running" : "complete",
    claims: erasure.claims,
    created_at: toWireTime(erasure.createdAt),
    finished_at: toWireTime(erasure.finishedAt),
  };
}
