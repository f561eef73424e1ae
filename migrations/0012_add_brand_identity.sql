-- Who says who a brand's users are: JSON with issuer, audience, and jwks_url or a shared secret;
-- NULL = nobody.
ALTER TABLE brands ADD COLUMN identity TEXT;
