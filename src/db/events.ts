/**
 * The event log: runs of events as they enter it, and where they lie. What they say is told by
 * events/read.ts.
 */

import { and, asc, eq, gt, gte, isNull, sql, type SQL } from "drizzle-orm";
import type { KeyMode } from "../domain/api-key.ts";
import type { EventType, NewBrandEvent, NewEvent } from "../domain/event.ts";
import type { CampaignScope } from "./campaigns.ts";
import { database } from "./database.ts";
import { eventRuns } from "./schema.ts";

/** How long the log is replayed. */
export const EVENTS_KEPT_MS = 30 * 86_400_000;

/** Events in a row, of one campaign (or of the brand itself) and one type. */
export interface LoggedRun {
  /** 1, 2, 3, … within the brand, in the order in which they entered the log. */
  position: number;
  /** The campaign's id, or the brand's for what is the brand's own. */
  subjectId: string;
  type: EventType;
  firstSequence: number;
  count: number;
}

/** The number of the next event of a subject, and of the brand's next run, as SQL. */
export const nextSequence = (subject: string) =>
  `coalesce((SELECT e.first_sequence + e.count FROM event_runs AS e WHERE e.subject_id = ${subject}
    ORDER BY e.first_sequence DESC LIMIT 1), 1)`;
export const nextPosition = (brand: string) =>
  `coalesce((SELECT max(e.position) FROM event_runs AS e WHERE e.brand_id = ${brand}), 0) + 1`;

/**
 * The statement that lets an event enter the log, for the batch that writes the fact. Its numbers
 * are the next ones of that transaction. Safe to repeat: what has the same id enters once. `where`
 * may look at the campaign's row.
 */
export function eventToInsert(db: D1Database, event: NewEvent, where: SQL = sql`true`) {
  const { id, campaignId, type, timestamp, data } = event;
  return insertRun(
    db,
    sql`
    SELECT campaigns.id, ${sql.raw(nextSequence("campaigns.id"))}, 1, campaigns.brand_id, campaigns.mode,
           ${sql.raw(nextPosition("campaigns.brand_id"))}, ${type}, ${id}, NULL, NULL, NULL,
           ${Date.now()}, ${JSON.stringify([[timestamp, data]])}
    FROM campaigns WHERE campaigns.id = ${campaignId} AND ${where}`,
  );
}

/** The same of an event that is the brand's own. */
export function brandEventToInsert(db: D1Database, event: NewBrandEvent, where: SQL = sql`true`) {
  const { id, brandId, mode, type, timestamp, data } = event;
  return insertRun(
    db,
    sql`
    SELECT brands.id, ${sql.raw(nextSequence("brands.id"))}, 1, brands.id, ${mode},
           ${sql.raw(nextPosition("brands.id"))}, ${type}, ${id}, NULL, NULL, NULL,
           ${Date.now()}, ${JSON.stringify([[timestamp, data]])}
    FROM brands WHERE brands.id = ${brandId} AND ${where}`,
  );
}

/** `row`: the columns in the order of the table. */
function insertRun(db: D1Database, row: SQL) {
  return database(db)
    .insert(eventRuns)
    .select(row)
    .onConflictDoNothing({ target: [eventRuns.subjectId, eventRuns.source] });
}

const isKept = () => gte(eventRuns.enteredAt, Date.now() - EVENTS_KEPT_MS);

/** Types of which there are as many as claims: they are in no index by type. */
const IN_LEDGERS: ReadonlySet<EventType> = new Set(["claim.created", "code.redeemed"]);

function ofType(type: EventType | null): SQL | undefined {
  if (type === null) return undefined;
  const isTold = IN_LEDGERS.has(type) ? undefined : isNull(eventRuns.shard);
  return and(eq(eventRuns.type, type), isTold);
}

function ofMode(mode: KeyMode | null): SQL | undefined {
  // Not bound, so that the index of test events is seen to have all of these.
  if (mode === "test") return sql`${eventRuns.mode} = 'test'`;
  return mode === null ? undefined : eq(eventRuns.mode, mode);
}

/** Of one campaign, by sequence: those that have events above `after`. */
export async function listCampaignRuns(
  db: D1Database,
  { campaignId, type }: { campaignId: string; type: EventType | null },
  { after, limit }: { after: number; limit: number },
): Promise<LoggedRun[]> {
  // The one that `after` lies in, or the last before it; without it the rest is found by the index.
  const first = sql`(SELECT max(e.first_sequence) FROM event_runs AS e
    WHERE e.subject_id = ${campaignId} AND e.first_sequence <= ${after + 1})`;
  return database(db)
    .select(RUN)
    .from(eventRuns)
    .where(
      and(
        eq(eventRuns.subjectId, campaignId),
        sql`${eventRuns.firstSequence} >= coalesce(${first}, 0)`,
        sql`${eventRuns.firstSequence} + ${eventRuns.count} > ${after + 1}`,
        type === null ? undefined : eq(eventRuns.type, type),
        isKept(),
      ),
    )
    .orderBy(asc(eventRuns.firstSequence))
    .limit(limit);
}

/** Of all that the scope may see, in the order in which they entered the log. */
export async function listBrandRuns(
  db: D1Database,
  { scope, type }: { scope: CampaignScope; type: EventType | null },
  { after, limit }: { after: number; limit: number },
): Promise<LoggedRun[]> {
  return database(db)
    .select(RUN)
    .from(eventRuns)
    .where(
      and(
        eq(eventRuns.brandId, scope.brandId),
        gt(eventRuns.position, after),
        ofType(type),
        ofMode(scope.mode),
        isKept(),
      ),
    )
    .orderBy(asc(eventRuns.position))
    .limit(limit);
}

const RUN = {
  position: eventRuns.position,
  subjectId: eventRuns.subjectId,
  type: eventRuns.type,
  firstSequence: eventRuns.firstSequence,
  count: eventRuns.count,
};

/** Of a brand and a mode, by position, those above `after`: for webhooks. */
export function listRuns(
  db: D1Database,
  scope: { brandId: string; mode: KeyMode },
  page: { after: number; limit: number },
): Promise<LoggedRun[]> {
  return listBrandRuns(db, { scope, type: null }, page);
}
