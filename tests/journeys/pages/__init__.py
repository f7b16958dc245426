"""The operators' pages of a running exchange."""
