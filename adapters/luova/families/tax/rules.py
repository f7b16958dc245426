"""Business rules on taxation data; their shape is the schema's. All of them are *modelled*."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from exchange.adapters.luova.rules.fields import Rule
from exchange.ports.message import Context, Parsed
from exchange.schemas.instants import finnish_day
from exchange.schemas.violation import Finding

_PARTS = {
    "earnedIncome": ("wages", "pensions", "benefits", "other"),
    "capitalIncome": ("rents", "dividends", "gains", "other"),
}
_HELD = ("finishedOn", "earnedIncome", "capitalIncome", "deductions", "taxes", "taxCard")


def _year(data: Any, context: Context) -> list[Finding]:
    """A year that has begun; there are no data of a later one."""
    year = data.get("taxYear")
    this = finnish_day(context.now).year
    if not isinstance(year, int) or year <= this:
        return []
    return [
        Finding(
            rule="tax.year",
            message="there are no data of a year that has not begun",
            at=("taxYear",),
            expected=f"at most {this}",
            found=str(year),
        )
    ]


def request(parsed: Parsed, context: Context) -> list[Finding]:
    """The year, and parts that are named once each."""
    data = parsed.document
    if not isinstance(data, dict):
        return []
    findings = _year(data, context)
    parts = data.get("parts")
    parts = parts if isinstance(parts, list) else []
    for index, part in enumerate(parts):
        if part in parts[:index]:
            findings.append(
                Finding(
                    "tax.part-twice",
                    "a part is asked for once",
                    ("parts", index),
                    found=str(part)[:40],
                )
            )
        if index > len(_HELD):
            break
    return findings


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        number = Decimal(value if isinstance(value, int) else str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 10**13 else None


def _cents(values: Iterable[Any]) -> list[int] | None:
    """Numbers of whole cents as such; None when one is anything else, which may still be a
    number.
    """
    found = []
    for value in values:
        kind = type(value)
        if (kind is not float and kind is not int) or not -1e13 < value < 1e13:
            return None
        # What is nearest to so many cents is written with two decimals, or fewer.
        cents = round(value * 100)
        if cents / 100 != value:
            return None
        found.append(cents)
    return found


def _adds_up(income: dict[str, Any], members: tuple[str, ...]) -> bool:
    """Whether the total is its parts together, all of them whole cents; False also where decimals
    must tell.
    """
    cents = _cents([income.get("total"), *map(income.get, members)])
    return cents is not None and 2 * cents[0] == sum(cents)


def response(parsed: Parsed, context: Context) -> list[Finding]:
    """The year, what the status asks for, totals that add up, taxes that are not more than the
    income.
    """
    data = parsed.document
    if not isinstance(data, dict):
        return []
    findings = _year(data, context) + _status(data)
    for name, members in _PARTS.items():
        income = data.get(name)
        if not isinstance(income, dict) or _adds_up(income, members):
            continue
        values = [_number(income.get(member)) for member in members]
        total = _number(income.get("total"))
        if total is not None and None not in values:
            added = sum((value for value in values if value is not None), Decimal())
            if added != total:
                message = "the total is its parts together"
                findings.append(
                    Finding(
                        rule="tax.total",
                        message=message,
                        at=(name, "total"),
                        expected=str(added),
                        found=str(total),
                    )
                )
    return findings + _taxes(data)


def _status(data: dict[str, Any]) -> list[Finding]:
    status, finished_on, year = data.get("status"), data.get("finishedOn"), data.get("taxYear")
    if status == "no-data":
        message = "where there are no data, none are given"
        return [
            Finding("tax.no-data", message, (name,), "nothing")
            for name in _HELD
            if data.get(name) is not None
        ]
    if status == "finished" and finished_on is None:
        return [
            Finding(
                rule="tax.finished",
                message="a finished taxation has its day",
                at=("status",),
                expected="finishedOn",
                found="nothing",
            )
        ]
    if status == "under-way" and finished_on is not None:
        return [
            Finding(
                "tax.finished",
                "what is under way has no day of its end",
                ("finishedOn",),
                "nothing",
            )
        ]
    if isinstance(finished_on, str) and isinstance(year, int) and finished_on[:4] <= str(year):
        message = "a taxation ends after its year"
        return [
            Finding(
                rule="tax.finished",
                message=message,
                at=("finishedOn",),
                expected=f"{year + 1} or later",
                found=finished_on[:10],
            )
        ]
    return []


def _taxes(data: dict[str, Any]) -> list[Finding]:
    incomes = [data.get(name) for name in _PARTS]
    told = [income.get("total") for income in incomes if isinstance(income, dict)]
    if (cents := _cents([data.get("taxes"), *told])) is not None and 2 * cents[0] <= sum(cents):
        return []
    totals = [_number(total) for total in told]
    taxes = _number(data.get("taxes"))
    if taxes is None or len(totals) < len(_PARTS) or None in totals:
        return []
    most = sum((total for total in totals if total is not None), Decimal())
    if taxes <= most:
        return []
    return [
        Finding(
            rule="tax.taxes",
            message="taxes are not more than the income",
            at=("taxes",),
            expected=f"at most {most}",
            found=str(taxes),
        )
    ]


RULES: dict[str, Rule] = {
    "tax.request": request,
    "tax.response": response,
}
