"""Drills of the proof of a ledger itself."""
