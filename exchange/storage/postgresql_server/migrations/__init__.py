"""The revisions of the ledger on PostgreSQL, numbered by themselves; run by `migrate`, never by
hand.
"""
