-- What a campaign promises of its codes, and asks at the checkout.
-- When a claim shows its code: at once, or when the user asks for it within reveal_within_seconds.
ALTER TABLE campaigns ADD COLUMN reveal TEXT NOT NULL DEFAULT 'at_claim' CHECK (reveal IN ('at_claim', 'on_demand'));
ALTER TABLE campaigns ADD COLUMN reveal_within_seconds INTEGER NOT NULL DEFAULT 900 CHECK (reveal_within_seconds BETWEEN 10 AND 604800);
-- Who may redeem: nobody but the holder; also who brings a code that was handed out elsewhere.
ALTER TABLE campaigns ADD COLUMN holder_only INTEGER NOT NULL DEFAULT 0 CHECK (holder_only IN (0, 1));
ALTER TABLE campaigns ADD COLUMN redeem_unclaimed INTEGER NOT NULL DEFAULT 0 CHECK (redeem_unclaimed IN (0, 1));
-- 1 for the campaigns that there are: their codes were promised a life of their own. New ones are
-- inserted with what was asked for, 0 unless it was.
ALTER TABLE campaigns ADD COLUMN codes_outlive_campaign INTEGER NOT NULL DEFAULT 1 CHECK (codes_outlive_campaign IN (0, 1));
