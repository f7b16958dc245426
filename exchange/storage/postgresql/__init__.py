"""The ledger on PostgreSQL: who owns a node, its writer, the port's methods; the statements are
those of the storage.
"""
