-- What stays of a code when case, blanks, dashes and look-alike letters are taken away: how a typed
-- code is found. It follows from the code, so the index still lets a brand have no code twice.
ALTER TABLE codes ADD COLUMN match_key TEXT NOT NULL DEFAULT '';
-- The alphabet of the codes made until now holds no two look-alikes.
UPDATE codes SET match_key = replace(code, '-', '');
DROP INDEX codes_by_brand_and_code;
CREATE UNIQUE INDEX codes_by_match_key ON codes (brand_id, match_key, code);
