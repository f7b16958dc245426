"""A PostgreSQL server as a place for a ledger: its address, sessions on it, its migrations; the
ledger there is `storage.postgresql`.
"""
