/** A partner site's page that uses the package: its user sees the campaign, and gets a code. */

import { Codedrop, CodedropError, type Claim, type PublicCampaign } from "codedrop/client";

export interface Offer {
  baseUrl: string;
  key: string;
  /** Its codes are shown when they are revealed. */
  campaign: string;
}

export interface Seen {
  campaign: PublicCampaign;
  reserved: Claim;
  revealed: Claim;
  again: Claim;
}

function open({ baseUrl, key }: Offer): Codedrop {
  // The site knows who is signed in, and signs it.
  const userToken = async () => (await fetch("/token")).text();
  return new Codedrop({ baseUrl, key, userToken });
}

export async function claim(offer: Offer): Promise<Seen> {
  const codedrop = open(offer);
  const campaign = await codedrop.campaigns.view(offer.campaign);
  const reserved = await codedrop.claims.create(campaign.id);
  const revealed = await codedrop.claims.reveal(reserved.id);
  return { campaign, reserved, revealed, again: await codedrop.claims.create(campaign.slug) };
}

/** Why there is no code. */
export async function refusal(offer: Offer): Promise<string> {
  try {
    await open(offer).claims.create(offer.campaign);
  } catch (error) {
    if (error instanceof CodedropError) return `${error.slug}, ${error.requestId !== null}`;
    throw error;
  }
  throw new Error("There was one.");
}
