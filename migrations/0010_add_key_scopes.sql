-- What a key may do, and from which pages it may be used.
ALTER TABLE api_keys ADD COLUMN scopes TEXT; -- JSON array; NULL: all. Secret keys only.
ALTER TABLE api_keys ADD COLUMN allowed_origins TEXT NOT NULL DEFAULT '[]'; -- JSON array. Publishable keys only.
ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER; -- A few minutes behind at most.

-- Which origins may ask at all: a browser's preflight names its page's origin and no key. It
-- follows from api_keys.allowed_origins by the triggers below.
CREATE TABLE key_origins (
  origin TEXT NOT NULL,
  key_id TEXT NOT NULL REFERENCES api_keys (id),
  PRIMARY KEY (origin, key_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_origins_by_key ON key_origins (key_id);

CREATE TRIGGER api_keys_origins_added AFTER INSERT ON api_keys BEGIN
  INSERT OR IGNORE INTO key_origins (origin, key_id) SELECT value, NEW.id FROM json_each(NEW.allowed_origins);
END;

CREATE TRIGGER api_keys_origins_changed AFTER UPDATE OF allowed_origins ON api_keys BEGIN
  DELETE FROM key_origins WHERE key_id = NEW.id;
  INSERT OR IGNORE INTO key_origins (origin, key_id) SELECT value, NEW.id FROM json_each(NEW.allowed_origins);
END;
