-- Codes and who holds them. One row a code, as few indexes as one code for each user allows.
CREATE TABLE codes (
  id INTEGER PRIMARY KEY,
  campaign TEXT NOT NULL,
  code TEXT NOT NULL UNIQUE,
  user_id TEXT,
  claimed_at INTEGER
) STRICT;

-- One code for each user. Free codes stay out of it.
CREATE UNIQUE INDEX codes_by_user ON codes (campaign, user_id) WHERE user_id IS NOT NULL;

-- The next free code, without a search however many were given.
CREATE INDEX codes_free ON codes (campaign, id) WHERE user_id IS NULL;
