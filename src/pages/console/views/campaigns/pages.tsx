/** The addresses of campaigns. */

import type { Route } from "../../router.ts";
import type { Session } from "../../session.ts";
import type { View } from "../../shell.tsx";
import { CampaignPage, TABS } from "./campaign.tsx";
import { NewCampaign } from "./form/new.tsx";
import { CampaignList } from "./list.tsx";

export function campaignPages(rest: Route, session: Session): View | undefined {
  const [campaign, tab = "", ...more] = rest;
  if (campaign === undefined) return { title: "Campaigns", body: <CampaignList /> };
  if (campaign === "new" && rest.length === 1) {
    return { title: "New campaign", body: <NewCampaign mode={session.key.mode} /> };
  }
  if (!Object.hasOwn(TABS, tab)) return undefined;
  const body = <CampaignPage key={campaign} name={campaign} tab={tab} more={more} />;
  return { title: "Campaign", body };
}
