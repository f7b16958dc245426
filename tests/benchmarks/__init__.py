"""Tests of what measures: the client, the comparison, the signing; no figure is measured here."""
