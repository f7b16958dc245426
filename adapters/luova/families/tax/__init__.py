"""Kela's requests for taxation data and the Tax Administration's responses."""
