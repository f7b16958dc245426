"""The ledger on a database: tables, migrations, the writer that commits in groups, queries,
verification; the only place with SQL.
"""
