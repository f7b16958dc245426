"""The service: the way of a message, its storage, its counters and its surfaces; no channel's
knowledge.
"""
