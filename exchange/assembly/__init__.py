"""The one place that picks concrete classes: ledger, clock, ids, transport, journey, from the
settings; no behaviour of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exchange.assembly.parts import (
    check_listeners,
    check_partners,
    check_role,
    check_telemetry,
    checking,
    directory_of,
    ledger_address,
    ledger_of,
    ledger_path,
    played_directory,
    warm_up,
)
from exchange.assembly.statistics import own_endpoints, statistics_report

if TYPE_CHECKING:
    from exchange.assembly.exchange import Exchange

__all__ = [
    "Exchange",
    "check_listeners",
    "check_partners",
    "check_role",
    "check_telemetry",
    "checking",
    "directory_of",
    "ledger_address",
    "ledger_of",
    "ledger_path",
    "own_endpoints",
    "played_directory",
    "statistics_report",
    "warm_up",
]


def __getattr__(name: str) -> Any:
    # Most commands judge or count without an exchange: the server and the pages, a tenth of what a
    # command imports, are imported when the first one asks for `Exchange`.
    if name != "Exchange":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from exchange.assembly.exchange import Exchange

    return Exchange
