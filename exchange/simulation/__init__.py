"""A year of exchange: calendar, workload, virtual time, and the partners in the same process; the
journey is the exchange's own.
"""
