"""Looks up what the replacements in a delivery replace, and keeps what they change though they may
not as a hint of the call; judges nothing.

The reports are read where they are stored, so that nothing more is remembered of a report that is
never replaced. Of one whose stored versions retention has dropped nothing is known.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import NamedTuple

from exchange.adapters.income_register.document import (
    REPLACEMENT,
    REPORTS,
    Item,
    delivery_data,
    demanded,
    items_of,
)
from exchange.adapters.income_register.parse import parse
from exchange.adapters.income_register.register.stored_reports import (
    newest,
    records_of,
    versions_held,
)
from exchange.adapters.income_register.register.unchangeable import (
    HINT,
    Change,
    Values,
    changes,
    held_values_of,
    values_of,
)
from exchange.adapters.income_register.register.versions import report_keys_of_delivery
from exchange.adapters.income_register.register_records import (
    ReportKeys,
    key_of_register_id,
    report_id_of,
)
from exchange.adapters.income_register.spans import LARGE_BYTES
from exchange.ports import Desk, Inbound
from exchange.schemas.violation import Malformed


async def with_originals(inbound: Inbound, desk: Desk) -> Inbound:
    """A delivery with what its replacements change; as it is when it is no delivery of reports, or
    can't be read (then it is rejected on its way).
    """
    try:
        # What is large is read beside the loop.
        large = len(inbound.body) >= LARGE_BYTES
        found = await asyncio.to_thread(_read, inbound) if large else _read(inbound)
    except Malformed:
        return inbound
    if found is None:
        return inbound
    changed = await _changed(found, inbound.partner.id, desk)
    return replace(inbound, hints={**inbound.hints, HINT: json.dumps(changed)})


class _Replacements(NamedTuple):
    """The replacements of a delivery by index, each with what stands in its fields."""

    message_type: str
    report_keys: ReportKeys
    reports: dict[int, tuple[Item, list[Values]]]


def _read(inbound: Inbound) -> _Replacements | None:
    """None when it is no delivery of reports."""
    parsed = parse(inbound)
    kind = parsed.message_type
    if kind not in REPORTS or parsed.document.find("DeliveryData") is None:
        return None
    reports: dict[int, tuple[Item, list[Values]]] = {}
    first = 0
    for document in parsed.pieces(None) if parsed.pieces is not None else (parsed.document,):
        items = items_of(kind, document)
        for index, item in enumerate(items, first):
            if item.action == REPLACEMENT:
                values = held_values_of(kind, demanded(document, "DeliveryData"), item.read)
                reports[index] = (item, values)
                item.element = None
        first += len(items)
    return _Replacements(
        kind, report_keys_of_delivery(parsed, delivery_data(parsed.document)), reports
    )


async def _changed(found: _Replacements, sender: str, desk: Desk) -> dict[int, list[Change]]:
    """By index of each replacement whose report is there: what it changes."""
    report_keys = found.report_keys
    names: dict[int, str] = {}
    by_register_id = [item.register_id for item, _ in found.reports.values() if item.register_id]
    known = await desk.recall([key_of_register_id(each) for each in by_register_id])
    for index, (item, _) in found.reports.items():
        if item.register_id:
            names[index] = report_id_of(item.register_id, report_keys, known)
        else:
            names[index] = item.report_id
    records = await records_of(desk, (report_keys.place(each)[0] for each in names.values()))
    versions = {each: newest(report_keys, each, records) for each in names.values()}
    there = {name: version for name, version in versions.items() if version > 0}
    before: dict[str, tuple[bool, list[Values]]] = {}
    for delivery, wanted in await versions_held(desk, report_keys, there, records):
        own = delivery.envelope.sender == sender
        for each in wanted:
            report = delivery.report(each.place)
            values = values_of(found.message_type, delivery.data, report)
            before[each.report_id] = (own, values)
        # A turn for others: a stored delivery may be large.
        await asyncio.sleep(0)
    return {
        index: changes(
            found.message_type, before[name][1], found.reports[index][1], before[name][0]
        )
        if name in before
        else []
        for index, name in names.items()
        if name in there
    }
