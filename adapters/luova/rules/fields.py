"""What the rules of several families ask of single elements: days, numbers, their order, a person's
code; and what a rule is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from exchange.ports.message import Context, Identity, Parsed
from exchange.ports.rows import Remember
from exchange.schemas.identifiers import is_business_id, is_personal_identity_code
from exchange.schemas.instants import finnish_day_of
from exchange.schemas.violation import Finding

Element = Any
#: What a family says of a message type of its own: every finding.
Rule = Callable[[Parsed, Context], list[Finding]]
#: What a family asks of earlier messages of a type: the keys under which it left something.
Keys = Callable[[Parsed], Sequence[str]]
#: What it leaves behind of an accepted message.
Remembering = Callable[[Parsed, Identity, Context], Sequence[Remember]]
#: Plain digits only: a number of a million digits, or with an exponent, is the schema's to refuse
#: and nothing to reckon with.
NUMBER = re.compile(r"[+-]?0{0,18}(?:[0-9]{1,12}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})")


def day_of(element: Element | None) -> date | None:
    """The day of a date, or of a moment in Finland; None when there is none or it is none."""
    try:
        return finnish_day_of(element.text or "") if element is not None else None
    except ValueError:
        return None


def number_of(element: Element | None) -> Decimal | None:
    """A number below 10^12, None when there is none or it is none that a schema would take."""
    text = (element.text or "").strip() if element is not None else ""
    return Decimal(text) if NUMBER.fullmatch(text) else None


def in_order(first: Element | None, last: Element | None, rule: str, message: str) -> list[Finding]:
    """A finding at the second when its day is before the first's."""
    start, end = day_of(first), day_of(last)
    if start is None or end is None or start <= end:
        return []
    return [
        Finding(rule=rule, message=message, at=last, expected=f"{start} or later", found=str(end))
    ]


def not_longer(
    first: Element | None, last: Element | None, years_max: int, rule: str, message: str
) -> list[Finding]:
    """A finding at the second when more than so many years (of 366 days) lie between the two."""
    start, end = day_of(first), day_of(last)
    if start is None or end is None or end - start <= timedelta(days=366 * years_max):
        return []
    return [Finding(rule, message, last, f"at most {years_max} years")]


def personal_identity_code(code: Element | None, rule: str) -> list[Finding]:
    """A code in the right form must be one: its date exists and its check character agrees. It is
    not repeated.
    """
    if code is None or is_personal_identity_code(code.text or ""):
        return []
    return [
        Finding(
            rule,
            "not a personal identity code",
            code,
            "an existing date and the right check character",
        )
    ]


def business_id(element: Element | None, rule: str) -> list[Finding]:
    """A business id in the right form must have the right check digit."""
    if element is None or is_business_id(element.text or ""):
        return []
    return [
        Finding(
            rule=rule,
            message="not a business id",
            at=element,
            expected="the right check digit",
            found=(element.text or "")[:20],
        )
    ]


def of_item(findings: list[Finding], item: int) -> list[Finding]:
    """The same findings, about that item."""
    for finding in findings:
        finding.item = item
    return findings
