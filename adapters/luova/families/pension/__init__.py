"""Decisions, periods and queries between Kela and the work pension sector."""
