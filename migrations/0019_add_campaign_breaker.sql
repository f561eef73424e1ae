-- New claims that a campaign makes in one minute at most; NULL: no limit. One more, and the pools
-- pause it: breaker_tripped_at says when. Claims from breaker_counts_from on count, so that who
-- resumes it starts anew.
ALTER TABLE campaigns ADD COLUMN claims_per_minute_max INTEGER CHECK (claims_per_minute_max BETWEEN 1 AND 1000000);
ALTER TABLE campaigns ADD COLUMN breaker_tripped_at INTEGER;
ALTER TABLE campaigns ADD COLUMN breaker_counts_from INTEGER NOT NULL DEFAULT 0;
