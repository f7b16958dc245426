"""Luova's families: a folder each, found by `discovery`; none imports another."""
