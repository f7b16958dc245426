"""The Incomes Register channel: wage and benefit reports over SOAP 1.1, real-time and deferred, and
their status.
"""
