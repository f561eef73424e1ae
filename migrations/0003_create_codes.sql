-- One request that added codes. Ordinals 0 … created - 1 exist, and those below leased have been
-- given to a pool. Both only grow, so no code can be leased twice.
CREATE TABLE batches (
  id TEXT PRIMARY KEY,
  campaign_id TEXT NOT NULL REFERENCES campaigns (id),
  status TEXT NOT NULL CHECK (status IN ('running', 'complete', 'cancelled', 'failed')),
  requested INTEGER NOT NULL CHECK (requested > 0),
  created INTEGER NOT NULL DEFAULT 0,
  leased INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  CHECK (0 <= leased AND leased <= created AND created <= requested)
) STRICT, WITHOUT ROWID;

-- UNIQUE, so that SQLite sees that codes by batch and ordinal need no sorting.
CREATE UNIQUE INDEX batches_by_campaign ON batches (campaign_id, id);
-- Where the next lease comes from, however many batches are spent.
CREATE INDEX batches_with_stock ON batches (campaign_id, id) WHERE leased < created;

-- Every code there is. The claim columns are a projection of what the pools decided; the pools'
-- own storage is the truth. They stay out of every index, so that showing a claim costs one row.
CREATE TABLE codes (
  batch_id TEXT NOT NULL REFERENCES batches (id),
  ordinal INTEGER NOT NULL CHECK (ordinal >= 0), -- Place within the batch: repeating an insert adds nothing.
  brand_id TEXT NOT NULL,
  code TEXT NOT NULL,
  claim_id TEXT,
  user_id TEXT,
  claimed_at INTEGER,
  expires_at INTEGER,
  redeemed_at INTEGER,
  revoked_at INTEGER,
  PRIMARY KEY (batch_id, ordinal)
) STRICT, WITHOUT ROWID;

-- A code means one thing to a brand's checkout, whichever campaign it came from.
CREATE UNIQUE INDEX codes_by_brand_and_code ON codes (brand_id, code);

-- Codes from_ordinal … from_ordinal + size - 1 of a batch, in the hands of one pool shard. A range,
-- not a mark on each code: leasing 500 codes writes 5 rows here instead of 500.
CREATE TABLE leases (
  id TEXT PRIMARY KEY, -- Chosen and stored by the shard before it asks, so that asking again is safe.
  campaign_id TEXT NOT NULL REFERENCES campaigns (id),
  shard INTEGER CHECK (shard BETWEEN 0 AND 63), -- NULL: given back, for whichever shard asks next.
  batch_id TEXT NOT NULL REFERENCES batches (id),
  from_ordinal INTEGER NOT NULL,
  size INTEGER NOT NULL CHECK (size > 0),
  leased_at INTEGER NOT NULL,
  UNIQUE (batch_id, from_ordinal)
) STRICT, WITHOUT ROWID;

CREATE INDEX leases_by_shard ON leases (campaign_id, shard, id);

-- Blocks that were given back: they go out again before fresh ones.
CREATE INDEX leases_given_back ON leases (campaign_id, id) WHERE shard IS NULL;
