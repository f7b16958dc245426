"""Renders what the register hands on: a FromIR document of reports that are rendered already, in
canonical form; reads no store.

Source: the register's schemas WageReportsFromIR, BenefitReportsFromIR and
PayerSummaryReportsFromIR, 2017/1 (vero.fi).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exchange.adapters.income_register.document import (
    BENEFIT_REPORTS,
    NAMESPACE,
    PAYER_SUMMARY_REPORTS,
    WAGE_REPORTS,
    text,
)
from exchange.schemas.instants import instant

ROOTS = {
    WAGE_REPORTS: "WageReportsFromIR",
    BENEFIT_REPORTS: "BenefitReportsFromIR",
    PAYER_SUMMARY_REPORTS: "PayerSummaryReportsFromIR",
}


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a FromIR document says of itself. `span` is the change span in milliseconds; the ids are
    empty in a real-time query.
    """

    message_type: str
    query_type: str
    query_id: str
    at: int
    profile: str = ""
    span: tuple[int, int] | None = None
    main_id: str = ""
    part_id: str = ""
    register_ids: tuple[str, str] = ("", "")


def render(extraction: Extraction, reports: Sequence[bytes]) -> bytes:
    """The document in exclusive canonical form, not yet signed. `reports` are Report elements in
    that form.
    """
    name = ROOTS[extraction.message_type]
    subscription = {
        "QueryDataType": extraction.query_type,
        "QueryProfile": extraction.profile,
        "ProductionEnvironment": "false",
        "IRMainSubscriptionId": extraction.register_ids[0],
        "IRSubscriptionId": extraction.register_ids[1],
        "MainSubscriptionId": extraction.main_id,
        "SubscriptionId": extraction.part_id,
    }
    head = _part("Subscription", subscription)
    if extraction.span is not None:
        start, end = map(instant, extraction.span)
        ids = {"IRQueryId": extraction.query_id, "QueryTimestamp": instant(extraction.at)}
        head += _part("Query", {**ids, "QueryTimespanStart": start, "QueryTimespanEnd": end})
    head += _part("Summary", {"NrOfReports": str(len(reports))})
    opening = f'<ir:{name} xmlns:ir="{NAMESPACE}{name}">{head}{"<Reports>" if reports else ""}'
    return b"".join(
        (opening.encode(), *reports, f"{'</Reports>' if reports else ''}</ir:{name}>".encode())
    )


def _part(name: str, values: dict[str, str]) -> str:
    return f"<{name}>{''.join(f'<{field}>{text(value)}</{field}>' for field, value in values.items() if value)}</{name}>"
