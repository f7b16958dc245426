"""Tests of the tree itself: sizes, names, layers, documents; each check is also fed a bad example
that it must catch.
"""
