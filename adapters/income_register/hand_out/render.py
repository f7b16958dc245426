"""Turns reports of a stored delivery into the reports that the register hands on, in canonical
form: header, references, and the contents that the query profile leaves; selects none and reads no
store.

Most deliveries are written so plainly that a report can be cut out of the bytes as it is; any other
is read as a tree. Both give the same bytes, and a test holds them against each other. The query
profiles are *modelled*: the register agrees on them with each data user, and their contents are not
public.
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from exchange.adapters.income_register.document import PARTIES, Element, demanded, parent_of, text
from exchange.adapters.income_register.register.stored_delivery import StoredDelivery, Wanted
from exchange.adapters.income_register.spans import REPORT_END, REPORTS_END, REPORTS_START
from exchange.schemas import income_register as register_schemas

_BEFORE_ID = ("Timestamp", "Source", "DeliveryId")
_AFTER_ID = ("PaymentPeriod", "PaymentDate", "ContactPersons", "ReportDate", "Payer")
_CHANNELS = {"real-time": "3", "deferred": "2", "file": "1"}
_HEAD = "DeliveryData/"
_OPENING, _CONTENTS = b"<Report><ReportData>", b"</ReportData>"
#: What makes bytes differ from their canonical form, or reports from elements without attributes,
#: prefixes and space between them. A byte alone is looked for ten times as fast as two: hence
#: comments and lines by their first one, though a text may hold it too.
_ASIDES = (b"!", b"?")
_UNPLAIN = (*_ASIDES, b"\r", b"\n", b"\t", b'"', b"'")
_REFERENCE = re.compile(rb"&(?!(?:amp|lt|gt);)")
_PLAIN_ID = re.compile("[0-9A-Za-z_-]+").fullmatch


@cache
def profiles() -> Mapping[str, tuple[str, ...]]:
    """The paths (from Report) that each query profile leaves out."""
    path = Path(register_schemas.__file__).with_name("query_profiles.toml")
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["profile"]
    return {row["name"]: tuple(row["leaves_out"]) for row in rows}


def profile_of(name: str) -> str:
    """The profile of that name, the first one when there is none."""
    return name if name in profiles() else next(iter(profiles()))


class LeftOut(NamedTuple):
    """What a profile leaves out of a report's own contents, as tags in bytes: of an element in it,
    or (empty parent) of itself.

    `next` looks for the next one that opens from a place on; `closing` are their end tags.
    """

    parent: bytes
    parent_end: bytes
    next: Callable[[bytes, int, int], re.Match[bytes] | None]
    closing: Mapping[bytes, bytes]


@cache
def _left_out(profile: str) -> tuple[LeftOut, ...]:
    by_parent: dict[str, list[str]] = {}
    for path in profiles()[profile]:
        if not path.startswith(_HEAD):
            parent, _, name = path.rpartition("/")
            by_parent.setdefault(parent, []).append(name)

    return tuple(_of_parent(parent, names) for parent, names in by_parent.items())


def _of_parent(parent: str, names: Sequence[str]) -> LeftOut:
    closing = {_opening(name): _closing(name) for name in names}
    return LeftOut(
        _opening(parent), _closing(parent), re.compile(b"|".join(closing)).search, closing
    )


def _opening(name: str) -> bytes:
    return f"<{name}>".encode() if name else b""


def _closing(name: str) -> bytes:
    return f"</{name}>".encode() if name else b""


def render_reports(delivery: StoredDelivery, wanted: Sequence[Wanted], profile: str) -> list[bytes]:
    """The reports as Report elements of a FromIR document.

    Raises:
        KeyError: when there is no such profile.
    """
    found = by_bytes(delivery, wanted, profile)
    return by_tree(delivery, wanted, profile) if found is None else found


def by_bytes(
    delivery: StoredDelivery, wanted: Sequence[Wanted], profile: str
) -> list[bytes] | None:
    """The same without reading the reports; None when they are not written plainly enough."""
    if delivery.split is None:
        return None
    chunks, _ = delivery.split
    body = delivery.body
    start, end = body.find(REPORTS_START) + len(REPORTS_START), body.rfind(REPORTS_END)
    # Of few reports each is looked at by itself: a comment could make something look like one, but
    # what else isn't plain stands in its own.
    alone = len(wanted) * 4 < len(chunks)
    if (
        any(body.find(each, start, end) >= 0 for each in _ASIDES)
        if alone
        else not is_plain(body, start, end, delivery.known)
    ):
        return None
    head = _head(delivery.data, delivery, profile)
    rendered = []
    for each in wanted:
        chunk = chunks[each.place]
        _, found, contents = chunk.partition(_CONTENTS)
        if not (found and chunk.startswith(_OPENING)) or (
            alone and not is_plain(chunk + REPORT_END)
        ):
            return None
        for left_out in _left_out(profile):
            if (cut := _without(contents, left_out)) is None:
                return None
            contents = cut
        rendered.append(
            b"".join((b"<Report>", head, _references(delivery, each), contents, REPORT_END))
        )
    return rendered


def is_plain(body: bytes, start: int = 0, end: int | None = None, known: bool = False) -> bool:
    """Whether bytes of whole elements are their own canonical form. Nothing is copied: a large
    delivery is looked at in its place.

    Reports of `known` shapes have no attributes, no elements in one tag and no markup in texts:
    only what is between their elements is left to be looked at.
    """
    end = len(body) if end is None else end
    if any(body.find(each, start, end) >= 0 for each in _UNPLAIN):
        return False
    if any(_REFERENCE.match(body, at) for at in _places(b"&", body, start, end)):
        return False
    if known:
        return body.find(b"> ", start, end) < 0
    tags = body.count(b"<", start, end)
    # Where every second tag has a slash and no text has one, no element is written as one tag:
    # single bytes are counted quickly.
    if body.count(b">", start, end) != tags:
        return False
    if body.count(b"/", start, end) * 2 != tags and body.find(b"/>", start, end) >= 0:
        return False
    return not any(
        b">" in (body[at - 1 : at], body[at + 1 : at + 2]) for at in _places(b" ", body, start, end)
    )


def _places(byte: bytes, body: bytes, start: int, end: int) -> Iterator[int]:
    """Where a byte stands."""
    at = body.find(byte, start, end)
    while at >= 0:
        yield at
        at = body.find(byte, at + 1, end)


def _without(contents: bytes, left_out: LeftOut) -> bytes | None:
    """The contents without some elements; None when it can't be told which those are."""
    end = len(contents)
    if left_out.parent:
        end = contents.find(left_out.parent_end)
        if end < 0 or not contents.startswith(left_out.parent):
            return contents if left_out.parent not in contents else None
    kept: list[bytes] = []
    seen: set[bytes] = set()
    at = 0
    while (opening := left_out.next(contents, at, end)) is not None:
        name = opening[0]
        if name in seen:
            return None
        seen.add(name)
        kept.append(contents[at : opening.start()])
        closing = left_out.closing[name]
        at = contents.find(closing, opening.end()) + len(closing)
    return b"".join((*kept, contents[at:])) if kept else contents


def by_tree(delivery: StoredDelivery, wanted: Sequence[Wanted], profile: str) -> list[bytes]:
    """The same from the tree, however the delivery is written."""
    left_out = [path for path in profiles()[profile] if not path.startswith(_HEAD)]
    head = _head(demanded(delivery.document, "DeliveryData"), delivery, profile)
    rendered = []
    for each in wanted:
        contents = b"".join(_contents(delivery.items[each.place].read, left_out))
        rendered.append(
            b"".join((b"<Report>", head, _references(delivery, each), contents, REPORT_END))
        )
    return rendered


def _contents(report: Element, left_out: Sequence[str]) -> Iterator[bytes]:
    report = copy.deepcopy(report)
    _leave_out(report, left_out)
    # (A relative name of a namespace, which nothing valid uses, has no canonical form.)
    etree.cleanup_namespaces(report)
    for child in report.iterchildren("*"):
        if child.tag != "ReportData":
            yield etree.tostring(child, method="c14n", exclusive=True)


def _leave_out(holder: Element, paths: Sequence[str]) -> None:
    for path in paths:
        for element in holder.findall(path):
            parent_of(element).remove(element)


def _head(data: Element, delivery: StoredDelivery, profile: str) -> bytes:
    """DeliveryData of every report of the delivery."""
    head = etree.Element("DeliveryData")
    _copy(data, head, _BEFORE_ID)
    etree.SubElement(head, "IRDeliveryId").text = delivery.envelope.public_id
    if channel := _CHANNELS.get(delivery.envelope.endpoint):
        etree.SubElement(head, "DeliveryToIRChannelCode").text = channel
    _copy(data, head, _AFTER_ID + PARTIES)
    _leave_out(
        head, [path.removeprefix(_HEAD) for path in profiles()[profile] if path.startswith(_HEAD)]
    )
    etree.cleanup_namespaces(head)
    rendered: bytes = etree.tostring(head, method="c14n", exclusive=True)
    return rendered


def _copy(source: Element, into: Element, names: Sequence[str]) -> None:
    for name in names:
        if (element := source.find(name)) is not None:
            into.append(copy.deepcopy(element))
            into[-1].tail = None


def _references(delivery: StoredDelivery, wanted: Wanted) -> bytes:
    """ReportData."""
    report_id = wanted.report_id if _PLAIN_ID(wanted.report_id) else text(wanted.report_id)
    return (
        f"<ReportData><IRReportId>{delivery.report_keys.register_id(wanted.report_id)}</IRReportId>"
        f"<ReportId>{report_id}</ReportId><ReportStatus>{wanted.status}</ReportStatus>"
        f"<ReportVersion>{wanted.version}</ReportVersion><ReceivedTimestamp>"
        f"{delivery.received}</ReceivedTimestamp></ReportData>"
    ).encode()
