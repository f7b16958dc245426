"""Signing what the register sends and verifying what it gets (XML-DSig)."""
