"""Scenarios: who sends what when, how partners misbehave, and what must have been counted then; as
files, read and judged here, run elsewhere.
"""
