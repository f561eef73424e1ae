/** What lies on disk after the runtime was killed, read by SQLite without a line of the Worker. */

import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { CampaignDump, CodeRow, LedgerRow, RequestRow, RunRow } from "./history.ts";

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
     FROM claims LEFT JOIN blocks ON slot >= first_slot AND slot < first_slot + size`,
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
  return { campaign: pool.campaign, ledger, requests };
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
  const dumps = withFile(d1, (db) =>
    campaigns.map((campaign): CampaignDump => {
      const codes = rowsOf<CodeRow>(
        db,
        `SELECT batch_id AS batchId, ordinal, code, user_id AS user
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
      return { codes, runs, ledger: [], requests: [] };
    }),
  );
  const secrets = withFile(d1, (db) => {
    const sql = "SELECT id, user_key_secret AS secret FROM campaigns";
    const rows = rowsOf<{ id: string; secret: string }>(db, sql);
    return new Map(rows.map(({ id, secret }) => [id, secret]));
  });
  for (const file of filesUnder(path.join(stateDir, "v3/do"), /\.sqlite$/)) {
    const pool = withFile(file, (db) => readPool(db, { keys, secrets }));
    const at = pool === null ? -1 : campaigns.indexOf(pool.campaign);
    dumps[at]?.ledger.push(...(pool?.ledger ?? []));
    dumps[at]?.requests.push(...(pool?.requests ?? []));
  }
  return dumps;
}
