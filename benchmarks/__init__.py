"""Measuring the exchange beside what it could be at best, in one run; nothing of it is imported by
the service.
"""
