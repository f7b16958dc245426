"""Makes valid synthetic messages of Kelmu, and tells what the stub of the benefit register knows."""

from exchange.adapters.kelmu.generate.lists import list_query, listed
from exchange.adapters.kelmu.generate.messages import (
    GENERATORS,
    HABITS,
    benefit_query,
    benefit_query_bulk,
    information_request,
    statements,
)
from exchange.adapters.kelmu.generate.records import records
from exchange.adapters.kelmu.generate.social_assistance import (
    document,
    notice,
    notice_transfer,
    pdf,
    png,
    with_files,
    work_list_query,
)

__all__ = [
    "GENERATORS",
    "HABITS",
    "benefit_query",
    "benefit_query_bulk",
    "document",
    "information_request",
    "list_query",
    "listed",
    "notice",
    "notice_transfer",
    "pdf",
    "png",
    "records",
    "statements",
    "with_files",
    "work_list_query",
]
