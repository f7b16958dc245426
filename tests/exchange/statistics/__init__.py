"""Tests of the exchange statistics."""
