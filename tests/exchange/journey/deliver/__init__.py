"""Deliveries: which is made when, by whom, and what its outcome leads to."""
