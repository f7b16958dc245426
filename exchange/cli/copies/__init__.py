"""`exchange backup`, `restore` and `move`: a ledger at another place, proved there."""
