-- One upload of a brand's own codes. Those accepted are a row of batches under the same id.
CREATE TABLE imports (
  id TEXT PRIMARY KEY,
  campaign_id TEXT NOT NULL REFERENCES campaigns (id),
  status TEXT NOT NULL CHECK (status IN ('running', 'complete', 'failed')),
  dry_run INTEGER NOT NULL CHECK (dry_run IN (0, 1)),
  -- Counts of what was read so far; they move with the codes that they count.
  rows INTEGER NOT NULL DEFAULT 0,
  accepted INTEGER NOT NULL DEFAULT 0,
  duplicates INTEGER NOT NULL DEFAULT 0,
  rejected INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  touched_at INTEGER NOT NULL, -- When rows last grew: an upload that broke off says nothing.
  finished_at INTEGER,
  CHECK (rows = accepted + duplicates + rejected)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX imports_by_campaign ON imports (campaign_id, id);

-- Rows of uploads that were not accepted. Many to a page: a file that was imported before is
-- nothing but duplicates, and a million rows would cost what the codes did.
CREATE TABLE import_errors (
  import_id TEXT NOT NULL REFERENCES imports (id),
  page INTEGER NOT NULL, -- Grows with the lines of the file.
  errors TEXT NOT NULL,  -- JSON array of [line, code, reason].
  PRIMARY KEY (import_id, page)
) STRICT, WITHOUT ROWID;

-- How long the match keys of a brand's own codes are. A shape of generated codes that has one of
-- these lengths cannot tell guesses from codes.
CREATE TABLE imported_lengths (
  brand_id TEXT NOT NULL REFERENCES brands (id),
  length INTEGER NOT NULL,
  PRIMARY KEY (brand_id, length)
) STRICT, WITHOUT ROWID;
