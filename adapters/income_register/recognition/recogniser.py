"""Tells whether reports in known forms are fine in a delivery: whether the rules found nothing in
one of each under such a payer; gives no finding of its own.

The rules look at every element, which costs several times what parsing does. Most reports of a
payer are written alike and differ in names, amounts and dates: their bytes are matched against a
few patterns, what is coded in them is looked up, what is free is checked. A report is only ever
recognised when its earner's part, each of its transactions and what they are together were found
fine before under the same payer; whatever is not recognised goes to the rules. What is admitted is
valid by the channel's own schema, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from exchange.adapters.income_register.document import Element
from exchange.adapters.income_register.findings import Book, iso
from exchange.adapters.income_register.recognition.forms import FormCache
from exchange.adapters.income_register.recognition.reader import Reader, Written
from exchange.adapters.income_register.recognition.report_schema import valid_report
from exchange.adapters.income_register.spans import REPORT_END

Judge = Callable[[Element], bool]


class Recogniser:
    """Tells which forms of reports are fine in one delivery. `judge` tells whether nothing is found
    in a report (an element by itself).
    """

    def __init__(self, book: Book, cache: FormCache, judge: Judge) -> None:
        payer, day = book.payer, book.payment_day
        self._cache = cache
        self._judge = judge
        self._wages = book.wages
        self._payer_codes = frozenset(code.encode() for _, code in payer.ids)
        self.limits = {
            "payment": iso(day).encode() if day is not None else b"",
            "today": iso(book.today).encode(),
            "latest": iso(book.latest_day).encode(),
        }
        kinds = frozenset(kind for kind, _ in payer.ids)
        context = (
            book.wages,
            payer.types,
            payer.sub_orgs,
            payer.substitute,
            payer.reachable,
            kinds,
            book.period.number,
        )
        self._context = cache.class_of(context)

    def is_fine(self, forms: tuple[int, ...]) -> bool:
        """Whether reports in these forms are fine under this payer, apart from what differs between
        them.
        """
        return self._cache.fine(self._context, forms)

    def pays(self, codes: Iterable[bytes]) -> bool:
        """Whether any of these identifiers is the payer's own."""
        return not self._payer_codes.isdisjoint(codes)

    def judge(self, chunk: bytes) -> bool:
        """Have a report in known forms judged, and remember its forms when nothing is found
        in it.
        """
        written = next(Reader(self._cache, self.limits).read((chunk,)))
        report = valid_report(chunk + REPORT_END, self._wages) if written is not None else None
        if written is None or report is None or not self._judge(report):
            return False
        with self._cache.lock:
            self._cache.know(self._context, written.forms)
        return True


def earner_code(written: Written) -> bytes:
    """The first identifier of the earner; empty when there is none."""
    place = written.pattern.places.get(b"Code")
    return b"" if place is None else written.values[place]
