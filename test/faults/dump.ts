/** What lies on disk after the runtime was killed, read by SQLite without a line of the Worker. */

import { readdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { CampaignDump, CodeRow, LedgerRow } from "./history.ts";

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

function readPool(db: DatabaseSync): { campaign: string; ledger: LedgerRow[] } | null {
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
    idempotency_key: string | null;
    batch_id: string | null;
    ordinal: number | null;
  }>(
    db,
    `SELECT user_id, nth, code, claimed_at, idempotency_key, batch_id,
            from_ordinal + slot - first_slot AS ordinal
     FROM claims LEFT JOIN blocks ON slot >= first_slot AND slot < first_slot + size`,
  );
  const ledger = claims.map((row) => ({
    shard: pool.shard,
    user: row.user_id,
    nth: row.nth,
    code: row.code,
    claimedAt: row.claimed_at,
    idempotencyKey: row.idempotency_key,
    place:
      row.batch_id === null || row.ordinal === null
        ? null
        : { batchId: row.batch_id, ordinal: row.ordinal },
  }));
  return { campaign: pool.campaign, ledger };
}

/** The campaigns of those ids, in that order, from the files in `stateDir`. */
export function dumpCampaigns(stateDir: string, campaigns: string[]): CampaignDump[] {
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
      return { codes, ledger: [] };
    }),
  );
  for (const file of filesUnder(path.join(stateDir, "v3/do"), /\.sqlite$/)) {
    const pool = withFile(file, readPool);
    const at = pool === null ? -1 : campaigns.indexOf(pool.campaign);
    dumps[at]?.ledger.push(...(pool?.ledger ?? []));
  }
  return dumps;
}
