/**
 * The pool's own schema. Append only: objects in the field have run the earlier entries already.
 */

export const MIGRATIONS: readonly string[] = [
  `
  -- One row: which campaign and shard this is, the newest settings seen, and how far D1 has been told.
  CREATE TABLE pool (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    shard INTEGER NOT NULL,
    campaign TEXT NOT NULL,            -- JSON of PoolCampaign.
    projected_slot INTEGER NOT NULL    -- Claims up to this slot are shown by D1.
  ) STRICT;

  -- A lease that is about to be asked for, or whose answer was lost. Stored before asking.
  CREATE TABLE pending_lease (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    lease_id TEXT NOT NULL,
    size INTEGER NOT NULL
  ) STRICT;

  -- Blocks of codes leased from D1. Slots number this shard's codes 1, 2, 3, … in the order in which
  -- they will be given: a block holds first_slot … first_slot + size - 1.
  CREATE TABLE blocks (
    first_slot INTEGER PRIMARY KEY,
    lease_id TEXT NOT NULL UNIQUE,
    batch_id TEXT NOT NULL,
    from_ordinal INTEGER NOT NULL,
    size INTEGER NOT NULL CHECK (size > 0),
    codes TEXT NOT NULL,               -- JSON array of size codes. Last: reading the rest need not load it.
    UNIQUE (batch_id, from_ordinal)
  ) STRICT;

  -- Ends of blocks on their way back to D1: no longer in blocks, and not free before D1 has said so.
  CREATE TABLE given_back (
    number INTEGER PRIMARY KEY,        -- In order: two ends of one lease must reach D1 one by one.
    id TEXT NOT NULL UNIQUE,
    lease_id TEXT NOT NULL,
    size INTEGER NOT NULL,             -- Of the lease before.
    kept INTEGER NOT NULL CHECK (0 <= kept AND kept < size)
  ) STRICT;

  -- Who was given which code. The two constraints are the product's promise: the primary key lets no
  -- slot, and so no code, be given twice; UNIQUE lets no user take the same nth code twice.
  CREATE TABLE claims (
    slot INTEGER PRIMARY KEY,
    user_key TEXT NOT NULL,
    nth INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    code TEXT NOT NULL,
    claimed_at INTEGER NOT NULL,       -- Unix time in milliseconds.
    expires_at INTEGER,
    idempotency_key TEXT,
    attempt TEXT NOT NULL,             -- Of the request that made it: its lost answer can be given again.
    consent TEXT,                      -- JSON {share_contact, version}, or NULL where none was asked or given.
    contact TEXT,                      -- JSON {email, name, attributes}, only where consent was given.
    UNIQUE (user_key, nth)
  ) STRICT;
  `,
  `
  -- Codes that were spent. At most one redemption for a slot, and so for a code.
  CREATE TABLE redemptions (
    number INTEGER PRIMARY KEY,
    slot INTEGER NOT NULL REFERENCES claims (slot),
    order_id TEXT NOT NULL,            -- The shop's.
    terms TEXT NOT NULL,               -- JSON {order, discount, discountAmount}, as agreed at the checkout.
    redeemed_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX redemptions_by_slot ON redemptions (slot);

  -- Set with the redemption, so that reading a claim reads one row.
  ALTER TABLE claims ADD COLUMN redeemed_at INTEGER;
  ALTER TABLE claims ADD COLUMN revoked_at INTEGER;

  -- Redemptions up to this number are shown by D1.
  ALTER TABLE pool ADD COLUMN projected_redemption INTEGER NOT NULL DEFAULT 0;

  -- Codes that were revoked before anybody had them: their slots are passed over. By their place in
  -- the inventory, because a block may come after the word that one of its codes is revoked.
  CREATE TABLE withdrawn (
    batch_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    PRIMARY KEY (batch_id, ordinal)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- The erasure that took the user's id and contact data from the claim. user_id is '' from then on.
  ALTER TABLE claims ADD COLUMN erased_by TEXT;

  -- Contact data of claims up to this slot is deleted: its time was over.
  ALTER TABLE pool ADD COLUMN contacts_deleted_slot INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- Requests that came with an Idempotency-Key, and what they were first answered. Written with what
  -- they did: neither is ever there without the other. And proofs, each good for one user.
  CREATE TABLE requests (
    key_hash TEXT PRIMARY KEY,         -- SHA-256 of the key and its scope: a key may hold anything.
    fingerprint TEXT NOT NULL,         -- SHA-256 of the request; of a proof the user's key.
    kind TEXT NOT NULL CHECK (kind IN ('claim', 'redemption', 'bound', 'proof')), -- bound: answered elsewhere.
    attempt TEXT,                      -- Of the request that was answered so.
    answered INTEGER,                  -- 201 or 200.
    target INTEGER,                    -- The claim's slot, or the redemption's number.
    shown TEXT,                        -- The claim's status in that answer.
    made_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- One row: when old requests were last looked for, and where that goes on.
  CREATE TABLE sweeps (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    swept_at INTEGER NOT NULL,
    next_hash TEXT NOT NULL
  ) STRICT;
  INSERT INTO sweeps (only_row, swept_at, next_hash) VALUES (1, 0, '');

  ALTER TABLE claims DROP COLUMN idempotency_key;
  `,
  `
  -- When the breaker tripped here last, by which limit, and whether D1 and the other shards know.
  ALTER TABLE pool ADD COLUMN tripped_at INTEGER;
  ALTER TABLE pool ADD COLUMN tripped_max INTEGER;
  ALTER TABLE pool ADD COLUMN trip_is_told INTEGER NOT NULL DEFAULT 1 CHECK (trip_is_told IN (0, 1));
  `,
  `
  -- Counts what entered the event log from here for webhooks to hear of, and what they have heard.
  ALTER TABLE pool ADD COLUMN news INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE pool ADD COLUMN news_confirmed INTEGER NOT NULL DEFAULT 0;
  `,
];

/**
 * Brings the object's schema up to date in one transaction. Synchronous, so that no request can be
 * served before it. (SQLite's own user_version is closed to Workers.)
 */
export function migrate(storage: DurableObjectStorage): void {
  storage.transactionSync(() => {
    storage.sql.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL) STRICT");
    const applied = storage.sql
      .exec<{ version: number }>("SELECT coalesce(max(version), 0) AS version FROM schema_version")
      .one().version;
    for (const [index, migration] of MIGRATIONS.entries()) {
      if (index < applied) continue;
      storage.sql.exec(migration);
      storage.sql.exec("INSERT INTO schema_version (version) VALUES (?)", index + 1);
    }
  });
}
