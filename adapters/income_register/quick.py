"""Recognises reports that are plainly fine, by the shapes of reports in which the rules found nothing; gives no finding of its own.

The rules look at every element, which costs several times what parsing does. Most reports of a payer are written alike and differ in
names, amounts and dates: their bytes are matched against a few patterns, what is coded in them is looked up, what is free is checked. A
report is only ever recognised when its earner's part, each of its transactions and what they are together were found fine before under the
same payer; whatever is not recognised goes to the rules. Everything remembered is bounded, and nothing of a person is among it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

from lxml import etree

from adapters.income_register.pay_rules import DEDUCTED_FROM
from adapters.income_register.rulebook import Book, iso
from adapters.income_register.shapes import Leaf, Shape, holds, is_text, learn, leaves, skeleton

SHAPES_MAX = 512
KNOWN_MAX = 4096
#: A shape is learned when it has been seen so often, and at most so many in one delivery: compiling one takes milliseconds.
SEEN_MIN = 4
LEARNED_MAX = 64
#: Shapes that one part is tried against.
TRIED_MAX = 12
#: Longest report that is learned from, and longest value that is remembered, in bytes.
REPORT_BYTES_MAX = 8192
VALUE_BYTES_MAX = 60

_REPORTS, _REPORTS_END = b"<Reports>", b"</Reports>"
_TRANSACTION, _TRANSACTIONS_END, _REPORT_END = b"<Transaction>", b"</Transactions>", b"</Report>"
#: What rules of a whole report look at beside the amount of a transaction.
_BESIDE = frozenset((b"InsuranceData", b"MealBenefit", b"OtherBenefit", b"DailyAllowance"))
_PROFESSION = (b"Profession", b"Type")
_OF_TOTAL = frozenset((b"101", b"102", b"103", b"104", b"105", b"106"))

Relations = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
Judge = Callable[[Any], bool]


class Memory:
    """Shapes and what was found fine, for every delivery alike."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.clear()

    def clear(self) -> None:
        """Forget everything; numbers are never given twice, so that nothing old can be taken for something new."""
        self.shapes: dict[bytes, list[Shape]] = {}
        self.known: dict[object, int] = {}
        self.classes: dict[object, int] = {}
        self.together: dict[object, Relations] = {}
        self.seen: Counter[int] = Counter()

    def find(self, key: bytes, part: bytes) -> tuple[Shape, tuple[bytes, ...]] | None:
        """The shape that a part is written in, and its values; the one found last is tried first."""
        tried = self.shapes.get(key)
        if tried is None:
            return None
        for index, shape in enumerate(tried):
            if (match := shape.match(part)) is not None:
                if index:
                    tried.insert(0, tried.pop(index))
                return shape, match.groups()
        return None

    def learn(self, key: bytes, part: bytes) -> bool:
        """Learn the shape of a part, when it has been seen often enough; whether it was learned now."""
        bones = hash(skeleton(part))
        if len(self.seen) >= KNOWN_MAX:
            self.seen.clear()
        self.seen[bones] += 1
        if self.seen[bones] < SEEN_MIN or (shape := learn(part, next(self._numbers))) is None:
            return False
        if sum(map(len, self.shapes.values())) >= SHAPES_MAX or len(self.known) >= KNOWN_MAX or len(self.together) >= KNOWN_MAX:
            self.clear()
        self.shapes[key] = [shape, *self.shapes.get(key, ())][:TRIED_MAX]
        return True

    def class_of(self, content: object) -> int:
        """A number for what the rules of a whole report ask of a part."""
        if len(self.classes) >= KNOWN_MAX:
            self.clear()
        return self.classes.setdefault(content, next(self._numbers))


_MEMORY = Memory()


def chunks_of(body: bytes, reports: int) -> tuple[list[bytes], bytes] | None:
    """The bytes of each report without its end tag, and everything around them; None when they can't be told apart safely."""
    head, found, rest = body.partition(_REPORTS)
    inside, ended, tail = rest.partition(_REPORTS_END)
    chunks = inside.split(_REPORT_END)
    if not found or not ended or len(chunks) != reports + 1 or chunks.pop().strip():
        return None
    around = head + tail
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
        self._context = (book.wages, payer.types, payer.sub_orgs, payer.substitute, payer.reachable, kinds, 2022 <= year <= 2025)
        self._learned = 0

    def recognises(self, chunk: bytes, seen: set[str]) -> bool:
        """Whether the report is plainly fine; its id is then among the seen ones."""
        parts = _parts(chunk)
        if parts is None:
            return False
        memory, context = self._memory, self._context
        classes: list[int] = []
        amounts: list[bytes] = []
        key = ""
        for name, part in parts:
            found = memory.find(name, part)
            if found is None:
                return False
            shape, values = found
            for index, check in shape.free:
                if not check(values[index]):
                    return False
            if (shape.ordered or shape.limits or shape.sums) and not holds(shape, values, self._limits):
                return False
            known = memory.known.get((context, shape.number, shape.coded(values)))
            if known is None:
                return False
            classes.append(known)
            if (place := shape.places.get(b"Amount")) is not None:
                amounts.append(values[place])
            else:
                amounts.append(b"0")
            if not key:
                if (place := shape.places.get(b"ReportId")) is None or values[
                    shape.places.get(b"Code", place)
                ] in self._payer_codes:
                    return False
                key = f"ReportId {values[place].decode()}"
        relations = memory.together.get((context, tuple(classes)))
        if relations is None or key in seen or (relations and not _related(relations, amounts)):
            return False
        seen.add(key)
        return True

    def learn(self, chunk: bytes) -> None:
        """Learn from a report that was not recognised, when the rules find nothing in it as it stands in these bytes."""
        if len(chunk) > REPORT_BYTES_MAX or not is_text(chunk) or (parts := _parts(chunk)) is None:
            return
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
        classes, codes = [], []
        for name, part in parts:
            if (found := memory.find(name, part)) is None:
                return
            shape, values = found
            held = leaves(part)
            if held is None or any(leaf.kind == "coded" and leaf.end - leaf.start > VALUE_BYTES_MAX for leaf in held):
                return
            key = (context, shape.number, shape.coded(values))
            if key not in memory.known:
                content = _of_transaction(part, held) if name else _of_earner(part, held)
                memory.known[key] = memory.class_of(content)
            classes.append(memory.known[key])
            codes.append(values[shape.places[b"TransactionCode"]] if name else b"")
        special = (b"<Recovery>", b"<UnjustEnrichment>")
        pairs = zip(codes, parts, strict=True)
        if not any(code in _OF_TOTAL and any(flag in part for flag in special) for code, (_, part) in pairs):
            memory.together[(context, tuple(classes))] = _relations(codes)


def _parts(chunk: bytes) -> list[tuple[bytes, bytes]] | None:
    """The earner's part and each transaction, with the names under which their shapes are kept."""
    main, found, tail = chunk.partition(_TRANSACTIONS_END)
    if not found or tail.strip():
        return None
    first, *lines = main.split(_TRANSACTION)
    parts = [(b"", first.lstrip())]
    for line in lines:
        name, found, _ = line[:200].partition(b"</TransactionCode>")
        if not found:
            return None
        parts.append((name, line))
    return parts


def _of_earner(part: bytes, held: list[Leaf]) -> object:
    """What the rules that also look at the income ask of an earner's part: insurances, professions, kinds of earner."""
    asked = (b"ExceptionCode", b"IncomeEarnerType", b"NonResident", b"PensionActCode")
    return (
        "earner",
        *(
            (leaf.path[-1], part[leaf.start : leaf.end])
            for leaf in held
            if leaf.path[-1] in asked or leaf.path[-2:] == _PROFESSION
        ),
    )


def _of_transaction(part: bytes, held: list[Leaf]) -> object:
    """What the rules of a whole report ask of a transaction: income type, flags, and what stands beside the amount."""
    asked = (b"TransactionCode", b"Recovery", b"UnjustEnrichment")
    return (
        "transaction",
        any(leaf.path[-1] == b"Amount" for leaf in held),
        *((leaf.path[-1], part[leaf.start : leaf.end]) for leaf in held if leaf.path[-1] in asked or _BESIDE & set(leaf.path)),
    )


def _relations(codes: list[bytes]) -> Relations:
    """The transactions whose amounts together are no more than those of others; by their places in the report."""
    texts = [code.decode() for code in codes]
    relations: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    for code, sources in DEDUCTED_FROM.items():
        own = tuple(index for index, text in enumerate(texts) if text == code)
        if own:
            relations.append((own, tuple(index for index, text in enumerate(texts) if text in sources)))
    wholes = tuple(index for index, text in enumerate(texts) if text == "101")
    for index, text in enumerate(texts):
        if text in ("102", "103", "104", "105", "106"):
            relations.append(((index,), wholes[:1]))
    return tuple(relations)


def _related(relations: Relations, amounts: list[bytes]) -> bool:
    numbers = [Decimal(amount.decode()) for amount in amounts]
    return all(sum(numbers[index] for index in own) <= sum(numbers[index] for index in of) for own, of in relations)
