"""The nodes of a ledger as operators see them: `page.py` the page, `gauges.py` what /metrics says of
them; the API's answer stands with the other operations in `web.api`.
"""
