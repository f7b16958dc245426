"""Tests; the folders mirror the sources, and contracts/, journeys/ and architecture/ stand beside
them.
"""
