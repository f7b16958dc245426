"""Recognises reports that are plainly fine, by the shapes of reports in which the rules found nothing; gives no finding of its own.

The rules look at every element, which costs several times what parsing does. Most reports of a payer are written alike and differ in
names, amounts and dates: their bytes are matched against a few patterns, what is coded in them is looked up, what is free is checked. A
report is only ever recognised when its earner's part, each of its transactions and what they are together were found fine before under the
same payer; whatever is not recognised goes to the rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lxml import etree

from adapters.income_register.learned import AMOUNT, KNOWN_MAX, Memory, are_related, of_earner, of_transaction, relations_of
from adapters.income_register.rulebook import Book, iso
from adapters.income_register.shapes import Shape, holds, is_text, leaves

#: At most so many shapes are learned from one delivery.
LEARNED_MAX = 64
#: Longest report that is learned from, and longest value that is remembered, in bytes.
REPORT_BYTES_MAX = 8192
VALUE_BYTES_MAX = 60

_REPORTS, _REPORTS_END = b"<Reports>", b"</Reports>"
_TRANSACTION, _TRANSACTIONS_END, _REPORT_END = b"<Transaction>", b"</Transactions>", b"</Report>"
_OF_TOTAL = frozenset((b"101", b"102", b"103", b"104", b"105", b"106"))

_END_BYTES = -len(_TRANSACTIONS_END)
_TAIL = b"</"
_NUMBER = re.compile(rb"[0-9]{1,13}(?:\.[0-9]{1,2})?").fullmatch

Judge = Callable[[Any], bool]


_MEMORY = Memory()


def chunks_of(body: bytes, reports: int) -> tuple[list[bytes], bytes] | None:
    """The bytes of each report without its end tag, and everything around them; None when they can't be told apart safely."""
    start, end = body.find(_REPORTS), body.rfind(_REPORTS_END)
    if start < 0 or end < start:
        return None
    chunks = body[start + len(_REPORTS) : end].split(_REPORT_END)
    if len(chunks) != reports + 1 or chunks.pop().strip():
        return None
    around = body[:start] + body[end + len(_REPORTS_END) :]
    # Were the reports themselves spelled otherwise (`<Report >`), these would be somebody else's.
    return None if b"<Report" in around or b"</Report" in around else (chunks, around)


class Quick:
    """Recognises the reports of one delivery. `judge` tells whether the rules find nothing in a report (an element by itself)."""

    def __init__(self, book: Book, judge: Judge, memory: Memory = _MEMORY) -> None:
        payer, day = book.payer, book.payment_day
        self._memory = memory
        self._judge = judge
        self._payer_codes = frozenset(code.encode() for _, code in payer.ids)
        self._limits = {
            "payment": iso(day).encode() if day is not None else b"",
            "today": iso(book.today).encode(),
            "latest": iso(book.latest_day).encode(),
        }
        year = day.year if day is not None else 0
        kinds = frozenset(kind for kind, _ in payer.ids)
        context = (book.wages, payer.types, payer.sub_orgs, payer.substitute, payer.reachable, kinds, 2022 <= year <= 2025)
        self._context = memory.class_of(context)
        self._learned = 0
        #: Transactions of this delivery that were found fine, as the bytes before and after their amount.
        self._lines: dict[tuple[bytes, bytes], int] = {}
        self._ids: set[bytes] = set()
        self._fresh: list[bytes] = []

    def taken(self) -> list[str]:
        """The keys of the reports that were recognised since this was last asked."""
        keys = [f"ReportId {report_id.decode()}" for report_id in self._fresh]
        self._fresh.clear()
        return keys

    def take(self, key: str) -> None:
        """Note the key of a report that was not recognised."""
        kind, _, report_id = key.partition(" ")
        if kind == "ReportId":
            self._ids.add(report_id.encode())

    def unrecognised(self, chunks: Iterable[bytes]) -> Iterator[int]:
        """The places of the reports that are not plainly fine; what the caller learns in between is used for those that follow.

        Everything that is looked up for each report is bound to a name first: this loop is what judging a large delivery costs.
        """
        memory, context, known_lines, ids, fresh = self._memory, self._context, self._lines, self._ids, self._fresh
        limits, line_of, related, number, payer_codes = self._limits, self._line, are_related, _NUMBER, self._payer_codes
        for index, chunk in enumerate(chunks):
            tail = b""
            lines = chunk.split(_TRANSACTION)
            if len(lines) > 1 and lines[-1].endswith(_TRANSACTIONS_END):
                lines[-1] = lines[-1][:_END_BYTES]
                written = memory.find(b"", lines.pop(0).lstrip())
            else:
                main, found, tail = chunk.partition(_TRANSACTIONS_END)
                lines = main.split(_TRANSACTION)
                written = memory.find(b"", lines.pop(0).lstrip()) if found else None
            if written is None:
                yield index
                continue
            shape, values = written
            for place, check in shape.free:
                if not check(values[place]):
                    klass = None
                    break
            else:
                klass = memory.known.get((context, None, shape.number, shape.coded(values)))
            places = shape.places
            report_id = values[places[b"ReportId"]] if b"ReportId" in places else b""
            if (
                klass is None
                or (shape.related and not holds(shape, values, limits))
                or not report_id
                or report_id in ids
                or (b"Code" in places and values[places[b"Code"]] in payer_codes)
            ):
                yield index
                continue
            classes = [klass]
            for line in lines:
                # Most transactions differ from others of the delivery in their amounts alone.
                head, _, rest = line.partition(AMOUNT)
                amount, _, end = rest.partition(b"<")
                line_class = known_lines.get((head, end))
                if line_class is None or not number(amount):
                    line_class = line_of(line, head, end)
                    if line_class is None:
                        break
                classes.append(line_class)
            relations = memory.together.get((context, *classes)) if len(classes) > len(lines) else None
            if (
                relations is None
                or (relations and not related(relations, lines))
                or (tail and tail.strip() and not self._fine_tail(shape, values, tail))
            ):
                yield index
                continue
            ids.add(report_id)
            fresh.append(report_id)

    def _fine(self, name: bytes, part: bytes, beside: object = None) -> tuple[int, Shape, tuple[bytes, ...]] | None:
        """The class, the shape and the values of a part that was found fine before; None when it is not known."""
        written = self._memory.find(name, part)
        if written is None:
            return None
        shape, values = written
        for index, check in shape.free:
            if not check(values[index]):
                return None
        if shape.related and not holds(shape, values, self._limits):
            return None
        klass = self._memory.known.get((self._context, beside, shape.number, shape.coded(values)))
        return None if klass is None else (klass, shape, values)

    def _line(self, line: bytes, head: bytes, end: bytes) -> int | None:
        """The class of a transaction by its shape; what is fine is remembered for the delivery, but for sums of amounts."""
        written = self._fine(_name_of(line), line)
        if written is None:
            return None
        if not written[1].sums and len(self._lines) < KNOWN_MAX:
            self._lines[(head, end)] = written[0]
        return written[0]

    def _fine_tail(self, shape: Shape, values: tuple[bytes, ...], tail: bytes) -> bool:
        """Whether what follows the transactions is fine beside such an earner, and no absence begins before the employment."""
        written = self._fine(_TAIL, tail.strip(), (shape.number, shape.coded(values)))
        if written is None:
            return False
        hired, absent = shape.places.get(b"StartDate"), written[1].places.get(b"StartDate")
        return hired is None or absent is None or values[hired] <= written[2][absent]

    def learn(self, chunk: bytes) -> None:
        """Learn from a report that was not recognised, when the rules find nothing in it as it stands in these bytes."""
        if len(chunk) > REPORT_BYTES_MAX or not is_text(chunk) or (parts := _parts(chunk)) is None:
            return
        with self._memory.lock:
            self._learn(chunk, parts)

    def _learn(self, chunk: bytes, parts: list[tuple[bytes, bytes]]) -> None:
        memory = self._memory
        missing = [(name, part) for name, part in parts if memory.find(name, part) is None]
        if missing and self._learned >= LEARNED_MAX:
            return
        learned = [memory.learn(name, part) for name, part in missing]
        self._learned += sum(learned)
        if not all(learned):
            return
        try:
            report = etree.fromstring(chunk + _REPORT_END)
        except etree.XMLSyntaxError:
            return
        if self._judge(report):
            self._remember(parts)

    def _remember(self, parts: list[tuple[bytes, bytes]]) -> None:
        memory, context = self._memory, self._context
        classes: list[int] = []
        codes: list[bytes] = []
        earner: object = None
        for name, part in parts:
            held = leaves(part)
            if held is None or (found := memory.find(name, part)) is None:
                return
            if any(leaf.kind == "coded" and leaf.end - leaf.start > VALUE_BYTES_MAX for leaf in held):
                return
            shape, values = found
            if name == b"":
                earner, content = (shape.number, shape.coded(values)), of_earner(part, held)
                if part.count(b"<StartDate>") > 1 and parts[-1][0] == _TAIL:
                    return
            else:
                content = of_transaction(part, held)
            key = (context, earner if name == _TAIL else None, shape.number, shape.coded(values))
            if key not in memory.known:
                memory.known[key] = memory.class_of(content)
            if name != _TAIL:
                classes.append(memory.known[key])
                codes.append(values[shape.places[b"TransactionCode"]] if name else b"")
        special = (b"<Recovery>", b"<UnjustEnrichment>")
        if not any(
            code in _OF_TOTAL and any(flag in part for flag in special) for code, (_, part) in zip(codes, parts, strict=False)
        ):
            memory.together[(context, *classes)] = relations_of(codes)


def _name_of(line: bytes) -> bytes:
    """Under which name the shapes of a transaction are kept: its bytes up to the end of its income type."""
    return line[:200].partition(b"</TransactionCode>")[0]


def _parts(chunk: bytes) -> list[tuple[bytes, bytes]] | None:
    """The earner's part, each transaction and what follows them, with the names under which their shapes are kept."""
    main, found, tail = chunk.partition(_TRANSACTIONS_END)
    first, *lines = main.split(_TRANSACTION)
    if not found or not all(b"</TransactionCode>" in line[:200] for line in lines):
        return None
    parts = [(b"", first.lstrip()), *((_name_of(line), line) for line in lines)]
    return [*parts, (_TAIL, tail.strip())] if tail.strip() else parts
