"""Drills of several nodes on one PostgreSQL server."""
