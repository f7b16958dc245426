"""The ledger on PostgreSQL, beside its sources."""
