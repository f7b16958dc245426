"""Makes valid synthetic messages of Kelmu, and tells what the stub of the benefit register knows."""

from exchange.adapters.kelmu.generate.messages import (
    GENERATORS,
    HABITS,
    benefit_query,
    benefit_query_bulk,
    information_request,
    statements,
)
from exchange.adapters.kelmu.generate.records import records

__all__ = [
    "GENERATORS",
    "HABITS",
    "benefit_query",
    "benefit_query_bulk",
    "information_request",
    "records",
    "statements",
]
