"""Calls read from the files of `exchange samples --calls`, and made new ones of: fresh digits into
every id; sends nothing.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Digits of a fresh number, as the files say it (`slots` are places in it).
NUMBER_DIGITS = 18
#: Where slots of the path stand.
IN_PATH = ":path"
#: 2020-01-01 in microseconds: a number is 15 digits of microseconds since then (until 2051) and
#: three of the worker.
EPOCH_MICROSECONDS = 1_577_836_800_000_000
WORKERS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call ready to be sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Sample:
    """A call of a sample file. Slots are (at, width, place) by where they stand: the body (empty
    name), the path (`:path`) or a header. `pushed`: the exchange makes it to a partner, and signs
    it each time.
    """

    channel: str
    message_type: str
    sender: str
    sector: str
    weight: float
    items: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    slots: Mapping[str, tuple[tuple[int, int, int], ...]] = field(default_factory=dict)
    pushed: bool = False

    @property
    def endpoint(self) -> str:
        """The path without its query."""
        return self.path.partition("?")[0]

    def prepare(self, number: str) -> Prepared:
        """The call with the digits of `number` in its ids, as long as before."""
        headers, body, path = dict(self.headers), self.body, self.path
        for where, stretches in self.slots.items():
            if where == IN_PATH:
                path = _filled(bytearray(path, "utf-8"), stretches, number).decode("utf-8")
            elif where:
                text = bytearray(headers[where], "utf-8")
                headers[where] = _filled(text, stretches, number).decode("utf-8")
            else:
                body = bytes(_filled(bytearray(body), stretches, number))
        return Prepared(self.method, path, headers, body)


def signed(prepared: Prepared, secret: str, now: float) -> Prepared:
    """A push as the exchange signs it at that time (seconds since 1970 UTC): HMAC-SHA256 over
    delivery id, time and body (docs/integrating.md, 3).
    """
    timestamp = str(int(now))
    begun = f"{prepared.headers.get('X-Delivery-Id', '')}.{timestamp}.".encode()
    made = hmac.digest(secret.encode(), begun + prepared.body, "sha256").hex()
    more = {"X-Timestamp": timestamp, "X-Signature": f"v1={made}"}
    return Prepared(prepared.method, prepared.path, {**prepared.headers, **more}, prepared.body)


def _filled(text: bytearray, stretches: tuple[tuple[int, int, int], ...], number: str) -> bytearray:
    digits = number.encode()
    for at, width, place in stretches:
        text[at : at + width] = digits[place : place + width]
    return text


class Numbers:
    """Numbers that no other worker and no earlier run gave out: the time, never the same twice, and
    the worker.
    """

    def __init__(self, worker: int, now: Callable[[], int] = time.time_ns) -> None:
        self._worker = worker % WORKERS_MAX
        self._now = now
        self._last = 0

    def next(self) -> str:
        """`NUMBER_DIGITS` digits."""
        self._last = max(self._last + 1, self._now() // 1000 - EPOCH_MICROSECONDS)
        return f"{self._last:015d}{self._worker:03d}"


def read(folder: Path) -> list[Sample]:
    """Every call of the folder's files.

    Raises:
        FileNotFoundError: when there is none.
    """
    paths = sorted(folder.glob("*.calls.jsonl"))
    if not paths:
        raise FileNotFoundError(
            f"no *.calls.jsonl in {folder}; write them by: exchange samples all --calls -n 5 --out "
            f"{folder}"
        )
    # Not splitlines: JSON may hold signs that it takes for ends of lines.
    return [
        _sample(json.loads(line))
        for path in paths
        for line in path.read_text(encoding="utf-8").split("\n")
        if line
    ]


def _sample(data: dict[str, Any]) -> Sample:
    slots: dict[str, list[tuple[int, int, int]]] = {}
    for where, at, width, place in data["slots"]:
        slots.setdefault(where, []).append((at, width, place))
    return Sample(
        channel=data["channel"],
        message_type=data["type"],
        sender=data["sender"],
        sector=data["sector"],
        weight=float(data["weight"]),
        items=int(data["items"]),
        method=data["method"],
        path=data["path"],
        headers=data["headers"],
        body=data["body"].encode("utf-8"),
        slots={where: tuple(stretches) for where, stretches in slots.items()},
        pushed=data.get("pushed", False),
    )
