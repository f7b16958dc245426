"""Counters in the ledger: adding to them, making old minutes into days, reading them in order."""
