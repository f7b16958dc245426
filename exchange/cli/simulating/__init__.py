"""`exchange simulate`: a year in shards, shared out over processes."""
