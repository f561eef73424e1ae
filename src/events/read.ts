/**
 * What the log says, told: the one place where an event gets its words. May import code-pool/, db/
 * and domain/.
 */

import { inArray, and, eq, asc, gt } from "drizzle-orm";
import { database } from "../db/database.ts";
import { campaigns, events } from "../db/schema.ts";
import type { EventType, ToldEvent } from "../domain/event.ts";
import type { KeyMode } from "../domain/api-key.ts";

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

/** Of a brand and a mode, by position, those above `after`. */
export async function listRuns(
  db: D1Database,
  { brandId, mode }: { brandId: string; mode: KeyMode },
  { after, limit }: { after: number; limit: number },
): Promise<LoggedRun[]> {
  const found = await database(db)
    .select({ event: events })
    .from(events)
    .innerJoin(campaigns, eq(campaigns.id, events.campaignId))
    .where(and(eq(events.brandId, brandId), gt(events.position, after), eq(campaigns.mode, mode)))
    .orderBy(asc(events.position))
    .limit(limit);
  return found.map(({ event }) => ({
    position: event.position,
    subjectId: event.campaignId,
    type: event.type,
    firstSequence: event.sequence,
    count: 1,
  }));
}

/**
 * The events of those sequences, by sequence; one that the log no longer has is left out. Asks the
 * pools for what was claimed and redeemed: rejects when one does not answer.
 */
export async function readEvents(
  env: Env,
  subjectId: string,
  sequences: readonly number[],
): Promise<Map<number, ToldEvent>> {
  const found = await database(env.DB)
    .select()
    .from(events)
    .where(and(eq(events.campaignId, subjectId), inArray(events.sequence, [...sequences])));
  return new Map(
    found.map((event) => [
      event.sequence,
      {
        id: event.id,
        type: event.type,
        timestamp: new Date(event.timestamp).toISOString(),
        campaign_id: event.campaignId,
        sequence: event.sequence,
        data: event.data,
      } as ToldEvent,
    ]),
  );
}
