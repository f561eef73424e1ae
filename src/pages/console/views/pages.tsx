/** Which page is shown under which address. */

import type { Route } from "../router.ts";
import type { Session } from "../session.ts";
import type { View } from "../shell.tsx";
import { campaignPages } from "./campaigns/pages.tsx";
import { brandPages } from "./brand.tsx";
import { auditPages } from "./audit-log.tsx";
import { eventPages } from "./events.tsx";
import { codePages } from "./find-code.tsx";
import { keyPages } from "./keys/pages.tsx";
import { userPages } from "./users.tsx";
import { webhookPages } from "./webhooks/pages.tsx";

/** By the first part of the address; undefined where the rest leads nowhere. */
export const pages: Record<string, (rest: Route, session: Session) => View | undefined> = {
  campaigns: campaignPages,
  codes: codePages,
  users: userPages,
  events: eventPages,
  webhooks: webhookPages,
  keys: keyPages,
  brand: brandPages,
  "audit-log": auditPages,
};
