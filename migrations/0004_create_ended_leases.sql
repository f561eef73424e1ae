-- Ids under which no lease may be granted any more: their shard heard no answer and asked what had
-- become of them. A call that still lies somewhere on its way to D1 comes too late.
CREATE TABLE ended_leases (
  id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
