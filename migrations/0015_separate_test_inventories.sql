-- A brand has two inventories, and neither knows of the other: that of its live campaigns, named as
-- the brand, and that of its test campaigns, named '<brand id>/test'. A code, a shape and the length
-- of an imported code belong to one of them.
ALTER TABLE codes RENAME COLUMN brand_id TO inventory;

UPDATE codes SET inventory = inventory || '/test'
WHERE batch_id IN (
  SELECT b.id FROM batches AS b JOIN campaigns AS c ON c.id = b.campaign_id WHERE c.mode = 'test'
);

-- A reference to brands cannot be taken from a table, so the next two are made anew.

-- Of which mode the codes of a length were is not known. One too many costs a look at the codes.
CREATE TABLE old_lengths AS SELECT * FROM imported_lengths;
DROP TABLE imported_lengths;
CREATE TABLE imported_lengths (
  inventory TEXT NOT NULL,
  length INTEGER NOT NULL,
  PRIMARY KEY (inventory, length)
) STRICT, WITHOUT ROWID;
INSERT INTO imported_lengths (inventory, length)
SELECT brand_id, length FROM old_lengths
UNION ALL
SELECT brand_id || '/test', length FROM old_lengths
WHERE brand_id IN (
  SELECT c.brand_id FROM imports AS i JOIN campaigns AS c ON c.id = i.campaign_id WHERE c.mode = 'test'
);
DROP TABLE old_lengths;

-- Test codes were made by the brand's shapes, and their check characters tell by the same keys that
-- they are good: their inventory gets a copy of each shape that they have. Batches refer to shapes, so
-- none names one meanwhile.
CREATE TABLE batch_shapes AS
SELECT b.id AS batch_id, b.shape_id || iif(c.mode = 'test', '/test', '') AS shape_id
FROM batches AS b JOIN campaigns AS c ON c.id = b.campaign_id
WHERE b.shape_id IS NOT NULL;
CREATE TABLE old_shapes AS SELECT * FROM code_shapes;
UPDATE batches SET shape_id = NULL WHERE shape_id IS NOT NULL;
DROP TABLE code_shapes;

CREATE TABLE code_shapes (
  id TEXT PRIMARY KEY,
  inventory TEXT NOT NULL,
  number INTEGER NOT NULL,       -- 1, 2, 3, … within the inventory: two that are added at once see each other.
  template TEXT NOT NULL,        -- JSON: fixed text, and numbers of places in a row.
  alphabet TEXT NOT NULL,
  check_key TEXT NOT NULL,       -- 32 hex digits, never shown.
  created_at INTEGER NOT NULL,
  usable_from INTEGER NOT NULL,  -- No code is made by it before every copy of these rows is newer.
  unchecked_from INTEGER,        -- From then on codes without its check characters look like it.
  UNIQUE (inventory, number)
) STRICT, WITHOUT ROWID;

INSERT INTO code_shapes (id, inventory, number, template, alphabet, check_key, created_at, usable_from, unchecked_from)
SELECT id, brand_id, number, template, alphabet, check_key, created_at, usable_from, unchecked_from
FROM old_shapes
UNION ALL
SELECT id || '/test', brand_id || '/test', row_number() OVER (PARTITION BY brand_id ORDER BY number),
  template, alphabet, check_key, created_at, usable_from, unchecked_from
FROM old_shapes WHERE id || '/test' IN (SELECT shape_id FROM batch_shapes);
UPDATE batches SET shape_id = moved.shape_id FROM batch_shapes AS moved WHERE moved.batch_id = batches.id;
DROP TABLE old_shapes;
DROP TABLE batch_shapes;
