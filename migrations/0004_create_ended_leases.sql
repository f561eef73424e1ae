-- Ids of leases that were given back whole and then leased on under another id. A lease that was
-- asked for under such an id, and reaches D1 late, must not be granted again: its shard has long
-- forgotten the id, and nobody could have the codes.
CREATE TABLE ended_leases (
  id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
