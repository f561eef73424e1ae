/**
 * Telling the brand that a campaign's stock is low or gone. D1 counts the claims of all shards as
 * they enter the log, so each crossing is told once, by whoever comes first. May import db/ and
 * domain/.
 */

import { sql } from "drizzle-orm";
import { rowsOf } from "../db/database.ts";
import { eventToInsert } from "../db/events.ts";
import type { NewEvent } from "../domain/event.ts";
import { crossings, type Threshold } from "../domain/low-stock.ts";
import { statementOf } from "./alongside.ts";

/** A campaign's stock as D1 shows it, and what the brand has been told of it. */
interface StockState {
  thresholds: string | null;
  codes: number;
  withdrawn: number;
  claimed: number;
  /** Left when most were, since `told` changed last: also what was added and went at once. */
  most: number;
  told: string;
  /** 1: codes were revoked since somebody looked. */
  isDue: number;
}

interface Told {
  /** Counts what was told, which names it. */
  number: number;
  told: string[];
}

const NOTHING: Told = { number: 0, told: [] };

/** The statement that reads the stock, for a batch that changes it. No row: no codes yet. */
export function stockToRead(db: D1Database, campaignId: string): D1PreparedStatement {
  return db
    .prepare(
      `SELECT c.low_stock_thresholds AS thresholds, s.codes, s.withdrawn, s.claimed, s.most, s.told,
              s.is_due AS isDue
       FROM campaigns AS c JOIN campaign_stock AS s ON s.campaign_id = c.id WHERE c.id = ?`,
    )
    .bind(campaignId);
}

/** How many codes there are, and how many of them nobody has and nobody gets. */
export async function readStock(
  db: D1Database,
  campaignId: string,
): Promise<Pick<StockState, "codes" | "withdrawn">> {
  const [state] = rowsOf<StockState>(await stockToRead(db, campaignId).run());
  return state ?? { codes: 0, withdrawn: 0 };
}

/** Others that tell of the same stock at the same moment, one after the other. */
const TRIES = 10;

/**
 * Tells what is to be told of the stock as it is now; `read` is what `stockToRead` has just found.
 * Safe to repeat. Rejects when D1 does not answer: then it is not known to be told.
 */
export async function tellStock(
  db: D1Database,
  campaignId: string,
  read: D1Result | null = null,
): Promise<void> {
  let [state] = rowsOf<StockState>(read ?? (await stockToRead(db, campaignId).run()));
  for (let attempt = 0; attempt < TRIES && state !== undefined; attempt++) {
    const next = nextTold(state) ?? (state.isDue === 1 ? looked(state) : null);
    if (next === null) return;
    const told = JSON.stringify(next.told);
    const timestamp = Date.now();
    const isMine = sql`EXISTS (SELECT 1 FROM campaign_stock AS s
      WHERE s.campaign_id = campaigns.id AND s.told = ${told})`;
    const results = await db.batch([
      db
        .prepare(
          `UPDATE campaign_stock SET told = ?2, most = codes - withdrawn - claimed, is_due = 0
           WHERE campaign_id = ?1 AND told = ?3 AND most = ?4 AND withdrawn = ?5`,
        )
        .bind(campaignId, told, state.told, state.most, state.withdrawn),
      ...next.events.map((event) =>
        statementOf(db, eventToInsert(db, { ...event, campaignId, timestamp }, isMine)),
      ),
      stockToRead(db, campaignId),
    ]);
    [state] = rowsOf<StockState>(results.at(-1));
    if (state?.told === told) return;
  }
  if (state !== undefined) throw new Error(`Stock of ${campaignId} kept changing`);
}

/** Campaigns of the brand in which codes were revoked and nobody has looked since, some of them. */
export async function listDueStock(db: D1Database, brandId: string): Promise<string[]> {
  const { results } = await db
    .prepare(
      `SELECT s.campaign_id AS id FROM campaign_stock AS s
       CROSS JOIN campaigns AS c ON c.id = s.campaign_id
       WHERE s.is_due = 1 AND c.brand_id = ? LIMIT 20`,
    )
    .bind(brandId)
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}

/** An event that lacks only its campaign and its time. */
type StockEvent = {
  [Type in "campaign.low_stock" | "campaign.exhausted"]: Omit<
    Extract<NewEvent, { type: Type }>,
    "campaignId" | "timestamp"
  >;
}["campaign.low_stock" | "campaign.exhausted"];

/** What is to be told, and what is told then; null when nothing changes. */
function nextTold(state: StockState): { told: Told; events: StockEvent[] } | null {
  const { codes, withdrawn, claimed, most } = state;
  const thresholds = JSON.parse(state.thresholds ?? "[]") as Threshold[];
  const known = { ...NOTHING, ...(JSON.parse(state.told) as Partial<Told>) };
  const stillTold = crossings({ thresholds, codes, available: most, told: [] }).told;
  const available = codes - withdrawn - claimed;
  const told = known.told.filter((one) => stillTold.includes(one));
  const found = crossings({ thresholds, codes, available, told });
  const isSame = found.told.join() === known.told.join();
  if (isSame && found.raise.length === 0 && !found.exhausted) return null;
  const number = known.number + 1;
  const events: StockEvent[] = found.raise.map((threshold) => ({
    id: `low-stock/${number}/${threshold}`,
    type: "campaign.low_stock",
    data: { threshold, available, codes },
  }));
  if (found.exhausted) {
    const data = { codes, claimed };
    events.push({ id: `exhausted/${number}`, type: "campaign.exhausted", data });
  }
  return { told: { number, told: found.told }, events };
}

/** Nothing is to be told: only that somebody looked. */
function looked(state: StockState): { told: Told; events: StockEvent[] } {
  const known = { ...NOTHING, ...(JSON.parse(state.told) as Partial<Told>) };
  return { told: { ...known, number: known.number + 1 }, events: [] };
}
