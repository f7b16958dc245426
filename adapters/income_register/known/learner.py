"""Learns in which forms reports are written, from reports that are valid by the channel's own
schema; knows no rule and no delivery.
"""

from __future__ import annotations

from exchange.adapters.income_register.known.forms import Memory, of_earner, of_transaction
from exchange.adapters.income_register.known.pattern import is_text, leaves
from exchange.adapters.income_register.known.reader import TAIL, parts_of
from exchange.adapters.income_register.known.report_schema import valid_report
from exchange.adapters.income_register.spans import REPORT_END

#: At most so many shapes are learned from one delivery, from so many reports that are in no known
#: form.
LEARNED_MAX = 64
TRIED_MAX = 400
#: Longest report that is learned from, and longest value that is remembered, in bytes.
REPORT_BYTES_MAX = 8192
VALUE_BYTES_MAX = 60

#: Income types of which the rules compare amounts by their flags: shapes don't know of that.
_OF_TOTAL = frozenset((b"101", b"102", b"103", b"104", b"105", b"106"))
_FLAGS = (b"<Recovery>", b"<UnjustEnrichment>")


class Learner:
    """Learns from the reports of one delivery."""

    def __init__(self, memory: Memory, wages: bool) -> None:
        self.memory = memory
        self._wages = wages
        self._learned = self._tried = 0

    def learn(self, chunk: bytes) -> bool:
        """Whether a report (its bytes without its end tag) is in known forms, or now is: one of a
        kind is learned at its fourth sight.
        """
        if (
            len(chunk) > REPORT_BYTES_MAX
            or self._tried >= TRIED_MAX
            or not is_text(chunk)
            or (parts := parts_of(chunk)) is None
        ):
            return False
        self._tried += 1
        memory = self.memory
        with memory.lock:
            missing = [(name, part) for name, part in parts if memory.find(name, part) is None]
            if missing and self._learned >= LEARNED_MAX:
                return False
            learned = [memory.learn(name, part) for name, part in missing]
            self._learned += sum(learned)
            return (
                all(learned)
                and valid_report(chunk + REPORT_END, self._wages) is not None
                and self._remember(parts)
            )

    def _remember(self, parts: list[tuple[object, bytes]]) -> bool:
        memory, earner = self.memory, 0
        for number, (name, part) in enumerate(parts):
            held = leaves(part)
            if held is None or (found := memory.find(name, part)) is None:
                return False
            if any(
                leaf.kind == "coded" and leaf.end - leaf.start > VALUE_BYTES_MAX for leaf in held
            ):
                return False
            shape, values = found
            code = values[shape.places[b"TransactionCode"]] if number and name != TAIL else b""
            if code in _OF_TOTAL and any(flag in part for flag in _FLAGS):
                return False
            if name == TAIL and parts[0][1].count(b"<StartDate>") > 1:
                return False
            content = of_transaction(part, held) if number else of_earner(part, held)
            form = memory.form_of(
                (earner if name == TAIL else 0, shape.number, shape.coded(values)), code, content
            )
            earner = earner or form
        return True
