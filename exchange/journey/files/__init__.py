"""Messages that come and go as files, in folders that partners and the exchange share."""
