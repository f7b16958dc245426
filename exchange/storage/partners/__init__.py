"""What the ledger keeps of partners: those added to a running exchange, and their states."""
