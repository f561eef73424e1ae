-- What a page must prove before it claims. JSON {type, siteKey, secret}; NULL: nothing.
ALTER TABLE campaigns ADD COLUMN challenge TEXT;
