"""The one place that picks concrete classes: ledger, clock, ids, transport, journey, from the
settings; no behaviour of its own.
"""

from exchange.assembly.exchange import Exchange
from exchange.assembly.parts import (
    check_partners,
    check_role,
    checking,
    directory_of,
    ledger_address,
    ledger_of,
    ledger_path,
    played_directory,
    warm_up,
)
from exchange.assembly.statistics import own_endpoints, statistics_lines, statistics_report

__all__ = [
    "Exchange",
    "check_partners",
    "check_role",
    "checking",
    "directory_of",
    "ledger_address",
    "ledger_of",
    "ledger_path",
    "own_endpoints",
    "played_directory",
    "statistics_lines",
    "statistics_report",
    "warm_up",
]
