"""Proving a ledger, beside its sources."""
