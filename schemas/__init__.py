"""The vocabulary of the exchange and every message family; imports nothing of ours but itself and
does no I/O but its own files.
"""
