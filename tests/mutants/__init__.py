"""Planted faults: a list of changes to the product, each with the test that must fail for it, and
what runs them. `python -m tests.mutants --help` tells how.
"""
