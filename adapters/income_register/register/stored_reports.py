"""Finds the stored deliveries that hold given reports, by what is remembered of each report;
renders nothing.

That memory is the index by report: its row says which messages brought it. What retention has
dropped is not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from exchange.adapters.income_register.register.stored_delivery import Holding, Wanted
from exchange.adapters.income_register.rows import Row, Shelf, key_of_register_id, read_row
from exchange.ports import Desk


async def rows_of(desk: Desk, keys: Iterable[str]) -> dict[str, Row]:
    """What is remembered under keys of rows, as far as there is anything."""
    known = await desk.recall(list(dict.fromkeys(keys)))
    return {key: row for key, found in known.items() if (row := read_row(found)) is not None}


async def holding_of(desk: Desk, message_id: int) -> Holding | None:
    """A delivery by its message's id, when it is still held with its body."""
    envelope = await desk.message(message_id)
    if envelope is None:
        return None
    types, position = (envelope.message_type,), envelope.position
    found = await desk.stored(types, position - 1, position, 1)
    return Holding(*found[0]) if found and found[0][1] else None


async def versions_held(
    desk: Desk, shelf: Shelf, versions: Mapping[str, int], rows: Mapping[str, Row]
) -> list[tuple[Holding, list[Wanted]]]:
    """The deliveries that brought those versions (by ReportId) of reports of one shelf, the newest
    first, each with its reports.
    """
    candidates = {
        message
        for report_id in versions
        if (row := rows.get(shelf.place(report_id)[0]))
        for message in row.messages
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
        if here and (holding := await holding_of(desk, message_id)) is not None:
            found.append((holding, here))
            for each in here:
                del left[each.report_id]
        if not left:
            break
    return found


async def messages_of(desk: Desk, register_ids: Sequence[str]) -> list[int]:
    """The messages that may hold reports with these IRReportIds, the newest first."""
    rows = await rows_of(desk, map(key_of_register_id, register_ids))
    return sorted({message for row in rows.values() for message in row.messages}, reverse=True)


def newest(shelf: Shelf, report_id: str, rows: Mapping[str, Row]) -> int:
    """The newest version of a report, below 0 when it is invalidated, 0 when there is none."""
    key, suffix = shelf.place(report_id)
    row = rows.get(key)
    return row.versions.get(suffix, 0) if row is not None else 0
