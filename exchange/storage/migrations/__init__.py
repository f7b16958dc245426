"""The ledger's migrations (Alembic), run at every start; the tables as they are now stand in
`exchange.storage.tables`.
"""
