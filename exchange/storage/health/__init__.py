"""Whether a ledger can be written: its files, what SQLite says of them, and what fails."""
