-- Counted as it changes: adding up 10,000 batches at every claim that enters the log would keep D1
-- from its work.
ALTER TABLE campaign_stock ADD COLUMN codes INTEGER NOT NULL DEFAULT 0;     -- Made so far.
ALTER TABLE campaign_stock ADD COLUMN withdrawn INTEGER NOT NULL DEFAULT 0; -- Revoked before anybody had them.
-- How many were left when most were, since what is told changed last.
ALTER TABLE campaign_stock ADD COLUMN most INTEGER NOT NULL DEFAULT 0;
-- Codes were revoked, and nobody has looked since whether that is to be told: no claim may follow.
ALTER TABLE campaign_stock ADD COLUMN is_due INTEGER NOT NULL DEFAULT 0 CHECK (is_due IN (0, 1));
CREATE INDEX campaign_stock_due ON campaign_stock (campaign_id) WHERE is_due = 1;

INSERT INTO campaign_stock (campaign_id, codes)
SELECT campaign_id, sum(created) FROM batches WHERE created > 0 GROUP BY campaign_id
ON CONFLICT (campaign_id) DO UPDATE SET codes = excluded.codes;
UPDATE campaign_stock SET withdrawn = (
  SELECT count(*) FROM batches AS b CROSS JOIN codes AS k ON k.batch_id = b.id
  WHERE b.campaign_id = campaign_stock.campaign_id AND k.revoked_at IS NOT NULL AND k.claim_id IS NULL);
UPDATE campaign_stock SET most = codes - withdrawn - claimed;
DROP INDEX codes_withdrawn;

CREATE TRIGGER campaign_stock_made AFTER UPDATE OF created ON batches
WHEN NEW.created <> OLD.created BEGIN
  INSERT INTO campaign_stock (campaign_id, codes, most)
  VALUES (NEW.campaign_id, NEW.created - OLD.created, NEW.created - OLD.created)
  ON CONFLICT (campaign_id) DO UPDATE SET codes = codes + excluded.codes,
    most = max(most, codes + excluded.codes - withdrawn - claimed);
END;

CREATE TRIGGER campaign_stock_withdrawn AFTER UPDATE OF revoked_at ON codes
WHEN OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL AND NEW.claim_id IS NULL BEGIN
  UPDATE campaign_stock SET withdrawn = withdrawn + 1, is_due = 1
  WHERE campaign_id = (SELECT campaign_id FROM batches WHERE id = NEW.batch_id);
END;

-- Somebody had it after all, and is counted as such.
CREATE TRIGGER campaign_stock_claimed AFTER UPDATE OF claim_id ON codes
WHEN OLD.claim_id IS NULL AND NEW.claim_id IS NOT NULL AND NEW.revoked_at IS NOT NULL BEGIN
  UPDATE campaign_stock SET withdrawn = withdrawn - 1
  WHERE campaign_id = (SELECT campaign_id FROM batches WHERE id = NEW.batch_id);
END;
