-- What is rare is found without walking through all claims in between. Claims and redemptions of
-- live campaigns are in none of these, so they cost no row more.
CREATE INDEX event_runs_told ON event_runs (brand_id, type, position) WHERE shard IS NULL;
CREATE INDEX event_runs_of_test ON event_runs (brand_id, position) WHERE mode = 'test';
