"""Drills of documents that are made to cost their reader time."""
