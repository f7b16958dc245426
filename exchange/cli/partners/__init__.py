"""`exchange partners`: the stubs, the partners of a running exchange, and partners of one's own."""
