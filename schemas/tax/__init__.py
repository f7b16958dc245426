"""Requests by Kela for taxation data and the Tax Administration's responses; modelled, since no
public specification exists.
"""
