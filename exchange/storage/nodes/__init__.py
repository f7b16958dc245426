"""What an operator is told of the nodes that share a ledger: `workers.py` of a ledger in a file,
`server.py` of one on a PostgreSQL server.
"""
