"""A message's body in numbered lines, the places of its violations marked; nothing of HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

#: Characters of a body that a page shows, and of a place that is marked.
SHOWN_MAX = 100_000
MARKED_MAX = 80

#: What a place ends with: white space, or a character that ends a value in XML or in JSON.
_END = re.compile(r"[\s<>\",}\]]")


class Part(NamedTuple):
    """A text of a line; `violation` is the number (from 1) of the one that begins here, 0: none."""

    text: str
    violation: int


class Line(NamedTuple):
    """A line of a body: its number from 1, and its parts."""

    number: int
    parts: list[Part]


def marked(body: bytes, violations: Iterable[Mapping[str, Any]]) -> list[Line]:
    """The first `SHOWN_MAX` characters of a body; bytes that are no UTF-8 are replaced. A violation
    has `line` and `column`, from 1, in characters.
    """
    text = body[: 4 * SHOWN_MAX].decode("utf-8", "replace")[:SHOWN_MAX]
    places: dict[int, dict[int, int]] = {}
    for number, each in enumerate(violations, 1):
        places.setdefault(int(each["line"]), {}).setdefault(int(each["column"]), number)
    return [
        Line(number, _parts(line, places.get(number, {})))
        for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1)
    ]


def _parts(line: str, places: Mapping[int, int]) -> list[Part]:
    parts, done = [], 0
    for column in sorted(places):
        begin = column - 1
        if begin < done or begin >= len(line):
            continue
        # (The first character may itself be one that ends a value: a tag, a quote.)
        end = _END.search(line, begin + 1)
        until = min(end.start() if end else len(line), begin + MARKED_MAX)
        parts += [Part(line[done:begin], 0), Part(line[begin:until], places[column])]
        done = until
    return [*(part for part in parts if part.text), Part(line[done:], 0)]
