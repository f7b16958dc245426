"""Tests of the publications of the exchange statistics."""
