"""Where a message names what could be a real person: violations with line, column, path and item,
which never repeat the code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from lxml import etree

from exchange.ports import Channel, Inbound, Parsed
from exchange.schemas import guard
from exchange.schemas import json as json_format
from exchange.schemas import xml as xml_format
from exchange.schemas.positions import Lines
from exchange.schemas.violation import Finding, Malformed, Violation

RULE = "identity.real-person"
MESSAGE = (
    "a personal identity code that could be a living person's is never taken in; use an "
    "artificial one"
)
EXPECTED = "an individual number from 900 to 999"
#: Elements or values above which a document is not gone through: what is found is told by line and
#: column alone.
VALUES_MAX = 50_000
#: So much of a body is looked at in one go when the place can't be told by its document.
_WINDOW_BYTES = 65_536
#: What of one window is seen again in the next, so that no code is cut in two.
_OVERLAP_BYTES = 1_024


def real_persons(
    channel: Channel | None, inbound: Inbound, most: int
) -> tuple[list[Violation], Sequence[str]]:
    """At least one violation when the message, or what was said beside it, may name a real person;
    none when it doesn't, and the artificial persons that it names. At most `most`, and one for each
    hint.

    `channel` reads the document; without one, line and column are all that is told.
    """
    beside = {"media type": inbound.content_type, **inbound.hints}
    found = []
    if guard.in_texts(beside.values()):
        found = [
            Violation(RULE, f"{MESSAGE}; it stands beside the message: {name}", expected=EXPECTED)
            for name, text in beside.items()
            if guard.in_text(text)
        ] or [Violation(RULE, f"{MESSAGE}; it stands beside the message", expected=EXPECTED)]
    artificial = guard.artificial_persons_in(inbound.body)
    if artificial is None:
        placed = _in_document(channel, inbound, most) if channel is not None else []
        found += placed or [_in_bytes(inbound.body)]
    return found, artificial or ()


def _in_document(channel: Channel, inbound: Inbound, most: int) -> list[Violation]:
    """By the document as the channel reads it; none when it can't, or when a code is hidden where
    no single value holds it.
    """
    reader = channel.without_recognition() if channel.without_recognition else channel
    try:
        parsed = reader.parse(inbound)
        parsed.become_whole()
        whole = parsed.document if parsed.root is None else parsed.root
        places = _of_xml(whole) if parsed.format == "xml" else _of_json(whole)
        findings = [
            Finding(RULE, MESSAGE, at, EXPECTED, attribute=attribute)
            for (at, attribute), _ in zip(places, range(most), strict=False)
        ]
        where = xml_format if parsed.format == "xml" else json_format
        located = where.locate(inbound.body, findings)
    except Malformed:
        return []
    return [
        _silent(each, _item(channel, parsed, finding.at))
        for each, finding in zip(located, findings, strict=True)
    ]


def _item(channel: Channel, parsed: Parsed, at: Any) -> int | None:
    return channel.item_of(parsed, at) if parsed.message_type else None


def _silent(violation: Violation, item: int | None) -> Violation:
    """Without the line that it stands on, and without a path that names the code itself."""
    path = "" if guard.in_text(violation.path) else violation.path
    return replace(violation, path=path, found="", source="", source_column=0, item=item)


def _of_xml(root: Any) -> Iterator[tuple[Any, str]]:
    """Elements whose own text, comments or attributes name a person, with the attribute's name."""
    for number, element in enumerate(root.iter("*")):
        if number == VALUES_MAX:
            return
        own = "".join((element.text or "", *(each.tail or "" for each in element)))
        asides = (each.text or "" for each in element if not isinstance(each.tag, str))
        if guard.in_text(own) or any(map(guard.in_text, asides)):
            yield element, ""
        for name, value in element.attrib.items():
            if guard.in_text(str(value)):
                yield element, str(name)
    for aside in _around(root):
        if guard.in_text(aside):
            yield root, ""


def _around(root: Any) -> Iterable[str]:
    """Comments and instructions before and after the root element."""
    tree = root.getroottree().getroot()
    for each in (*tree.itersiblings(preceding=True), *tree.itersiblings()):
        if isinstance(each, etree._Comment | etree._ProcessingInstruction):
            yield each.text or ""


def _of_json(document: Any) -> Iterator[tuple[Any, str]]:
    """Paths of values that name a person, or whose members' names do."""
    left: list[tuple[tuple[Any, ...], Any]] = [((), document)]
    for _ in range(VALUES_MAX):
        if not left:
            return
        path, value = left.pop()
        if isinstance(value, dict):
            left += [((*path, key), member) for key, member in reversed(value.items())]
            if any(guard.in_text(key) for key in value):
                yield path, ""
        elif isinstance(value, list):
            left += [((*path, index), member) for index, member in reversed([*enumerate(value)])]
        elif isinstance(value, str) and guard.in_text(value):
            yield path, ""


def _in_bytes(body: bytes) -> Violation:
    """The first code in the bytes, by line and column alone; neither when it is spread so widely
    that no part of the body holds it.
    """
    for start in range(0, len(body), _WINDOW_BYTES):
        window = body[start : start + _WINDOW_BYTES + _OVERLAP_BYTES]
        if guard.real_person_in(window):
            end = _least(1, len(window), lambda size, w=window: guard.real_person_in(w[:size]))
            left = _least(
                0, end, lambda size, w=window, e=end: guard.real_person_in(w[e - size : e])
            )
            before = _text(body[: start + end - left])
            line, column, _ = Lines(before).at(len(before))
            return Violation(RULE, MESSAGE, line=line, column=column, expected=EXPECTED)
    return Violation(RULE, MESSAGE, expected=EXPECTED)


def _least(low: int, high: int, holds: Any) -> int:
    """The least number from `low` to `high` for which it holds, as it does for `high`."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _text(body: bytes) -> str:
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace").removeprefix("\ufeff")
    return body.decode("utf-8", "replace").removeprefix("\ufeff").replace("\0", "")
