-- What is left when the brand wants to be told: JSON, as on the wire; NULL: never.
ALTER TABLE campaigns ADD COLUMN low_stock_thresholds TEXT;
