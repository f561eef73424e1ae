-- A campaign is an offer, its window and its pool of codes.
CREATE TABLE campaigns (
  id TEXT PRIMARY KEY,
  brand_id TEXT NOT NULL REFERENCES brands (id),
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),
  status TEXT NOT NULL CHECK (status IN ('active', 'paused', 'ended')),
  -- Counts every change, so that a pool can tell an old copy of these settings from a new one.
  version INTEGER NOT NULL DEFAULT 1,
  discount TEXT,             -- JSON, as on the wire.
  starts_at INTEGER,
  ends_at INTEGER,
  claims_per_user INTEGER NOT NULL DEFAULT 1 CHECK (claims_per_user BETWEEN 1 AND 100),
  code_lifetime_seconds INTEGER CHECK (code_lifetime_seconds > 0),
  consent TEXT,              -- JSON, as on the wire.
  shop_url TEXT,
  metadata TEXT NOT NULL DEFAULT '{}',
  shards INTEGER NOT NULL DEFAULT 1 CHECK (shards BETWEEN 1 AND 64), -- Fixed: it decides where a user's claims live.
  -- Keys the hash that stands for a user in the pool; 64 hex digits, never shown.
  user_key_secret TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  CHECK (ends_at IS NULL OR starts_at IS NULL OR starts_at < ends_at),
  UNIQUE (brand_id, slug)
) STRICT, WITHOUT ROWID;

CREATE INDEX campaigns_by_brand ON campaigns (brand_id, id);
