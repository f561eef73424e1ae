-- Whether codes are being handed out just now: long work then gives way.
CREATE INDEX leases_by_time ON leases (leased_at);
