-- Days from a claim until its contact data is deleted; NULL: kept until it is erased.
ALTER TABLE campaigns ADD COLUMN contact_retention_days INTEGER CHECK (contact_retention_days BETWEEN 1 AND 3650);
