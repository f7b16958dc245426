"""What a scenario expects to have been counted, and whether it was; counts nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from exchange.schemas.wrong_fields import nearest

#: What can be expected, and what of it makes up what waits at the end.
KINDS = (
    *("received", "accepted", "rejected", "duplicate", "items-rejected", "begun"),
    *("queued", "delivered", "dead-lettered", "resent", "requested", "request-refused"),
    "waiting",
)
_WAITING = {"queued": 1, "resent": 1, "delivered": -1, "dead-lettered": -1}
#: The dimensions that an expectation may name, in the order in which counts are asked for.
DIMENSIONS = ("channel", "message_type", "sender", "receiver", "endpoint")

#: By kind and the dimensions, in their order, how many were counted.
Counts = Mapping[tuple[str, ...], int]


@dataclass(frozen=True, slots=True)
class Expectation:
    """How many messages or deliveries of a `kind` there must be at the end: `count`, or at least
    and at most so many. Empty dimensions are about all.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    kind: str
    channel: str = ""
    message_type: str = ""
    sender: str = ""
    receiver: str = ""
    endpoint: str = ""
    count: int | None = None
    at_least: int | None = None
    at_most: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            near = nearest(self.kind, KINDS)
            raise ValueError(f"kind: {self.kind!r} is none of {', '.join(KINDS)}{near}")
        if self.count is None and self.at_least is None and self.at_most is None:
            raise ValueError("an expectation says count, at_least or at_most")
        if self.count is not None and (self.at_least is not None or self.at_most is not None):
            raise ValueError("an expectation says count, or at_least and at_most")

    def text(self) -> str:
        """What it is about, in words."""
        said = [f"{name} {each}" for name in DIMENSIONS if (each := getattr(self, name))]
        return ", ".join([self.kind, *said])

    def found(self, counts: Counts) -> int:
        """How many there are."""
        signs = _WAITING if self.kind == "waiting" else {self.kind: 1}
        return sum(
            signs[kind] * count
            for (kind, *dimensions), count in counts.items()
            if kind in signs and self._is_about(dimensions)
        )

    def _is_about(self, dimensions: Sequence[str]) -> bool:
        pairs = zip(DIMENSIONS, dimensions, strict=True)
        return all(getattr(self, name) in ("", each) for name, each in pairs)

    def wanted(self) -> str:
        """How many, in words."""
        if self.count is not None:
            return str(self.count)
        bounds = (("at least", self.at_least), ("at most", self.at_most))
        return " and ".join(f"{word} {bound}" for word, bound in bounds if bound is not None)

    def is_met(self, found: int) -> bool:
        """Whether so many are as expected."""
        if self.count is not None:
            return found == self.count
        return (self.at_least is None or found >= self.at_least) and (
            self.at_most is None or found <= self.at_most
        )
