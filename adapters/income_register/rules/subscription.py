"""Rules of a main subscription as a whole: its ids, its schedule, its times and its change span; no
QueryDataType, and nothing remembered.

Source: "Tekninen rajapinta - Tietojen toimittaminen tulorekisteriin 2021", chapters 8.2.2, 8.2.4
and 8.3 (vero.fi). That a MainSubscriptionId is the subscriber's own for each main subscription is
judged by the register's memory (`register/versions.py`).
"""

from __future__ import annotations

from exchange.adapters.income_register.document import Element
from exchange.adapters.income_register.findings import Book, read_day
from exchange.adapters.income_register.orders.subscription import (
    CONTINUOUS,
    ONE_TIME,
    as_data,
    first_at,
    milliseconds,
)
from exchange.schemas.income_register.codes import plain

_SCHEDULES = {ONE_TIME: "OnetimeDeliverySchedule", CONTINUOUS: "RecurringDeliverySchedule"}
_SPAN = ("ModifiedTimespanStart", "ModifiedTimespanEnd")
#: The years in which whatever is counted from a day stays a day: the register's own texts name no
#: bounds.
_YEARS = range(1900, 10_000)


def check_year(book: Book, element: Element) -> bool:
    """Whether a day or a time is one that can be reckoned with."""
    text = (element.text or "").strip()
    day = read_day(text.partition("T")[0])
    if day is not None and day.year not in _YEARS:
        book.add("year-unfit", element, f"a year from {_YEARS[0]} to {_YEARS[-1]}", text)
        return False
    return day is not None


def check_main(book: Book, main: Element) -> None:
    """The rules of MainSubscription; what is missing or no date at all is the schema's business."""
    _check_ids(book, main)
    kind, schedule = plain(main.findtext("SubscriptionType")), main.find("Schedule/*")
    found = {
        name: each
        for name in ("ValidFrom", "ValidUntil", *_SPAN)
        if (each := main.find(name)) is not None
    }
    reckonable = [check_year(book, each) for each in found.values()]
    if not all(reckonable) or "ValidFrom" not in found:
        return
    first, last = ((main.findtext(name) or "").strip()[:10] for name in ("ValidFrom", "ValidUntil"))
    # Of a one-time subscription the last day says nothing (8.2.2).
    if kind == CONTINUOUS and last and last < first:
        book.add("period-order", found["ValidUntil"], f"{first} or later", last)
    if schedule is None or kind not in _SCHEDULES:
        return
    if schedule.tag != _SCHEDULES[kind]:
        book.add("schedule-unfit", schedule, _SCHEDULES[kind], schedule.tag)
        return
    if kind == CONTINUOUS and (end := found.pop(_SPAN[1], None)) is not None:
        book.add("change-span-end", end, "no ModifiedTimespanEnd", end.text)
    if given := [found[name] for name in _SPAN if name in found]:
        _check_span(book, main, given)


def _check_ids(book: Book, main: Element) -> None:
    """Each part of a main subscription has an id of its own (8.2.4)."""
    seen: set[str] = set()
    for element in main.iterfind("Subscriptions/Subscription/SubscriptionId"):
        name = (element.text or "").strip()
        if name in seen:
            book.add("subscription-id-repeated", element, "a SubscriptionId of its own", name)
        seen.add(name)


def _check_span(book: Book, main: Element, given: list[Element]) -> None:
    """A change span is over before the first extraction (8.2.2). `given` are its start, its end, or
    both.
    """
    try:
        extracted, times = (
            first_at(as_data(main, "", "", 0)),
            [milliseconds(each.text) for each in given],
        )
    except ValueError:
        # Something is no time at all, as the schema has said.
        return
    for element, time in zip(given, times, strict=True):
        if extracted and time >= extracted:
            book.add(
                "change-span-late", element, "a time before the first extraction", element.text
            )
    if times[-1] < times[0]:
        book.add("period-order", given[-1], f"{given[0].text} or later", given[-1].text)
