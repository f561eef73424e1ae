/**
 * What the log says, told: the one place where an event gets its words, whoever asks. What was
 * claimed and redeemed is told by the pools as they know it at that moment, so a user who was
 * erased, or whose contact data had its time, is in no event any more. May import code-pool/,
 * inventory/, db/ and domain/.
 */

import type { Claim } from "../code-pool/ledger.ts";
import type { LogEntry } from "../code-pool/log.ts";
import type { LedgerEntries, LedgerStretch } from "../code-pool/messages.ts";
import { poolOfShard } from "../code-pool/stub.ts";
import type { LoggedRun } from "../db/events.ts";
import { claimIdOf, formatClaimId } from "../domain/claim.ts";
import { formatEventId, type EventData, type EventType, type ToldEvent } from "../domain/event.ts";
import { isId } from "../domain/id.ts";
import { formatRedemptionId } from "../domain/redemption.ts";
import { findCodesAt, findEvents, type LoggedEvent } from "../inventory/event-log.ts";

export { listRuns, type LoggedRun } from "../db/events.ts";

/** The sequences that a run holds above `after`, at most `limit`. */
export function sequencesOf(run: LoggedRun, after: number, limit: number): number[] {
  const first = Math.max(run.firstSequence, after + 1);
  const count = Math.min(limit, run.firstSequence + run.count - first);
  return Array.from({ length: Math.max(0, count) }, (_, i) => first + i);
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
  const logged = await findEvents(env.DB, subjectId, sequences);
  const [fromLedgers, revoked] = await Promise.all([
    tellLedgers(env, subjectId, logged),
    tellRevoked(
      env.DB,
      logged.filter(({ type }) => type === "code.revoked"),
    ),
  ]);
  const asLogged = logged
    .filter(({ type, shard }) => shard === null && type !== "code.revoked")
    .map((event): Said => {
      const [at, data] = JSON.parse(event.data ?? "[]") as [number, EventData[EventType]];
      return { event, at, data };
    });
  const campaignId = isId("campaign", subjectId) ? subjectId : null;
  return new Map(
    [...fromLedgers, ...revoked, ...asLogged].map(({ event: { sequence, type }, at, data }) => [
      sequence,
      {
        id: formatEventId(subjectId, sequence),
        type,
        timestamp: toTime(at),
        campaign_id: campaignId,
        sequence,
        data,
        // Each entered the log with the data of its type.
      } as ToldEvent,
    ]),
  );
}

interface Said {
  event: LoggedEvent;
  at: number;
  data: EventData[EventType];
}

const toTime = (ms: number) => new Date(ms).toISOString();
const toTimeOrNull = (ms: number | null) => (ms === null ? null : toTime(ms));

/** Those that lie in pools' ledgers; one call to each pool, in which each run is one stretch. */
async function tellLedgers(env: Env, campaignId: string, logged: LoggedEvent[]): Promise<Said[]> {
  const inLedgers = logged.flatMap((event) =>
    event.shard === null || event.fromNumber === null
      ? []
      : [{ event, shard: event.shard, from: event.fromNumber }],
  );
  const byShard = Map.groupBy(inLedgers, ({ shard }) => shard);
  const told = [...byShard].map(async ([shard, mine]) => {
    const runs = [...Map.groupBy(mine, ({ event, from }) => `${event.type}/${from}`).values()];
    const stretches = runs.map((run): LedgerStretch => {
      const offsets = run.map(({ event }) => event.offset);
      const skip = Math.min(...offsets);
      const kind = run[0]?.event.type === "claim.created" ? "claims" : "log";
      return { kind, after: run[0]?.from ?? 0, skip, take: Math.max(...offsets) - skip + 1 };
    });
    const { call } = poolOfShard(env, { id: campaignId }, shard);
    const entries = await call((pool) => pool.readLedger(stretches));
    return runs.flatMap((run, i) => {
      const [stretch, found] = [stretches[i], entries[i]];
      return run.map(({ event }) => {
        const said =
          stretch && found && tellEntry({ campaignId, shard }, found, event.offset - stretch.skip);
        if (said == null) throw new Error(`The ledger has no entry for event ${event.sequence}`);
        return { event, ...said };
      });
    });
  });
  return (await Promise.all(told)).flat();
}

type Where = { campaignId: string; shard: number };

function tellEntry(where: Where, entries: LedgerEntries, at: number): Omit<Said, "event"> | null {
  if (entries.kind === "claims") {
    const claim = entries.claims[at];
    return claim === undefined
      ? null
      : { at: claim.claimedAt, data: claimCreated(where.campaignId, claim) };
  }
  const entry = entries.entries[at];
  return entry === undefined ? null : { at: entry.at, data: whatBecame(where, entry) };
}

function whatBecame(where: Where, { kind, at, claim, redemption }: LogEntry): EventData[EventType] {
  const of = {
    claim_id: claimIdOf(where.campaignId, claim),
    code: claim.code,
    user_id: claim.userId,
  };
  if (redemption === null) return { ...of, expired_at: toTime(at) };
  const { number, orderId, terms, redeemedAt, rolledBack } = redemption;
  const spent = {
    redemption_id: formatRedemptionId({ ...where, number }),
    ...of,
    order_id: orderId,
  };
  if (kind === "rolled_back") {
    return { ...spent, reason: rolledBack?.reason ?? "", rolled_back_at: toTime(at) };
  }
  return {
    ...spent,
    order: terms.order,
    discount: terms.discount,
    discount_amount: terms.discountAmount,
    redeemed_at: toTime(redeemedAt),
  };
}

function claimCreated(campaignId: string, claim: Claim): EventData["claim.created"] {
  const { userId, consent, contact } = claim;
  return {
    claim_id: formatClaimId({ ...claim, campaignId }),
    code: claim.code,
    user_id: userId,
    // A pool keeps contact data only where the user agreed; said twice, because it is told abroad.
    contact: consent?.share_contact === true ? contact : null,
    consent,
    claimed_at: toTime(claim.claimedAt),
    expires_at: toTimeOrNull(claim.expiresAt),
  };
}

/** Revoked codes, as D1 shows them: each event names the code's place in the inventory. */
async function tellRevoked(db: D1Database, logged: LoggedEvent[]): Promise<Said[]> {
  if (logged.length === 0) return [];
  const places = logged.map(({ data }) => {
    const [at, [batchId, ordinal]] = JSON.parse(data ?? "") as [number, [string, number]];
    return { at, batchId, ordinal };
  });
  const codes = await findCodesAt(db, places);
  return logged.flatMap((event, i) => {
    const [place, code] = [places[i], codes[i]];
    if (place === undefined || code == null) return [];
    const data: EventData["code.revoked"] = {
      code: code.code,
      claim_id: code.claimId,
      revoked_at: toTime(place.at),
    };
    return [{ event, at: place.at, data }];
  });
}
