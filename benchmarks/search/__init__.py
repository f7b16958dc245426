"""What operators' looks cost on a ledger of millions of messages."""
