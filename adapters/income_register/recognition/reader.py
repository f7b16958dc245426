"""Reads reports from their bytes by the patterns in the cache: in which forms they are written;
judges nothing beyond their values.

Every value is looked at: what is coded is part of the form, what is free matches its pattern and
stands to the others as the rules want. Whether reports in such forms are fine in a delivery is told
by its context; the days that have a limit there are noted, or held to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from exchange.adapters.income_register.recognition.forms import (
    AMOUNT,
    KNOWN_MAX,
    FormCache,
    Forms,
    are_related,
)
from exchange.adapters.income_register.recognition.pattern import SPACE, Pattern, holds
from exchange.adapters.income_register.spans import TRANSACTION, TRANSACTIONS_END

#: The name under which the patterns of what follows the transactions are kept.
REMAINDER = b"</"
_END_BYTES = -len(TRANSACTIONS_END)
#: Recoveries before benefits were reported, too, go to the rules.
_EARLIEST_PAYMENT = b"2021-01-01"
_NUMBER = re.compile(rb"[0-9]{1,13}(?:\.[0-9]{1,2})?").fullmatch

Values = tuple[bytes, ...]


class Written(NamedTuple):
    """A report as it is written: its forms, and the pattern and the values of its earner's part."""

    forms: Forms
    pattern: Pattern
    values: Values


class Reader:
    """Reads the reports of one delivery. `limits` are the days that values may not be after; where
    there are none, the latest values are noted in `latest`.
    """

    def __init__(self, cache: FormCache, limits: Mapping[str, bytes] | None = None) -> None:
        self._cache = cache
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
        cache, known_lines, relations, number = (
            self._cache,
            self._cache.lines,
            self._cache.relations_in,
            _NUMBER,
        )
        for chunk in chunks:
            remainder = b""
            lines = chunk.split(TRANSACTION)
            first = lines.pop(0)
            if lines and lines[-1].endswith(TRANSACTIONS_END):
                lines[-1] = lines[-1][:_END_BYTES]
            else:
                main, found, remainder = chunk.partition(TRANSACTIONS_END)
                lines = main.split(TRANSACTION)
                first = lines.pop(0)
                if not found or not lines:
                    # Without a transaction there is no report: the schema wants one or more.
                    yield None
                    continue
            first = first.lstrip(SPACE)
            written = cache.find(first.count(b"<"), first)
            if written is None:
                yield None
                continue
            pattern, values = written
            for place, check in pattern.free:
                if not check(values[place]):
                    form = None
                    break
            else:
                form = cache.forms.get((0, pattern.number, pattern.coded(values)))
            if form is None or (pattern.related and not self._related(pattern, values)):
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
                    self._remainder(forms[0], pattern, values, remainder)
                    if remainder and remainder.strip(SPACE)
                    else 0
                )
                key = tuple(forms)
                together = relations(key)
                if (
                    together is not None
                    and key[-1] >= 0
                    and (not together or are_related(together, lines))
                ):
                    yield Written(key, pattern, values)
                    continue
            yield None

    def _related(self, pattern: Pattern, values: Values) -> bool:
        """Whether values stand to each other as they must; those with a limit are held to it, or
        noted.
        """
        latest, limits = self.latest, self._limits
        for index, name in pattern.limits:
            value = values[index]
            if name == "payment" and value < _EARLIEST_PAYMENT:
                return False
            if limits is not None:
                if value > limits[name]:
                    return False
            elif value > latest.get(name, b""):
                latest[name] = value
        return holds(pattern, values)

    def _form(
        self, name: object, part: bytes, beside: int = 0
    ) -> tuple[int, Pattern, Values] | None:
        written = self._cache.find(name, part)
        if written is None:
            return None
        pattern, values = written
        for index, check in pattern.free:
            if not check(values[index]):
                return None
        if pattern.related and not self._related(pattern, values):
            return None
        form = self._cache.forms.get((beside, pattern.number, pattern.coded(values)))
        return None if form is None else (form, pattern, values)

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
        form, pattern, _ = written
        if not pattern.sums:
            lines = self._cache.lines if pattern.recurs else self._lines
            if len(lines) >= KNOWN_MAX:
                lines.clear()
            lines[around] = form
        return form

    def _remainder(self, earner: int, pattern: Pattern, values: Values, remainder: bytes) -> int:
        """The form of what follows the transactions beside such an earner, when no absence begins
        before the employment; else -1.
        """
        written = self._form(REMAINDER, remainder.strip(SPACE), earner)
        if written is None:
            return -1
        hired, absent = pattern.places.get(b"StartDate"), written[1].places.get(b"StartDate")
        return (
            written[0]
            if hired is None or absent is None or values[hired] <= written[2][absent]
            else -1
        )


def name_of(line: bytes) -> tuple[bytes, int]:
    """Under which name the patterns of a transaction are kept: its bytes up to the end of its
    income type, and how many tags it has.
    """
    return line[:200].partition(b"</TransactionCode>")[0], line.count(b"<")


def parts_of(chunk: bytes) -> list[tuple[object, bytes]] | None:
    """The earner's part, each transaction and what follows them, with the names under which their
    patterns are kept.
    """
    main, found, remainder = chunk.partition(TRANSACTIONS_END)
    first, *lines = main.split(TRANSACTION)
    if not found or not lines or not all(b"</TransactionCode>" in line[:200] for line in lines):
        return None
    first, remainder = first.lstrip(SPACE), remainder.strip(SPACE)
    parts: list[tuple[object, bytes]] = [
        (first.count(b"<"), first),
        *((name_of(line), line) for line in lines),
    ]
    return [*parts, (REMAINDER, remainder)] if remainder else parts
