-- What happened, for brands to replay. Rows are only added, in the transaction of the fact. Both
-- numbers are given as an event enters: whoever has read up to one has missed nothing before it.
-- Times and ids cannot serve for that, because an event may enter long after it happened.
CREATE TABLE events (
  campaign_id TEXT NOT NULL REFERENCES campaigns (id),
  sequence INTEGER NOT NULL,  -- 1, 2, 3, … within the campaign.
  id TEXT NOT NULL UNIQUE,    -- Chosen before: an event that is sent again enters once.
  brand_id TEXT NOT NULL REFERENCES brands (id),
  position INTEGER NOT NULL,  -- 1, 2, 3, … within the brand.
  type TEXT NOT NULL,
  timestamp INTEGER NOT NULL, -- When it happened. Unix time in milliseconds.
  data TEXT NOT NULL,         -- JSON, as on the wire.
  PRIMARY KEY (campaign_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX events_by_brand ON events (brand_id, position);
