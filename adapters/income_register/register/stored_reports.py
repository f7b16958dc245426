"""Finds the stored deliveries that hold given reports, by what is remembered of each report;
renders nothing.

That memory is the index by report: its record says which messages brought it. What retention has
dropped is not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from exchange.adapters.income_register.register.stored_delivery import StoredDelivery, Wanted
from exchange.adapters.income_register.register_records import (
    ReportKeys,
    ReportRecord,
    key_of_register_id,
    read_record,
)
from exchange.ports import Desk


async def records_of(desk: Desk, keys: Iterable[str]) -> dict[str, ReportRecord]:
    """What is remembered under keys of records, as far as there is anything."""
    known = await desk.recall(list(dict.fromkeys(keys)))
    return {
        key: record for key, found in known.items() if (record := read_record(found)) is not None
    }


async def stored_delivery_of(desk: Desk, message_id: int) -> StoredDelivery | None:
    """A delivery by its message's id, when it is still held with its body."""
    envelope = await desk.message(message_id)
    if envelope is None:
        return None
    types, position = (envelope.message_type,), envelope.position
    found = await desk.stored(types, position - 1, position, 1)
    return StoredDelivery(*found[0]) if found and found[0][1] else None


async def versions_held(
    desk: Desk,
    report_keys: ReportKeys,
    versions: Mapping[str, int],
    records: Mapping[str, ReportRecord],
) -> list[tuple[StoredDelivery, list[Wanted]]]:
    """The deliveries that brought those versions (by ReportId) of reports of one report_keys, the
    newest first, each with its reports.
    """
    candidates = {
        message
        for report_id in versions
        if (record := records.get(report_keys.place(report_id)[0]))
        for message in record.messages
    }
    left, found = dict(versions), []
    for message_id in sorted(candidates, reverse=True):
        envelope = await desk.message(message_id)
        if envelope is None:
            continue
        here = [
            Wanted(index, name, version)
            for index, name, version, _ in envelope.detail.get("valid", ())
            if left.get(name) == version
        ]
        if here and (delivery := await stored_delivery_of(desk, message_id)) is not None:
            found.append((delivery, here))
            for each in here:
                del left[each.report_id]
        if not left:
            break
    return found


async def messages_of(desk: Desk, register_ids: Sequence[str]) -> list[int]:
    """The messages that may hold reports with these IRReportIds, the newest first."""
    records = await records_of(desk, map(key_of_register_id, register_ids))
    return sorted(
        {message for record in records.values() for message in record.messages}, reverse=True
    )


def newest(report_keys: ReportKeys, report_id: str, records: Mapping[str, ReportRecord]) -> int:
    """The newest version of a report, below 0 when it is invalidated, 0 when there is none."""
    key, suffix = report_keys.place(report_id)
    record = records.get(key)
    return record.versions.get(suffix, 0) if record is not None else 0
