"""Publishing the exchange statistics: a report in, files out (CSV, JSON, JSON-stat, XLSX, HTML,
charts); no counting, no clock.
"""
