-- What a campaign says of its codes. JSON as on the wire; NULL: the default format.
ALTER TABLE campaigns ADD COLUMN code_format TEXT;
ALTER TABLE campaigns ADD COLUMN accept_guessable INTEGER NOT NULL DEFAULT 0 CHECK (accept_guessable IN (0, 1));

-- A look that generated codes of a brand have, and the key of their check characters. With it a
-- guess is told from a code without looking for the code. Rows are only added: codes live on.
CREATE TABLE code_shapes (
  id TEXT PRIMARY KEY,
  brand_id TEXT NOT NULL REFERENCES brands (id),
  number INTEGER NOT NULL,       -- 1, 2, 3, … within the brand: two that are added at once see each other.
  template TEXT NOT NULL,        -- JSON: fixed text, and numbers of places in a row.
  alphabet TEXT NOT NULL,
  check_key TEXT NOT NULL,       -- 32 hex digits, never shown.
  created_at INTEGER NOT NULL,
  usable_from INTEGER NOT NULL,  -- No code is made by it before every copy of these rows is newer.
  unchecked_from INTEGER,        -- From then on codes without its check characters look like it.
  UNIQUE (brand_id, number)
) STRICT, WITHOUT ROWID;

-- NULL: codes that were not drawn by a shape.
ALTER TABLE batches ADD COLUMN shape_id TEXT REFERENCES code_shapes (id);
CREATE INDEX batches_by_shape ON batches (shape_id) WHERE shape_id IS NOT NULL;
-- What is left to do, whatever else there is.
CREATE INDEX batches_running ON batches (campaign_id, id) WHERE status = 'running';

-- Codes made until now have no check characters.
INSERT INTO code_shapes (id, brand_id, number, template, alphabet, check_key, created_at, usable_from, unchecked_from)
SELECT 'shp_' || substr(id, 5), id, 1, '[4,"-",4,"-",4]', 'CDFGHJKMNPQRTVWXY23456789', '00000000000000000000000000000000', 0, 0, 0
FROM brands WHERE id IN (SELECT c.brand_id FROM batches AS b JOIN campaigns AS c ON c.id = b.campaign_id);
