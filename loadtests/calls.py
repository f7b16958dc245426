"""Calls read from the manifest that `exchange samples --calls` writes, and written anew with ids of their own; no network."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

MANIFEST = "calls.jsonl"
#: 2024-01-01 in seconds; numbers begin here, so that those of two runs differ by their second.
EPOCH_SECONDS = 1_704_067_200
SECOND_BITS, SENDER_BITS = 32, 26


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a number: `at` bytes from the beginning, `width` digits in `base` (10 or 16)."""

    at: int
    width: int
    base: int

    def write(self, content: bytearray, number: int) -> None:
        """Overwrite the slot; of a number that is too long, the end is kept."""
        digits = f"{number:d}" if self.base == 10 else f"{number:x}"
        content[self.at : self.at + self.width] = digits.zfill(self.width)[-self.width :].encode()


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call as it was made, with the slots of its body and of its headers."""

    channel: str
    message_type: str
    sector: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    items: int
    body_slots: tuple[Slot, ...]
    header_slots: Mapping[str, tuple[Slot, ...]]

    def fresh(self, number: int) -> tuple[dict[str, str], bytes]:
        """Headers and body of a new message: the same but for its ids, which come from `number`."""
        headers = dict(self.headers)
        for name, slots in self.header_slots.items():
            value = bytearray(headers[name].encode("latin-1"))
            for slot in slots:
                slot.write(value, number)
            headers[name] = value.decode("latin-1")
        if not self.body_slots:
            return headers, self.body
        body = bytearray(self.body)
        for slot in self.body_slots:
            slot.write(body, number)
        return headers, bytes(body)


def read(folder: Path) -> list[Recorded]:
    """Every call of a folder.

    Raises:
        FileNotFoundError: when it has no manifest, or lacks a body that the manifest names.
    """
    lines = (folder / MANIFEST).read_text(encoding="utf-8").splitlines()
    return [_recorded(json.loads(line), folder) for line in lines]


def _recorded(line: dict[str, object], folder: Path) -> Recorded:
    slots: dict[str, list[Slot]] = {}
    for part, at, width, base in line["slots"]:  # type: ignore[attr-defined]
        slots.setdefault(part, []).append(Slot(at, width, base))
    body = tuple(slots.pop("body", ()))
    query = urlencode(line["query"])  # type: ignore[arg-type]
    return Recorded(
        str(line["channel"]),
        str(line["type"]),
        str(line["sector"]),
        str(line["method"]),
        f"{line['path']}?{query}" if query else str(line["path"]),
        dict(line["headers"]),  # type: ignore[call-overload]
        (folder / str(line["body"])).read_bytes() if line["body"] else b"",
        int(line["items"]),  # type: ignore[call-overload]
        body,
        {name: tuple(places) for name, places in slots.items()},
    )


def door(path: str) -> str:
    """The path of a call without its query."""
    return path.partition("?")[0]


def numbers_from(seconds: float, sender: int) -> int:
    """The first number of a sender (0 to 31) that begins at that time (since 1970); it has 67 million of its own."""
    if not 0 <= sender < 32:
        raise ValueError(f"sender {sender} is not among 0 to 31")
    return (int(seconds) - EPOCH_SECONDS) << SECOND_BITS | 1 << (SECOND_BITS - 1) | sender << SENDER_BITS


def by_flow(calls: Iterable[Recorded]) -> dict[tuple[str, str, str], list[Recorded]]:
    """Calls by message type, sector and door."""
    sorted_out: dict[tuple[str, str, str], list[Recorded]] = {}
    for call in calls:
        sorted_out.setdefault((call.message_type, call.sector, door(call.path)), []).append(call)
    return sorted_out


def now() -> float:
    """The time on a clock that no one sets back, in seconds."""
    return time.perf_counter()
