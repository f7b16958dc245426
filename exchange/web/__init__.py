"""The exchange over HTTP: the channels' endpoints, the operators' pages, the JSON API, /metrics,
health, and the calls to partners; no rule of a channel.
"""
