-- One request to erase a user. It is on its way until finished_at says that nothing of the user is
-- left, here or in any pool.
CREATE TABLE erasures (
  id TEXT PRIMARY KEY,
  brand_id TEXT NOT NULL REFERENCES brands (id),
  mode TEXT CHECK (mode IN ('live', 'test')), -- Of which campaigns; NULL: of all.
  user_id TEXT,                               -- Whom to erase; NULL once it is done.
  after_campaign TEXT NOT NULL DEFAULT '',    -- Campaigns are done in the order of their ids, up to this one.
  claims INTEGER NOT NULL DEFAULT 0,          -- From which the user's data was taken.
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  CHECK ((user_id IS NULL) = (finished_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- Those that are on their way.
CREATE INDEX erasures_running ON erasures (brand_id, id) WHERE finished_at IS NULL;
