"""Why a signature is not accepted."""

from __future__ import annotations

from exchange.adapters.income_register.document import Element


class Refused(Exception):
    """Why a signature is not accepted: the element at fault, what was expected there and what was
    found.
    """

    def __init__(self, at: Element, expected: str, found: str = "") -> None:
        super().__init__(expected)
        self.at, self.expected, self.found = at, expected, found
