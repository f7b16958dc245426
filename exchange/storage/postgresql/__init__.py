"""The ledger on PostgreSQL: its connection, its writer, its migrations; the statements are those of
the storage.
"""
