"""The Incomes Register's messages: schemas, code lists and message types; no rules and no
transport.
"""
