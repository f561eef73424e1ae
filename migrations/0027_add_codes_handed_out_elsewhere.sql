-- A code that somebody brought to the checkout though nobody was given it here: no pool gives it from
-- then on, and the pool of this shard decides what becomes of it. Set once.
ALTER TABLE codes ADD COLUMN outside_shard INTEGER;

-- It is out of the stock, as one that is revoked before anybody had it; and no code is so twice.
DROP TRIGGER campaign_stock_withdrawn;
CREATE TRIGGER campaign_stock_withdrawn AFTER UPDATE OF revoked_at ON codes
WHEN OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL AND NEW.claim_id IS NULL AND NEW.outside_shard IS NULL BEGIN
  UPDATE campaign_stock SET withdrawn = withdrawn + 1, is_due = 1
  WHERE campaign_id = (SELECT campaign_id FROM batches WHERE id = NEW.batch_id);
END;

CREATE TRIGGER campaign_stock_outside AFTER UPDATE OF outside_shard ON codes
WHEN OLD.outside_shard IS NULL AND NEW.outside_shard IS NOT NULL AND NEW.claim_id IS NULL AND NEW.revoked_at IS NULL BEGIN
  UPDATE campaign_stock SET withdrawn = withdrawn + 1, is_due = 1
  WHERE campaign_id = (SELECT campaign_id FROM batches WHERE id = NEW.batch_id);
END;

DROP TRIGGER campaign_stock_claimed;
CREATE TRIGGER campaign_stock_claimed AFTER UPDATE OF claim_id ON codes
WHEN OLD.claim_id IS NULL AND NEW.claim_id IS NOT NULL AND (NEW.revoked_at IS NOT NULL OR NEW.outside_shard IS NOT NULL) BEGIN
  UPDATE campaign_stock SET withdrawn = withdrawn - 1
  WHERE campaign_id = (SELECT campaign_id FROM batches WHERE id = NEW.batch_id);
END;
