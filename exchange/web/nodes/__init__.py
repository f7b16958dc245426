"""The nodes of a ledger as operators see them: `operations.py` the API, `page.py` the page,
`gauges.py` what /metrics says of them.
"""
