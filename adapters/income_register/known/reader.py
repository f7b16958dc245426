"""Reads reports from their bytes by the shapes that were learned: in which forms they are written;
judges nothing beyond their values.

Every value is looked at: what is coded is part of the form, what is free matches its pattern and
stands to the others as the rules want. Whether reports in such forms are fine in a delivery is told
by its context; the days that have a limit there are noted, or held to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from exchange.adapters.income_register.findings import FIRST_PAYMENT, iso
from exchange.adapters.income_register.known.forms import (
    AMOUNT,
    KNOWN_MAX,
    Forms,
    Memory,
    are_related,
)
from exchange.adapters.income_register.known.pattern import SPACE, Shape, holds
from exchange.adapters.income_register.spans import TRANSACTION, TRANSACTIONS_END

#: The name under which the shapes of what follows the transactions are kept.
TAIL = b"</"
_END_BYTES = -len(TRANSACTIONS_END)
_EARLIEST_PAYMENT = iso(FIRST_PAYMENT).encode()
_NUMBER = re.compile(rb"[0-9]{1,13}(?:\.[0-9]{1,2})?").fullmatch

Values = tuple[bytes, ...]


class Written(NamedTuple):
    """A report as it is written: its forms, and the shape and the values of its earner's part."""

    forms: Forms
    shape: Shape
    values: Values


class Reader:
    """Reads the reports of one delivery. `limits` are the days that values may not be after; where
    there are none, the latest values are noted in `latest`.
    """

    def __init__(self, memory: Memory, limits: Mapping[str, bytes] | None = None) -> None:
        self._memory = memory
        self._limits = limits
        self.latest: dict[str, bytes] = {}
        #: Forms of this delivery's transactions that don't recur in others, by the bytes before and
        #: after their amount.
        self._lines: dict[tuple[bytes, bytes], int] = {}

    def read(self, chunks: Iterable[bytes]) -> Iterator[Written | None]:
        """Each report (its bytes without its end tag) as far as it is in known forms, else None.

        Everything that is looked up for each report is bound to a name first: this loop is what
        judging a large delivery costs.
        """
        memory, known_lines, relations, number = (
            self._memory,
            self._memory.lines,
            self._memory.relations_in,
            _NUMBER,
        )
        for chunk in chunks:
            tail = b""
            lines = chunk.split(TRANSACTION)
            first = lines.pop(0)
            if lines and lines[-1].endswith(TRANSACTIONS_END):
                lines[-1] = lines[-1][:_END_BYTES]
            else:
                main, found, tail = chunk.partition(TRANSACTIONS_END)
                lines = main.split(TRANSACTION)
                first = lines.pop(0)
                if not found or not lines:
                    # Without a transaction there is no report: the schema wants one or more.
                    yield None
                    continue
            first = first.lstrip(SPACE)
            written = memory.find(first.count(b"<"), first)
            if written is None:
                yield None
                continue
            shape, values = written
            for place, check in shape.free:
                if not check(values[place]):
                    form = None
                    break
            else:
                form = memory.forms.get((0, shape.number, shape.coded(values)))
            if form is None or (shape.related and not self._related(shape, values)):
                yield None
                continue
            forms = [form]
            for line in lines:
                # Most transactions differ from others in their amounts alone.
                head, _, rest = line.partition(AMOUNT)
                amount, _, end = rest.partition(b"<")
                form = known_lines.get((head, end))
                if form is None or not number(amount):
                    form = self._line(line, (head, end), amount)
                    if form is None:
                        break
                forms.append(form)
            else:
                forms.append(
                    self._tail(forms[0], shape, values, tail) if tail and tail.strip(SPACE) else 0
                )
                key = tuple(forms)
                together = relations(key)
                if (
                    together is not None
                    and key[-1] >= 0
                    and (not together or are_related(together, lines))
                ):
                    yield Written(key, shape, values)
                    continue
            yield None

    def _related(self, shape: Shape, values: Values) -> bool:
        """Whether values stand to each other as they must; those with a limit are held to it, or
        noted.
        """
        latest, limits = self.latest, self._limits
        for index, name in shape.limits:
            value = values[index]
            if name == "payment" and value < _EARLIEST_PAYMENT:
                return False
            if limits is not None:
                if value > limits[name]:
                    return False
            elif value > latest.get(name, b""):
                latest[name] = value
        return holds(shape, values)

    def _form(self, name: object, part: bytes, beside: int = 0) -> tuple[int, Shape, Values] | None:
        written = self._memory.find(name, part)
        if written is None:
            return None
        shape, values = written
        for index, check in shape.free:
            if not check(values[index]):
                return None
        if shape.related and not self._related(shape, values):
            return None
        form = self._memory.forms.get((beside, shape.number, shape.coded(values)))
        return None if form is None else (form, shape, values)

    def _line(self, line: bytes, around: tuple[bytes, bytes], amount: bytes) -> int | None:
        """The form of a transaction, by what is around its amount; it is remembered, but for sums
        of amounts.
        """
        form = self._lines.get(around)
        if form is not None and _NUMBER(amount):
            return form
        written = self._form(name_of(line), line)
        if written is None:
            return None
        form, shape, _ = written
        if not shape.sums:
            lines = self._memory.lines if shape.recurs else self._lines
            if len(lines) >= KNOWN_MAX:
                lines.clear()
            lines[around] = form
        return form

    def _tail(self, earner: int, shape: Shape, values: Values, tail: bytes) -> int:
        """The form of what follows the transactions beside such an earner, when no absence begins
        before the employment; else -1.
        """
        written = self._form(TAIL, tail.strip(SPACE), earner)
        if written is None:
            return -1
        hired, absent = shape.places.get(b"StartDate"), written[1].places.get(b"StartDate")
        return (
            written[0]
            if hired is None or absent is None or values[hired] <= written[2][absent]
            else -1
        )


def name_of(line: bytes) -> tuple[bytes, int]:
    """Under which name the shapes of a transaction are kept: its bytes up to the end of its income
    type, and how many tags it has.
    """
    return line[:200].partition(b"</TransactionCode>")[0], line.count(b"<")


def parts_of(chunk: bytes) -> list[tuple[object, bytes]] | None:
    """The earner's part, each transaction and what follows them, with the names under which their
    shapes are kept.
    """
    main, found, tail = chunk.partition(TRANSACTIONS_END)
    first, *lines = main.split(TRANSACTION)
    if not found or not lines or not all(b"</TransactionCode>" in line[:200] for line in lines):
        return None
    first, tail = first.lstrip(SPACE), tail.strip(SPACE)
    parts: list[tuple[object, bytes]] = [
        (first.count(b"<"), first),
        *((name_of(line), line) for line in lines),
    ]
    return [*parts, (TAIL, tail)] if tail else parts
