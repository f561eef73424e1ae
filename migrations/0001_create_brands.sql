-- A brand is the tenant: every other row belongs to exactly one.
CREATE TABLE brands (
  id TEXT PRIMARY KEY,
  slug TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
  created_at INTEGER NOT NULL -- Unix time in milliseconds, as every *_at column.
) STRICT, WITHOUT ROWID;

-- A credential of a brand. The key itself is shown once and never stored.
CREATE TABLE api_keys (
  id TEXT PRIMARY KEY,
  brand_id TEXT NOT NULL REFERENCES brands (id),
  kind TEXT NOT NULL CHECK (kind IN ('secret', 'publishable')),
  mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),
  name TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE, -- SHA-256 of the whole key, lower-case hex.
  hint TEXT NOT NULL,        -- The last 4 characters, so that people can tell keys apart.
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX api_keys_by_brand ON api_keys (brand_id, id);
