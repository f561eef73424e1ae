-- What happened, for brands to replay. A row is a run: events in a row, of one type, that entered
-- together. Rows are only added, in the transaction of the fact or by the pool that decided it. Both
-- numbers are given as a run enters: whoever has read up to one has missed nothing before it.
-- What was claimed and redeemed is not said here again: such a run only names a stretch of a pool's
-- ledger, so 500 claims cost one row, and nothing in this log has to be erased with a user.
CREATE TABLE event_runs (
  subject_id TEXT NOT NULL,        -- The campaign, or the brand for what is its own.
  first_sequence INTEGER NOT NULL, -- 1, 2, 3, … within the subject; the run ends at first_sequence + count - 1.
  count INTEGER NOT NULL CHECK (count > 0),
  brand_id TEXT NOT NULL REFERENCES brands (id),
  mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),
  position INTEGER NOT NULL,       -- 1, 2, 3, … within the brand.
  type TEXT NOT NULL,
  source TEXT NOT NULL,            -- What it is about, by a natural key: it enters once, however often it is sent.
  shard INTEGER,                   -- Of a run in a pool's ledger: its entries above from_number, up to to_number.
  from_number INTEGER,
  to_number INTEGER,
  entered_at INTEGER NOT NULL,     -- Unix time in milliseconds.
  data TEXT,                       -- Otherwise JSON: an array of [timestamp, data], one for each event.
  PRIMARY KEY (subject_id, first_sequence),
  CHECK ((data IS NULL) = (shard IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX event_runs_by_source ON event_runs (subject_id, source);
CREATE UNIQUE INDEX event_runs_by_brand ON event_runs (brand_id, position);

INSERT INTO event_runs (subject_id, first_sequence, count, brand_id, mode, position, type, source, entered_at, data)
SELECT e.campaign_id, e.sequence, 1, e.brand_id, c.mode, e.position, e.type, e.id, e.timestamp,
  json_array(json_array(e.timestamp, json(e.data)))
FROM events AS e JOIN campaigns AS c ON c.id = e.campaign_id;
DROP TABLE events;

-- How many claims the log knows of, which is how many codes are gone, and of which lows the brand
-- has been told.
CREATE TABLE campaign_stock (
  campaign_id TEXT PRIMARY KEY REFERENCES campaigns (id),
  claimed INTEGER NOT NULL DEFAULT 0,
  told TEXT NOT NULL DEFAULT '{}'  -- JSON.
) STRICT, WITHOUT ROWID;

INSERT INTO campaign_stock (campaign_id, claimed)
SELECT b.campaign_id, count(c.claim_id) FROM batches AS b JOIN codes AS c ON c.batch_id = b.id
GROUP BY b.campaign_id;

-- Codes that were revoked before anybody had them, to be counted. Others are not in it, so that
-- showing a claim costs one row.
CREATE INDEX codes_withdrawn ON codes (batch_id) WHERE revoked_at IS NOT NULL AND claim_id IS NULL;
