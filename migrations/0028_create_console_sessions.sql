-- A person who signed in to the console with a secret key, in one browser. It may do what its key
-- may, for as long as both count.
CREATE TABLE console_sessions (
  hash TEXT PRIMARY KEY, -- SHA-256 of what the browser's cookie holds, lower-case hex.
  key_id TEXT NOT NULL REFERENCES api_keys (id),
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX console_sessions_by_end ON console_sessions (expires_at);
