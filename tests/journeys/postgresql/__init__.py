"""An exchange whose ledger is on PostgreSQL, as real processes."""
