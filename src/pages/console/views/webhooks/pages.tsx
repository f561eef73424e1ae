/** Where the brand is told of events: the pages of webhook endpoints. */

import type { Route } from "../../router.ts";
import type { Session } from "../../session.ts";
import type { View } from "../../shell.tsx";
import { DeliveryPage } from "./delivery.tsx";
import { EndpointPage } from "./endpoint.tsx";
import { Endpoints } from "./endpoints.tsx";
import { EditEndpoint, NewEndpoint } from "./forms.tsx";

export function webhookPages(rest: Route, session: Session): View | undefined {
  const [endpoint, deeper, ...more] = rest;
  if (more.length > 0) return undefined;
  if (endpoint === undefined) return { title: "Webhooks", body: <Endpoints /> };
  if (endpoint === "new" && deeper === undefined) {
    return { title: "New webhook endpoint", body: <NewEndpoint keyMode={session.key.mode} /> };
  }
  if (deeper === undefined) {
    return { title: "Webhook endpoint", body: <EndpointPage key={endpoint} id={endpoint} /> };
  }
  if (deeper === "edit") {
    return { title: "Edit webhook endpoint", body: <EditEndpoint key={endpoint} id={endpoint} /> };
  }
  return { title: "Delivery", body: <DeliveryPage key={deeper} id={deeper} endpoint={endpoint} /> };
}
