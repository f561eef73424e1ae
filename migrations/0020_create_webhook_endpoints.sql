-- Where a brand wants to be told of events. Deliveries are kept by the endpoint's own object.
CREATE TABLE webhook_endpoints (
  id TEXT PRIMARY KEY,
  brand_id TEXT NOT NULL REFERENCES brands (id),
  mode TEXT NOT NULL CHECK (mode IN ('live', 'test')), -- Of the campaigns whose events it gets.
  url TEXT NOT NULL,
  events TEXT,                     -- JSON array of types; NULL: all of them, those to come included.
  campaign_ids TEXT,               -- JSON array; NULL: all campaigns.
  description TEXT,
  secrets TEXT NOT NULL,           -- JSON [{secret, expiresAt}], newest first; never shown again.
  status TEXT NOT NULL CHECK (status IN ('enabled', 'disabled')),
  disabled_reason TEXT CHECK (disabled_reason IN ('requested', 'gone', 'failing')),
  disabled_at INTEGER,
  from_position INTEGER NOT NULL,  -- What entered the brand's log up to there was before its time.
  created_at INTEGER NOT NULL,
  CHECK ((status = 'disabled') = (disabled_at IS NOT NULL) AND (disabled_at IS NULL) = (disabled_reason IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_endpoints_by_brand ON webhook_endpoints (brand_id, id);
