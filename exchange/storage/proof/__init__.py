"""The proof of a ledger: the chain of its commits, its heads, and the recount of its counters."""
