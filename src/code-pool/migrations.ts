/**
 * The pool's own schema. Append only: objects in the field have run the earlier entries already.
 * What a table or a column is for stands above its entry: inside, the Worker would carry it along.
 */

export const MIGRATIONS: readonly string[] = [
  // pool: one row: which campaign and shard this is, the newest settings seen (campaign: JSON of
  // PoolCampaign), and how far D1 has been told: it shows claims up to projected_slot.
  //
  // pending_lease: a lease that is about to be asked for, or whose answer was lost. Stored before
  // asking.
  //
  // blocks: blocks of codes leased from D1. Slots number this shard's codes 1, 2, 3, … in the
  // order in which they will be given: a block holds first_slot … first_slot + size - 1. codes is
  // a JSON array of size codes, and the last column: reading the rest need not load it.
  //
  // given_back: ends of blocks on their way back to D1: no longer in blocks, and not free before
  // D1 has said so. By number, in order: two ends of one lease must reach D1 one by one. size is
  // of the lease before.
  //
  // claims: who was given which code. The two constraints are the product's promise: the primary
  // key lets no slot, and so no code, be given twice; UNIQUE lets no user take the same nth code
  // twice. Times are Unix time in milliseconds. attempt is of the request that made it: its lost
  // answer can be given again. consent is JSON {share_contact, version}, or NULL where none was
  // asked or given; contact is JSON {email, name, attributes}, only where consent was given.
  `
  CREATE TABLE pool (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    shard INTEGER NOT NULL,
    campaign TEXT NOT NULL,
    projected_slot INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE pending_lease (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    lease_id TEXT NOT NULL,
    size INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE blocks (
    first_slot INTEGER PRIMARY KEY,
    lease_id TEXT NOT NULL UNIQUE,
    batch_id TEXT NOT NULL,
    from_ordinal INTEGER NOT NULL,
    size INTEGER NOT NULL CHECK (size > 0),
    codes TEXT NOT NULL,
    UNIQUE (batch_id, from_ordinal)
  ) STRICT;

  CREATE TABLE given_back (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    lease_id TEXT NOT NULL,
    size INTEGER NOT NULL,
    kept INTEGER NOT NULL CHECK (0 <= kept AND kept < size)
  ) STRICT;

  CREATE TABLE claims (
    slot INTEGER PRIMARY KEY,
    user_key TEXT NOT NULL,
    nth INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    code TEXT NOT NULL,
    claimed_at INTEGER NOT NULL,
    expires_at INTEGER,
    idempotency_key TEXT,
    attempt TEXT NOT NULL,
    consent TEXT,
    contact TEXT,
    UNIQUE (user_key, nth)
  ) STRICT;
  `,
  // redemptions: codes that were spent. At most one for a slot, and so for a code. order_id is the
  // shop's; terms is JSON {order, discount, discountAmount}, as agreed at the checkout.
  //
  // claims.redeemed_at: set with the redemption, so that reading a claim reads one row.
  //
  // pool.projected_redemption: redemptions up to this number are shown by D1.
  //
  // withdrawn: codes that were revoked before anybody had them: their slots are passed over. By
  // their place in the inventory, because a block may come after the word that one of its codes is
  // revoked.
  `
  CREATE TABLE redemptions (
    number INTEGER PRIMARY KEY,
    slot INTEGER NOT NULL REFERENCES claims (slot),
    order_id TEXT NOT NULL,
    terms TEXT NOT NULL,
    redeemed_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX redemptions_by_slot ON redemptions (slot);

  ALTER TABLE claims ADD COLUMN redeemed_at INTEGER;
  ALTER TABLE claims ADD COLUMN revoked_at INTEGER;

  ALTER TABLE pool ADD COLUMN projected_redemption INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE withdrawn (
    batch_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    PRIMARY KEY (batch_id, ordinal)
  ) STRICT, WITHOUT ROWID;
  `,
  // claims.erased_by: the erasure that took the user's id and contact data from the claim. user_id
  // is '' from then on.
  //
  // pool.contacts_deleted_slot: contact data of claims up to this slot is deleted: its time was
  // over.
  `
  ALTER TABLE claims ADD COLUMN erased_by TEXT;

  ALTER TABLE pool ADD COLUMN contacts_deleted_slot INTEGER NOT NULL DEFAULT 0;
  `,
  // requests: those that came with an Idempotency-Key, and what they were first answered. Written
  // with what they did: neither is ever there without the other. And proofs, each good for one
  // user. key_hash is SHA-256 of the key and its scope, as a key may hold anything; fingerprint is
  // SHA-256 of the request, of a proof the user's key. A request of the kind bound was answered
  // elsewhere. attempt is of the request that was answered so; answered is 201 or 200; target is
  // the claim's slot, or the redemption's number; shown is the claim's status in that answer.
  //
  // sweeps: one row: when old requests were last looked for, and where that goes on.
  `
  CREATE TABLE requests (
    key_hash TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('claim', 'redemption', 'bound', 'proof')),
    attempt TEXT,
    answered INTEGER,
    target INTEGER,
    shown TEXT,
    made_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE sweeps (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    swept_at INTEGER NOT NULL,
    next_hash TEXT NOT NULL
  ) STRICT;
  INSERT INTO sweeps (only_row, swept_at, next_hash) VALUES (1, 0, '');

  ALTER TABLE claims DROP COLUMN idempotency_key;
  `,
  // When the breaker tripped here last, by which limit, and whether D1 and the other shards know.
  `
  ALTER TABLE pool ADD COLUMN tripped_at INTEGER;
  ALTER TABLE pool ADD COLUMN tripped_max INTEGER;
  ALTER TABLE pool ADD COLUMN trip_is_told INTEGER NOT NULL DEFAULT 1 CHECK (trip_is_told IN (0, 1));
  `,
  // Counts what entered the event log from here for webhooks to hear of, and what they have heard.
  `
  ALTER TABLE pool ADD COLUMN news INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE pool ADD COLUMN news_confirmed INTEGER NOT NULL DEFAULT 0;
  `,
  // redemptions: one may be undone; then the code may be spent again. One of a slot stands at most:
  // rollback is the number of its undoing in the log, and 0 while it stands.
  //
  // log: what became of codes after they were given, in the order in which D1 is to hear of it; a
  // code's end is told once. Entries of before have the numbers that D1's log names.
  //
  // holds: orders' claims to codes. One that is past its end has lapsed, whether anybody noted it
  // or not.
  //
  // reservations: claims that have no code yet: each keeps one of the stock, no matter which, until
  // it is revealed or its time is over. user_id is '' once it is noted that it has lapsed.
  // pool.reserved counts those of which that is not noted.
  //
  // outside: codes that were handed out elsewhere. Their slots are below zero, since no block here
  // gave them.
  //
  // withdrawn.revoked_at: NULL where the code was not revoked, but handed out elsewhere; or was
  // revoked before this was told.
  //
  // lives: stretches of slots whose codes were given for one length of life (seconds, NULL without
  // end), so that within each the codes expire in the order of their slots; and from which slot on
  // the ends are still to be told.
  `
  ALTER TABLE redemptions ADD COLUMN rollback INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE redemptions ADD COLUMN rolled_back_at INTEGER;
  ALTER TABLE redemptions ADD COLUMN rollback_reason TEXT;
  DROP INDEX redemptions_by_slot;
  CREATE UNIQUE INDEX redemptions_by_slot ON redemptions (slot, rollback);
  CREATE INDEX redemptions_rolled_back ON redemptions (rollback) WHERE rollback > 0;

  CREATE TABLE log (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('redeemed', 'rolled_back', 'expired')),
    slot INTEGER NOT NULL REFERENCES claims (slot),
    redemption INTEGER REFERENCES redemptions (number),
    at INTEGER NOT NULL,
    CHECK ((redemption IS NULL) = (kind = 'expired'))
  ) STRICT;
  CREATE UNIQUE INDEX log_expired ON log (slot) WHERE kind = 'expired';
  INSERT INTO log SELECT number, 'redeemed', slot, number, redeemed_at FROM redemptions;
  ALTER TABLE pool RENAME COLUMN projected_redemption TO projected_log;

  CREATE TABLE holds (
    number INTEGER PRIMARY KEY,
    slot INTEGER NOT NULL REFERENCES claims (slot),
    order_id TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_by TEXT CHECK (ended_by IN ('redeemed', 'released', 'lapsed')),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
  ) STRICT;
  CREATE UNIQUE INDEX holds_open ON holds (slot) WHERE ended_at IS NULL;

  CREATE TABLE reservations (
    user_key TEXT NOT NULL,
    nth INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    reveal_by INTEGER NOT NULL,
    attempt TEXT NOT NULL,
    consent TEXT,
    contact TEXT,
    lapsed INTEGER NOT NULL DEFAULT 0 CHECK (lapsed IN (0, 1)),
    PRIMARY KEY (user_key, nth)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX reservations_by_end ON reservations (lapsed, reveal_by);
  ALTER TABLE pool ADD COLUMN reserved INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0);
  CREATE TRIGGER reservations_made AFTER INSERT ON reservations BEGIN
    UPDATE pool SET reserved = reserved + 1 - NEW.lapsed;
  END;
  CREATE TRIGGER reservations_lapsed AFTER UPDATE OF lapsed ON reservations BEGIN
    UPDATE pool SET reserved = reserved + OLD.lapsed - NEW.lapsed;
  END;
  CREATE TRIGGER reservations_gone AFTER DELETE ON reservations BEGIN
    UPDATE pool SET reserved = reserved - 1 + OLD.lapsed;
  END;

  CREATE TABLE outside (
    slot INTEGER PRIMARY KEY REFERENCES claims (slot) CHECK (slot < 0),
    batch_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    UNIQUE (batch_id, ordinal)
  ) STRICT;

  ALTER TABLE withdrawn ADD COLUMN revoked_at INTEGER;

  CREATE TABLE lives (
    first_slot INTEGER PRIMARY KEY,
    seconds INTEGER,
    next_slot INTEGER NOT NULL
  ) STRICT;
  -- The length may have been changed before there was a note of it: the claims tell.
  INSERT INTO lives SELECT slot, seconds, slot FROM (
    SELECT slot, seconds, lag(slot) OVER by_slot AS slot_before, lag(seconds) OVER by_slot AS seconds_before
    FROM (SELECT slot, (expires_at - claimed_at) / 1000 AS seconds FROM claims)
    WINDOW by_slot AS (ORDER BY slot)
  ) WHERE slot_before IS NULL OR seconds IS NOT seconds_before;
  INSERT INTO lives SELECT next, seconds, next FROM (
    SELECT campaign ->> 'codeLifetimeSeconds' AS seconds,
           (SELECT coalesce(max(slot), 0) + 1 FROM claims) AS next FROM pool
  ) WHERE NOT EXISTS (SELECT 1 FROM lives)
    OR (SELECT l.seconds FROM lives AS l ORDER BY first_slot DESC LIMIT 1) IS NOT seconds;
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
