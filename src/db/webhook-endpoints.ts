import { and, desc, eq, lt, sql, type SQL } from "drizzle-orm";
import { alongside, type Alongside } from "./alongside.ts";
import type { CampaignScope } from "./campaigns.ts";
import { database, type Page } from "./database.ts";
import { webhookEndpoints } from "./schema.ts";

export type EndpointRow = typeof webhookEndpoints.$inferSelect;
/** Where it begins in the brand's log is known when it is written. */
export type NewEndpoint = Omit<EndpointRow, "fromPosition">;

/**
 * Of a brand and a mode, disabled ones among them. Each event is sent to all of them, and a system
 * behind the brand needs one.
 */
export const ENDPOINTS_MAX = 20;

function within({ brandId, mode }: CampaignScope): SQL | undefined {
  return and(
    eq(webhookEndpoints.brandId, brandId),
    mode === null ? undefined : eq(webhookEndpoints.mode, mode),
  );
}

/** The position of what entered the brand's log last; 0 while nothing has. */
export function lastPosition(brandId: string): SQL {
  return sql`coalesce((SELECT max(position) FROM event_runs WHERE brand_id = ${brandId}), 0)`;
}

/** False, and without effect, when the brand has as many as it may. */
export async function createEndpoint(
  db: D1Database,
  row: NewEndpoint,
  along: Alongside,
): Promise<boolean> {
  const orm = database(db);
  const { id, brandId, mode, url, description, status, createdAt } = row;
  const [events, campaignIds] = [row.events, row.campaignIds].map(
    (all) => all && JSON.stringify(all),
  );
  // In the order of the table's columns.
  const insert = sql`SELECT ${id}, ${brandId}, ${mode}, ${url}, ${events}, ${campaignIds},
    ${description}, ${JSON.stringify(row.secrets)}, ${status}, NULL, NULL,
    ${lastPosition(brandId)}, ${createdAt}
    WHERE (SELECT count(*) FROM webhook_endpoints WHERE brand_id = ${brandId} AND mode = ${mode})
      < ${ENDPOINTS_MAX}`;
  const [added] = await orm.batch([
    orm.insert(webhookEndpoints).select(insert).returning({ id: webhookEndpoints.id }),
    ...alongside(db, along),
  ]);
  return added.length > 0;
}

export async function findEndpoint(
  db: D1Database,
  scope: CampaignScope,
  id: string,
): Promise<EndpointRow | null> {
  const found = await database(db)
    .select()
    .from(webhookEndpoints)
    .where(and(within(scope), eq(webhookEndpoints.id, id)))
    .limit(1);
  return found[0] ?? null;
}

/** Newest first. */
export async function listEndpoints(
  db: D1Database,
  scope: CampaignScope,
  { after, limit }: Page<string>,
): Promise<EndpointRow[]> {
  return database(db)
    .select()
    .from(webhookEndpoints)
    .where(and(within(scope), after === null ? undefined : lt(webhookEndpoints.id, after)))
    .orderBy(desc(webhookEndpoints.id))
    .limit(limit);
}

export type EndpointChange = Partial<
  Pick<EndpointRow, "url" | "events" | "campaignIds" | "description" | "status">
>;

const ENABLED = { disabledReason: null, disabledAt: null };

/** Null when there is no such endpoint any more. One that was disabled before keeps its time. */
export async function updateEndpoint(
  db: D1Database,
  id: string,
  change: EndpointChange,
  along: Alongside,
): Promise<EndpointRow | null> {
  const disabled = {
    disabledReason: "requested" as const,
    disabledAt: sql`coalesce(${webhookEndpoints.disabledAt}, ${Date.now()})`,
  };
  const [updated] = await database(db).batch([
    database(db)
      .update(webhookEndpoints)
      .set({
        ...change,
        ...(change.status === "disabled" ? disabled : {}),
        ...(change.status === "enabled" ? ENABLED : {}),
      })
      .where(eq(webhookEndpoints.id, id))
      .returning(),
    ...alongside(db, along),
  ]);
  return updated[0] ?? null;
}

/**
 * Lets `secret` sign from now on. The one before it signs too until `previousUntil`, or no more if
 * that is null; any older one no more. False when there is no such endpoint any more.
 */
export async function rotateSecret(
  db: D1Database,
  id: string,
  { secret, previousUntil }: { secret: string; previousUntil: number | null },
  along: Alongside,
): Promise<boolean> {
  const { secrets } = webhookEndpoints;
  const newest = sql`json_object('secret', ${secret}, 'expiresAt', NULL)`;
  const previous = sql`json_object('secret', ${secrets} ->> '$[0].secret',
    'expiresAt', ${previousUntil})`;
  const all = previousUntil === null ? newest : sql`${newest}, ${previous}`;
  const [rotated] = await database(db).batch([
    database(db)
      .update(webhookEndpoints)
      .set({ secrets: sql`json_array(${all})` })
      .where(eq(webhookEndpoints.id, id))
      .returning({ id: webhookEndpoints.id }),
    ...alongside(db, along),
  ]);
  return rotated.length > 0;
}

export async function deleteEndpoint(db: D1Database, id: string, along: Alongside): Promise<void> {
  const remove = database(db).delete(webhookEndpoints).where(eq(webhookEndpoints.id, id));
  await database(db).batch([remove, ...alongside(db, along)]);
}
