/**
 * The event log where it meets the ledgers of the pools and the codes. May import db/ and domain/.
 */

import type { CampaignScope } from "../db/campaigns.ts";
import { EVENTS_KEPT_MS, nextPosition, nextSequence } from "../db/events.ts";
import type { KeyMode } from "../domain/api-key.ts";
import type { EventType } from "../domain/event.ts";

/** Entries of a pool's ledger or log, told in the order of their numbers. */
export interface LedgerRun {
  campaignId: string;
  type: "claim.created" | "code.redeemed" | "redemption.rolled_back" | "code.expired";
  shard: number;
  /** Entries above it, up to `to`, of which there are `count`. */
  from: number;
  to: number;
  count: number;
}

/**
 * The statement that lets them enter. A shard sends them in order, each run from where the last
 * ended, so where it begins names it: a run that was sent before enters no second time, whatever
 * was added to it meanwhile.
 */
export function ledgerRunToInsert(db: D1Database, run: LedgerRun): D1PreparedStatement {
  const { campaignId, type, shard, from, to, count } = run;
  return db
    .prepare(
      `INSERT INTO event_runs
       SELECT c.id, ${nextSequence("c.id")}, ?2, c.brand_id, c.mode, ${nextPosition("c.brand_id")},
              ?3, ?4, ?5, ?6, ?7, ?8, NULL
       FROM campaigns AS c WHERE c.id = ?1
       ON CONFLICT (subject_id, source) DO NOTHING`,
    )
    .bind(campaignId, count, type, ledgerSource(run), shard, from, to, Date.now());
}

/** What to ask for after it: up to where the shard's entries are in the log now, and who hears. */
export function ledgerRunEnd(db: D1Database, run: LedgerRun): D1PreparedStatement {
  return db
    .prepare(
      `SELECT to_number AS "to", brand_id AS brandId,
              EXISTS (SELECT 1 FROM webhook_endpoints AS w
                WHERE w.brand_id = event_runs.brand_id AND w.status = 'enabled') AS isHeard
       FROM event_runs WHERE subject_id = ? AND source = ?`,
    )
    .bind(run.campaignId, ledgerSource(run));
}

/**
 * The statement that logs which codes of a campaign are about to be revoked: those of `places` that
 * are not. An event names its code's place in the inventory; D1's row of it says the rest.
 */
export function revocationsToInsert(
  db: D1Database,
  campaignId: string,
  {
    id,
    places,
    now,
  }: { id: string; places: readonly { batchId: string; ordinal: number }[]; now: number },
): D1PreparedStatement {
  // Somebody may have typed a code twice.
  const byPlace = places.map((place) => [`${place.batchId}/${place.ordinal}`, place] as const);
  const distinct = [...new Map(byPlace).values()];
  return db
    .prepare(
      `INSERT INTO event_runs
       SELECT c.id, ${nextSequence("c.id")}, n.count, c.brand_id, c.mode, ${nextPosition("c.brand_id")},
              'code.revoked', ?2, NULL, NULL, NULL, ?3, n.data
       FROM campaigns AS c JOIN (
         SELECT count(*) AS count,
                json_group_array(json_array(?3, json_array(codes.batch_id, codes.ordinal))) AS data
         FROM json_each(?4) AS d CROSS JOIN codes
           ON codes.batch_id = d.value ->> 0 AND codes.ordinal = d.value ->> 1
         WHERE codes.revoked_at IS NULL
       ) AS n ON n.count > 0
       WHERE c.id = ?1 ON CONFLICT (subject_id, source) DO NOTHING`,
    )
    .bind(
      campaignId,
      id,
      now,
      JSON.stringify(distinct.map(({ batchId, ordinal }) => [batchId, ordinal])),
    );
}

function ledgerSource({ type, shard, from }: LedgerRun): string {
  return `${type}/${shard}/${from}`;
}

/** The position of the run that an event is in, if the scope may see it. */
export async function findRunOf(
  db: D1Database,
  { brandId, mode }: CampaignScope,
  { subject, sequence }: { subject: string; sequence: number },
): Promise<number | null> {
  // Of a campaign, or of the brand.
  const subjectId = brandId.slice(4) === subject ? brandId : `cmp_${subject}`;
  const row = await db
    .prepare(
      `SELECT position FROM event_runs WHERE subject_id = ?1 AND brand_id = ?2
         AND first_sequence = (SELECT max(first_sequence) FROM event_runs
           WHERE subject_id = ?1 AND first_sequence <= ?3)
         AND ?3 < first_sequence + count AND (?4 IS NULL OR mode = ?4)`,
    )
    .bind(subjectId, brandId, sequence, mode)
    .first<{ position: number }>();
  return row?.position ?? null;
}

/** Where an event lies: its place in the run, and of what is in no ledger what is said of it. */
export interface LoggedEvent {
  sequence: number;
  type: EventType;
  mode: KeyMode;
  offset: number;
  shard: number | null;
  fromNumber: number | null;
  /** JSON of [timestamp, data]. */
  data: string | null;
}

/** The events of those sequences; what the log no longer has is left out. */
export async function findEvents(
  db: D1Database,
  subjectId: string,
  sequences: readonly number[],
): Promise<LoggedEvent[]> {
  const { results } = await db
    .prepare(
      `SELECT s.value AS sequence, e.type, e.mode, s.value - e.first_sequence AS offset, e.shard,
              e.from_number AS fromNumber,
              e.data -> ('$[' || (s.value - e.first_sequence) || ']') AS data
       FROM json_each(?2) AS s CROSS JOIN event_runs AS e
         ON e.subject_id = ?1 AND e.first_sequence =
           (SELECT max(r.first_sequence) FROM event_runs AS r WHERE r.subject_id = ?1 AND r.first_sequence <= s.value)
       WHERE s.value < e.first_sequence + e.count AND e.entered_at >= ?3`,
    )
    .bind(subjectId, JSON.stringify(sequences), Date.now() - EVENTS_KEPT_MS)
    .all<LoggedEvent>();
  return results;
}

/**
 * The statement that deletes what is no longer replayed: two runs for one that enters, so the log
 * gets no longer, and nobody has to come for that. The last run stays, because the next sequence
 * follows it.
 */
export function oldestToForget(db: D1Database, subjectId: string): D1PreparedStatement {
  return db
    .prepare(
      `DELETE FROM event_runs WHERE subject_id = ?1 AND entered_at < ?2 AND first_sequence IN (
         SELECT first_sequence FROM event_runs WHERE subject_id = ?1
           AND first_sequence < (SELECT max(first_sequence) FROM event_runs WHERE subject_id = ?1)
         ORDER BY first_sequence LIMIT 2)`,
    )
    .bind(subjectId, Date.now() - EVENTS_KEPT_MS);
}

/** The codes at those places, in their order; null where there is none. */
export async function findCodesAt(
  db: D1Database,
  places: readonly { batchId: string; ordinal: number }[],
): Promise<({ code: string; claimId: string | null } | null)[]> {
  const { results } = await db
    .prepare(
      `SELECT d.key AS at, c.code, c.claim_id AS claimId FROM json_each(?1) AS d
       CROSS JOIN codes AS c ON c.batch_id = d.value ->> 0 AND c.ordinal = d.value ->> 1`,
    )
    .bind(JSON.stringify(places.map(({ batchId, ordinal }) => [batchId, ordinal])))
    .all<{ at: number; code: string; claimId: string | null }>();
  const found = new Map(results.map((row) => [row.at, row]));
  return places.map((_, at) => found.get(at) ?? null);
}
