"""The way of a message, one file a step: accept (validate, route, record) and forward (deliver,
answer, count); no channel and no SQL.
"""
