-- Codes and who holds them. One row a code, as few indexes as one code for each user allows.
CREATE TABLE rival_codes (
  id INTEGER PRIMARY KEY,
  campaign TEXT NOT NULL,
  code TEXT NOT NULL UNIQUE,
  user_id TEXT,
  claimed_at INTEGER
) STRICT;

-- One code for each user. Free codes stay out of it.
CREATE UNIQUE INDEX rival_codes_by_user ON rival_codes (campaign, user_id) WHERE user_id IS NOT NULL;

-- The next free code, without a search however many were given.
CREATE INDEX rival_codes_free ON rival_codes (campaign, id) WHERE user_id IS NULL;
