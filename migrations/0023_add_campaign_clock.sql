-- The times at which campaigns start and end, to be told when they come. A row that is told stays:
-- the same time is told once. It follows from the campaigns by the triggers below.
CREATE TABLE campaign_clock (
  campaign_id TEXT NOT NULL REFERENCES campaigns (id),
  type TEXT NOT NULL CHECK (type IN ('campaign.started', 'campaign.ended')),
  at INTEGER NOT NULL, -- The campaign's starts_at or ends_at.
  brand_id TEXT NOT NULL REFERENCES brands (id),
  is_told INTEGER NOT NULL DEFAULT 0 CHECK (is_told IN (0, 1)),
  PRIMARY KEY (campaign_id, type, at)
) STRICT, WITHOUT ROWID;

-- What comes next.
CREATE INDEX campaign_clock_untold ON campaign_clock (brand_id, at) WHERE is_told = 0;

-- What is past by now is no news.
INSERT INTO campaign_clock (campaign_id, type, at, brand_id, is_told)
SELECT id, type, at, brand_id, at <= unixepoch('subsec') * 1000
FROM (
  SELECT id, 'campaign.started' AS type, starts_at AS at, brand_id FROM campaigns WHERE status <> 'ended'
  UNION ALL
  SELECT id, 'campaign.ended', ends_at, brand_id FROM campaigns WHERE status <> 'ended'
)
WHERE at IS NOT NULL;

-- What is over already does not start.
CREATE TRIGGER campaign_clock_set AFTER INSERT ON campaigns
WHEN NEW.status <> 'ended' AND coalesce(NEW.starts_at, NEW.ends_at) IS NOT NULL BEGIN
  INSERT INTO campaign_clock (campaign_id, type, at, brand_id)
  SELECT NEW.id, 'campaign.started', NEW.starts_at, NEW.brand_id
  WHERE NEW.starts_at IS NOT NULL AND coalesce(NEW.ends_at > unixepoch('subsec') * 1000, 1)
  UNION ALL
  SELECT NEW.id, 'campaign.ended', NEW.ends_at, NEW.brand_id WHERE NEW.ends_at IS NOT NULL;
END;

-- A time that has come is told though it was moved meanwhile.
CREATE TRIGGER campaign_clock_moved AFTER UPDATE OF starts_at, ends_at ON campaigns
WHEN NEW.status <> 'ended' AND (NEW.starts_at IS NOT OLD.starts_at OR NEW.ends_at IS NOT OLD.ends_at) BEGIN
  DELETE FROM campaign_clock
  WHERE campaign_id = NEW.id AND is_told = 0 AND at > unixepoch('subsec') * 1000
    AND at IS NOT iif(type = 'campaign.started', NEW.starts_at, NEW.ends_at);
  INSERT OR IGNORE INTO campaign_clock (campaign_id, type, at, brand_id)
  SELECT NEW.id, 'campaign.started', NEW.starts_at, NEW.brand_id
  WHERE NEW.starts_at IS NOT NULL AND coalesce(NEW.ends_at > unixepoch('subsec') * 1000, 1)
  UNION ALL
  SELECT NEW.id, 'campaign.ended', NEW.ends_at, NEW.brand_id WHERE NEW.ends_at IS NOT NULL;
END;

-- Ended by request, which tells it: it ends no more, and what has not started never will.
CREATE TRIGGER campaign_clock_stopped AFTER UPDATE OF status ON campaigns
WHEN NEW.status = 'ended' AND OLD.status <> 'ended' BEGIN
  DELETE FROM campaign_clock
  WHERE campaign_id = NEW.id AND is_told = 0
    AND (type = 'campaign.ended' OR at > unixepoch('subsec') * 1000);
END;
