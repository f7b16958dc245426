"""Admits forms of reports to the cache, from reports that are valid by the channel's own schema;
asks no rule.
"""

from __future__ import annotations

from exchange.adapters.income_register.recognition.forms import FormCache, of_earner, of_transaction
from exchange.adapters.income_register.recognition.pattern import is_text, leaves
from exchange.adapters.income_register.recognition.reader import REMAINDER, parts_of
from exchange.adapters.income_register.recognition.report_schema import valid_report
from exchange.adapters.income_register.spans import REPORT_END

#: At most so many patterns are admitted from one delivery, out of so many reports that are in no
#: known form.
ADMITTED_MAX = 64
TRIED_MAX = 400
#: Longest report of which forms are admitted, and longest value that is kept, in bytes.
REPORT_BYTES_MAX = 8192
VALUE_BYTES_MAX = 60

#: Income types of which the rules compare amounts by their flags: a pattern does not hold amounts.
_OF_TOTAL = frozenset((b"101", b"102", b"103", b"104", b"105", b"106"))
_FLAGS = (b"<Recovery>", b"<UnjustEnrichment>")


class Admission:
    """Admits forms from the reports of one delivery."""

    def __init__(self, cache: FormCache, wages: bool) -> None:
        self.cache = cache
        self._wages = wages
        self._admitted = self._tried = 0

    def admit(self, chunk: bytes) -> bool:
        """Whether a report (its bytes without its end tag) is in known forms, or now is: a form is
        admitted when it is seen for the fourth time.
        """
        if (
            len(chunk) > REPORT_BYTES_MAX
            or self._tried >= TRIED_MAX
            or not is_text(chunk)
            or (parts := parts_of(chunk)) is None
        ):
            return False
        self._tried += 1
        cache = self.cache
        with cache.lock:
            missing = [(name, part) for name, part in parts if cache.find(name, part) is None]
            if missing and self._admitted >= ADMITTED_MAX:
                return False
            admitted = [cache.admit(name, part) for name, part in missing]
            self._admitted += sum(admitted)
            return (
                all(admitted)
                and valid_report(chunk + REPORT_END, self._wages) is not None
                and self._remember(parts)
            )

    def _remember(self, parts: list[tuple[object, bytes]]) -> bool:
        cache, earner = self.cache, 0
        for number, (name, part) in enumerate(parts):
            held = leaves(part)
            if held is None or (found := cache.find(name, part)) is None:
                return False
            if any(
                leaf.kind == "coded" and leaf.end - leaf.start > VALUE_BYTES_MAX for leaf in held
            ):
                return False
            pattern, values = found
            code = (
                values[pattern.places[b"TransactionCode"]] if number and name != REMAINDER else b""
            )
            if code in _OF_TOTAL and any(flag in part for flag in _FLAGS):
                return False
            if name == REMAINDER and part.count(b"<StartDate>") > 1:
                # The first of them may be a stay's: a claim must not begin before the employment.
                return False
            content = of_transaction(part, held) if number else of_earner(part, held)
            form = cache.form_of(
                (earner if name == REMAINDER else 0, pattern.number, pattern.coded(values)),
                code,
                content,
            )
            earner = earner or form
        return True
