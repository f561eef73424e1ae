/** Webhook endpoints as their senders see them. */

import { and, eq, sql } from "drizzle-orm";
import type { CampaignScope } from "./campaigns.ts";
import { database } from "./database.ts";
import { brandEventToInsert } from "./events.ts";
import { brands, webhookEndpoints } from "./schema.ts";
import type { EndpointRow } from "./webhook-endpoints.ts";

/** With whether its brand may be told anything; null when there is no such endpoint. */
export async function findSenderEndpoint(
  db: D1Database,
  id: string,
): Promise<{ endpoint: EndpointRow; isBrandActive: boolean } | null> {
  const [found] = await database(db)
    .select({ endpoint: webhookEndpoints, status: brands.status })
    .from(webhookEndpoints)
    .innerJoin(brands, eq(brands.id, webhookEndpoints.brandId))
    .where(eq(webhookEndpoints.id, id));
  return found === undefined
    ? null
    : { endpoint: found.endpoint, isBrandActive: found.status === "active" };
}

export async function listEnabledEndpointIds(db: D1Database, brandId: string): Promise<string[]> {
  const found = await database(db)
    .select({ id: webhookEndpoints.id })
    .from(webhookEndpoints)
    .where(and(eq(webhookEndpoints.brandId, brandId), eq(webhookEndpoints.status, "enabled")));
  return found.map(({ id }) => id);
}

/** The endpoints that a key may see; only the one of that id where it is given. */
export async function listEndpointIds(
  db: D1Database,
  { brandId, mode }: CampaignScope,
  id?: string,
): Promise<string[]> {
  const found = await database(db)
    .select({ id: webhookEndpoints.id })
    .from(webhookEndpoints)
    .where(
      and(
        eq(webhookEndpoints.brandId, brandId),
        mode === null ? undefined : eq(webhookEndpoints.mode, mode),
        id === undefined ? undefined : eq(webhookEndpoints.id, id),
      ),
    );
  return found.map((endpoint) => endpoint.id);
}

/** Why an endpoint is sent nothing any more. */
export interface Disabling {
  reason: "gone" | "failing";
  /** Unix milliseconds. */
  at: number;
  failingSince: number;
  /** The address that was called: another one, set meanwhile, has done nothing wrong. */
  url: string;
}

/** Unless somebody else disabled it, or changed where it leads. Safe to repeat: it is told once. */
export async function disableEndpoint(
  db: D1Database,
  { id, brandId, mode }: Pick<EndpointRow, "id" | "brandId" | "mode">,
  { reason, at, failingSince, url }: Disabling,
): Promise<void> {
  const isDue = and(
    eq(webhookEndpoints.id, id),
    eq(webhookEndpoints.status, "enabled"),
    eq(webhookEndpoints.url, url),
  );
  const told = brandEventToInsert(
    db,
    {
      id: `disabled/${id}/${at}`,
      brandId,
      mode,
      type: "webhook_endpoint.disabled",
      timestamp: at,
      data: { endpoint_id: id, reason, failing_since: new Date(failingSince).toISOString() },
    },
    sql`EXISTS (SELECT 1 FROM ${webhookEndpoints} WHERE ${isDue})`,
  );
  await database(db).batch([
    // Before the update, which ends what both depend on.
    told,
    database(db)
      .update(webhookEndpoints)
      .set({ status: "disabled", disabledReason: reason, disabledAt: at })
      .where(isDue),
  ]);
}
