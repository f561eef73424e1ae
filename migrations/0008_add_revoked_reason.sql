-- Why a code was revoked, in the brand's words.
ALTER TABLE codes ADD COLUMN revoked_reason TEXT;
