"""Operators, their keys and sessions, and the audit log of what they changed."""
