-- What a request that carried an Idempotency-Key was answered, so that repeating it does nothing
-- twice. Written in the transaction of what the request did. The answer is sealed by the caller's
-- credential and the Idempotency-Key, neither of which is stored: it cannot be read from here.
CREATE TABLE idempotency_records (
  scope_hash TEXT PRIMARY KEY, -- SHA-256 of the caller, the method, the path and the key.
  fingerprint TEXT NOT NULL,   -- Of what was asked, keyed: the same key with another request is refused.
  target TEXT,                 -- Id of what the request makes, while the answer is not known.
  status INTEGER,
  answer TEXT,                 -- Base64 of IV and ciphertext. NULL: not known yet.
  made_at INTEGER NOT NULL,
  CHECK ((status IS NULL) = (answer IS NULL) AND (answer IS NOT NULL OR target IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- What is too old goes first.
CREATE INDEX idempotency_records_by_time ON idempotency_records (made_at);
