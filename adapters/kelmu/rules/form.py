"""What concerns every message of Kelmu: no value twice in a list, dates in order, no person as
user.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exchange.adapters.kelmu.identify import part
from exchange.schemas.identifiers import is_personal_identity_code
from exchange.schemas.violation import Finding


def form(document: dict[str, Any]) -> Iterator[Finding]:
    """What concerns every message: no value twice in a list, dates in order, no person as user."""
    for name in ("persons", "benefits", "data_groups", "statements"):
        seen: set[str] = set()
        for index, value in enumerate(part(document, name, list)):
            if isinstance(value, str) and value in seen:
                yield Finding(
                    "kelmu.repeated",
                    "the value stands in the list already",
                    (name, index),
                    "each value once",
                )
            elif isinstance(value, str):
                seen.add(value)
    first, last = part(document, "from", str), part(document, "to", str)
    if first and last and first > last:
        yield Finding(
            rule="kelmu.dates",
            message="the time ends before it begins",
            at=("to",),
            expected=f"{first[:10]} or later",
            found=last[:10],
        )
    if is_personal_identity_code(part(document, "user", str)):
        expected = "the organisation's own user id"
        yield Finding(
            "kelmu.user",
            "an official is not named by a personal identity code",
            ("user",),
            expected,
        )
