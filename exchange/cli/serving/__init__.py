"""`exchange serve`: the supervisor, its workers, their port, their clock and their log."""
