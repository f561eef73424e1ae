/** What lies on disk after the runtime was killed, read by SQLite without a line of the Worker. */

import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { CheckoutDump, HoldRow, LogRow, RedemptionRow } from "./checkout-history.ts";
import type {
  CampaignDump,
  CodeRow,
  LedgerRow,
  RequestRow,
  ReservationRow,
  RunRow,
} from "./history.ts";

/** 256 bits in Crockford's base 32, padded with zero bits at the end. */
function base32Of(hash: Buffer): string {
  const digits = (BigInt(`0x${hash.toString("hex")}`) << 4n).toString(32).padStart(52, "0");
  return digits.replace(
    /./g,
    (digit) => "0123456789abcdefghjkmnpqrstvwxyz"[parseInt(digit, 32)] ?? "",
  );
}

/** What a pool stores of a key that came with claims of the campaign. */
function keyHash(campaign: string, secret: string, key: string): string {
  const text = JSON.stringify([campaign, secret, "claims", key]);
  return base32Of(createHash("sha256").update(text).digest());
}

function filesUnder(folder: string, kind: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => kind.test(name) && !name.endsWith("metadata.sqlite"))
    .map((name) => path.join(folder, name));
}

/** Opens a file, hands it over, and closes it whatever happens. */
function withFile<T>(file: string, read: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(file);
  try {
    return read(db);
  } finally {
    db.close();
  }
}

function rowsOf<Row>(db: DatabaseSync, sql: string, ...values: string[]): Row[] {
  return db.prepare(sql).all(...values) as Row[];
}

interface PoolDump {
  campaign: string;
  ledger: LedgerRow[];
  requests: RequestRow[];
  reservations: ReservationRow[];
  checkout: Pick<CheckoutDump, "redemptions" | "holds" | "log" | "outside">;
  /** When each code that somebody has was spent, as its claim says. */
  spentAt: Map<string, number | null>;
}

/** An id that says where its thing is kept. */
function shardId(prefix: string, campaign: string, shard: number, number: number): string {
  const digits = "0123456789abcdefghjkmnpqrstvwxyz";
  return `${prefix}_${campaign.slice(4)}${digits[shard >> 5]}${digits[shard & 31]}${number}`;
}

/** What became of the codes of a pool. */
function readCheckout(
  db: DatabaseSync,
  { campaign, shard }: { campaign: string; shard: number },
): PoolDump["checkout"] {
  const redemptions = rowsOf<Omit<RedemptionRow, "shard" | "id">>(
    db,
    `SELECT number, code, order_id AS "order", redemptions.redeemed_at AS redeemedAt, rollback,
            rolled_back_at AS rolledBackAt, rollback_reason AS reason
     FROM redemptions JOIN claims USING (slot) ORDER BY number`,
  );
  const holds = rowsOf<Omit<HoldRow, "shard" | "id">>(
    db,
    `SELECT number, code, order_id AS "order", made_at AS madeAt, holds.expires_at AS expiresAt,
            ended_at AS endedAt, ended_by AS endedBy
     FROM holds JOIN claims USING (slot) ORDER BY number`,
  );
  const log = rowsOf<Omit<LogRow, "shard">>(
    db,
    "SELECT number, kind, coalesce(redemption, slot) AS target, at FROM log ORDER BY number",
  );
  const outside = rowsOf<{ code: string }>(db, "SELECT code FROM outside JOIN claims USING (slot)");
  const placed = <Row extends { number: number }>(rows: Row[], prefix: string) =>
    rows.map((row) =>
      Object.assign({ shard, id: shardId(prefix, campaign, shard, row.number) }, row),
    );
  return {
    redemptions: placed(redemptions, "rdm"),
    holds: placed(holds, "hld"),
    log: log.map((row) => Object.assign({ shard }, row)),
    outside: outside.map(({ code }) => code),
  };
}

/** `secrets` are those that the campaigns hash their users and keys with. */
function readPool(
  db: DatabaseSync,
  { keys, secrets }: { keys: ReadonlySet<string>; secrets: ReadonlyMap<string, string> },
): PoolDump | null {
  const tables = rowsOf<{ name: string }>(db, "SELECT name FROM sqlite_master WHERE name = 'pool'");
  const pool =
    tables.length > 0
      ? rowsOf<{ campaign: string; shard: number }>(
          db,
          "SELECT campaign ->> 'id' AS campaign, shard FROM pool",
        )[0]
      : undefined;
  if (pool === undefined) return null;
  const claims = rowsOf<{
    user_id: string;
    nth: number;
    code: string;
    claimed_at: number;
    slot: number;
    batch_id: string | null;
    ordinal: number | null;
  }>(
    db,
    `SELECT slot, user_id, nth, code, claimed_at, batch_id,
            from_ordinal + slot - first_slot AS ordinal
     FROM claims LEFT JOIN blocks ON slot >= first_slot AND slot < first_slot + size
     WHERE slot > 0`,
  );
  const secret = secrets.get(pool.campaign) ?? "";
  const keyOf = new Map([...keys].map((key) => [keyHash(pool.campaign, secret, key), key]));
  const codeOf = new Map(claims.map(({ slot, code }) => [slot, code]));
  const answers = rowsOf<{
    key_hash: string;
    answered: 200 | 201;
    target: number;
    made_at: number;
  }>(db, "SELECT key_hash, answered, target, made_at FROM requests WHERE kind = 'claim'");
  const requests = answers.map((row): RequestRow => ({
    idempotencyKey: keyOf.get(row.key_hash) ?? `unknown ${row.key_hash}`,
    code: codeOf.get(row.target) ?? `none in slot ${row.target}`,
    status: row.answered,
    madeAt: row.made_at,
  }));
  const madeFor = new Map(
    requests.flatMap(({ status, code, idempotencyKey }) =>
      status === 201 ? [[code, idempotencyKey] as const] : [],
    ),
  );
  const ledger = claims.map((row) => ({
    shard: pool.shard,
    slot: row.slot,
    user: row.user_id,
    nth: row.nth,
    code: row.code,
    claimedAt: row.claimed_at,
    idempotencyKey: madeFor.get(row.code) ?? null,
    place:
      row.batch_id === null || row.ordinal === null
        ? null
        : { batchId: row.batch_id, ordinal: row.ordinal },
  }));
  const reservations = rowsOf<ReservationRow>(
    db,
    `SELECT user_id AS user, nth, made_at AS madeAt, reveal_by AS revealBy FROM reservations
     WHERE lapsed = 0`,
  );
  const spent = rowsOf<{ code: string; at: number | null }>(
    db,
    "SELECT code, redeemed_at AS at FROM claims",
  );
  return {
    campaign: pool.campaign,
    ledger,
    requests,
    reservations,
    checkout: readCheckout(db, pool),
    spentAt: new Map(spent.map(({ code, at }) => [code, at])),
  };
}

/** Puts together what lies in D1 and in the pools of a campaign. */
function joined(found: InD1, pools: PoolDump[]): CampaignDump {
  const { codes, runs, marked, redeemedAt } = found;
  const ledger = pools.flatMap((pool) => pool.ledger);
  const outside = pools.flatMap(({ checkout }) => checkout.outside);
  const known = new Set([...outside, ...ledger.map(({ code }) => code)]);
  const spentAt = new Map(pools.flatMap((pool) => [...pool.spentAt]));
  const spent = codes.map(({ code }) => ({
    code,
    inPool: spentAt.get(code) ?? null,
    inD1: redeemedAt.get(code) ?? null,
  }));
  return {
    codes,
    runs,
    ledger,
    requests: pools.flatMap(({ requests }) => requests),
    reservations: pools.flatMap(({ reservations }) => reservations),
    checkout: {
      redemptions: pools.flatMap(({ checkout }) => checkout.redemptions),
      holds: pools.flatMap(({ checkout }) => checkout.holds),
      log: pools.flatMap(({ checkout }) => checkout.log),
      spent,
      outside,
      marked: marked.filter((code) => !known.has(code)),
    },
  };
}

/** What D1's file holds of a campaign. */
interface InD1 extends Pick<CampaignDump, "codes" | "runs"> {
  /** Codes that were brought to the checkout though D1 shows no claim of them. */
  marked: string[];
  /** When each code was spent, as D1 shows it. */
  redeemedAt: Map<string, number | null>;
}

/**
 * The campaigns of those ids, in that order, from the files in `stateDir`. A key is stored as a
 * hash, which can be told only of `keys` that are known to have been sent.
 */
export function dumpCampaigns(
  stateDir: string,
  campaigns: string[],
  keys: ReadonlySet<string>,
): CampaignDump[] {
  const [d1] = filesUnder(path.join(stateDir, "v3/d1"), /\.sqlite$/);
  if (d1 === undefined) throw new Error(`No D1 database under ${stateDir}`);
  const inD1 = withFile(d1, (db) => campaigns.map((campaign) => readD1(db, campaign)));
  const secrets = withFile(d1, (db) => {
    const sql = "SELECT id, user_key_secret AS secret FROM campaigns";
    const rows = rowsOf<{ id: string; secret: string }>(db, sql);
    return new Map(rows.map(({ id, secret }) => [id, secret]));
  });
  const pools = filesUnder(path.join(stateDir, "v3/do"), /\.sqlite$/)
    .map((file) => withFile(file, (db) => readPool(db, { keys, secrets })))
    .filter((pool) => pool !== null);
  return inD1.map((found, at) =>
    joined(
      found,
      pools.filter(({ campaign }) => campaign === campaigns[at]),
    ),
  );
}

function readD1(db: DatabaseSync, campaign: string): InD1 {
  const rows = rowsOf<CodeRow & { redeemedAt: number | null; isOutside: number }>(
    db,
    `SELECT batch_id AS batchId, ordinal, code, user_id AS user, redeemed_at AS redeemedAt,
            outside_shard IS NOT NULL AS isOutside
     FROM codes JOIN batches ON batches.id = batch_id AND ordinal < created
     WHERE campaign_id = ?`,
    campaign,
  );
  const runs = rowsOf<RunRow>(
    db,
    `SELECT type, first_sequence AS first, count, shard, from_number AS "from", to_number AS "to"
     FROM event_runs WHERE subject_id = ? ORDER BY first_sequence`,
    campaign,
  );
  return {
    runs,
    codes: rows.map(({ batchId, ordinal, code, user }) => ({ batchId, ordinal, code, user })),
    marked: rows.filter(({ isOutside }) => isOutside === 1).map(({ code }) => code),
    redeemedAt: new Map(rows.map(({ code, redeemedAt }) => [code, redeemedAt])),
  };
}
