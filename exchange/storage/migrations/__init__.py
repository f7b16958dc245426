"""The ledger's migrations (Alembic), run at every start; the tables as they are now stand in
`tables` of `exchange.storage`, and of its rooms `counters` and `operators`.
"""
