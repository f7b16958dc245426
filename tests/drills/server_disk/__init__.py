"""A PostgreSQL server whose disk fails while it runs."""
