-- Who changed what: for each brand a chain, written in the transaction of each change. An entry's
-- hash covers all that it says and the hash before it, so nothing can be altered, taken out or put
-- elsewhere unnoticed. The primary key lets one of two changes that come at once be the next.
CREATE TABLE audit_log (
  brand_id TEXT NOT NULL REFERENCES brands (id),
  number INTEGER NOT NULL CHECK (number > 0), -- 1, 2, 3, … within the brand.
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,   -- The key's id, or 'operator'.
  action TEXT NOT NULL,  -- operationId of the call.
  target TEXT NOT NULL,  -- Id of what was changed.
  fields TEXT NOT NULL,  -- JSON array of the names of the fields that were set; never their values.
  request_id TEXT NOT NULL,
  address_prefix TEXT,   -- The network that the call came from, not the host.
  previous_hash TEXT,    -- NULL: the first.
  hash TEXT NOT NULL,    -- SHA-256 of all other columns, lower-case hex.
  PRIMARY KEY (brand_id, number)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_log_stays BEFORE UPDATE ON audit_log BEGIN
  SELECT RAISE(ABORT, 'audit_log is only added to');
END;

CREATE TRIGGER audit_log_remains BEFORE DELETE ON audit_log BEGIN
  SELECT RAISE(ABORT, 'audit_log is only added to');
END;
