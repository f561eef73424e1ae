/** A campaign as a web page may see it. */

import * as z from "zod";
import type { CampaignRow } from "../db/campaigns.ts";
import type { Availability } from "./availability.ts";
import { Campaign, presentCampaign } from "./campaign-schemas.ts";

const { id, slug, name, status, discount, starts_at, ends_at, consent, challenge, shop_url } =
  Campaign.shape;

export const PublicCampaign = z
  .strictObject({
    id,
    slug,
    name,
    status,
    discount,
    starts_at,
    ends_at,
    availability: z.enum(["available", "low", "exhausted"]).meta({
      description: "Whether codes are left; low: a tenth of them or less. Some seconds behind.",
    }),
    consent,
    challenge,
    shop_url,
  })
  .meta({ id: "PublicCampaign", description: "What a publishable key is shown of a campaign." });

export function presentPublic(
  campaign: CampaignRow,
  availability: Availability,
): z.infer<typeof PublicCampaign> {
  const shown = presentCampaign(campaign);
  return {
    id: shown.id,
    slug: shown.slug,
    name: shown.name,
    status: shown.status,
    discount: shown.discount,
    starts_at: shown.starts_at,
    ends_at: shown.ends_at,
    availability,
    consent: shown.consent,
    challenge: shown.challenge,
    shop_url: shown.shop_url,
  };
}
