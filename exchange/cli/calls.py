"""Whole calls as files for a sender that knows no generator: a manifest of lines of JSON, bodies beside it; sends nothing.

A call in the manifest can be sent any number of times, since the manifest says where its ids stand: each *slot* names a part
(`body`, or a header by its name), an offset in bytes, a width and a base (10 or 16). Whoever sends the call writes a number of
its own there, with noughts before it, and has another valid message of the same length. Slots are found and then proved: the
call is made a second time with another serial number, and the first with the slots overwritten must be the same bytes.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from partners.stub import Flow, Sending, Situation
from schemas.call import Call
from schemas.directory import Directory

MANIFEST = "calls.jsonl"

#: Two serial numbers that are made into samples: 18 decimal and 15 hexadecimal digits each, like those of live senders.
SERIAL, OTHER_SERIAL = 271_828_182_845_904_523, 314_159_265_358_979_323
#: Digits of a serial number that fit where only its end is written.
SHORT_DIGITS = 7
#: Ids of 32 hexadecimal digits are drawn by chance: the first half is overwritten, so that two ids of one call stay two.
LONG_ID = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
LONG_ID_SLOT = 16


class NotRepeatable(ValueError):
    """A call has no slot, or is something else when it is made with another serial number."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a number in `part` of a call: `at` bytes from its beginning, `width` digits in `base`."""

    part: str
    at: int
    width: int
    base: int

    def digits(self, number: int) -> bytes:
        """The number as it is written into the slot; what does not fit is cut off in front."""
        text = f"{number:d}" if self.base == 10 else f"{number:x}"
        return text.zfill(self.width)[-self.width :].encode()


@dataclass(frozen=True, slots=True)
class Sample:
    """A call of one flow with its slots."""

    channel: str
    flow: Flow
    sector: str
    sending: Sending
    slots: Sequence[Slot] = field(default=())

    def line(self, body_file: str) -> dict[str, Any]:
        """The call's line in the manifest."""
        call = self.sending.call
        return {
            "channel": self.channel,
            "type": self.flow.message_type,
            "flow": self.flow.name,
            "partner": self.flow.partner,
            "sector": self.sector,
            "weight": self.flow.weight,
            "method": call.method,
            "path": call.path,
            "query": dict(call.query),
            "headers": dict(call.headers),
            "body": body_file,
            "items": self.sending.items,
            "slots": [[slot.part, slot.at, slot.width, slot.base] for slot in self.slots],
        }


def samples_of(
    stubs: Sequence[Any], directory: Directory, message_type: str, count: int, seed: int, now: int
) -> Iterator[Sample]:
    """`count` calls that send that type, made at `now` (milliseconds since 1970), spread over the flows that do, every
    sector and every door among the first.

    Raises:
        NotRepeatable: when a call can't be sent twice.
        LookupError: when no partner sends that type on its own accord.
    """
    flows = [
        (stub.channel, flow)
        for stub in stubs
        for flow in stub.flows(directory)
        if flow.message_type == message_type and flow.weight > 0
    ]
    if not flows:
        raise LookupError(f"no partner sends {message_type} on its own accord")
    flows = _spread(flows, directory, now)
    for number in range(count):
        channel, flow = flows[number % len(flows)]
        partner = directory.get(flow.partner)
        sending, slots = repeatable(flow, directory, f"{seed}:{number}", now)
        yield Sample(channel, flow, partner.sector if partner else "", sending, slots)


def _spread(flows: Sequence[tuple[str, Flow]], directory: Directory, now: int) -> list[tuple[str, Flow]]:
    """The flows in such an order that the first few already hold every sector and every door."""
    groups: dict[tuple[str, str], list[tuple[str, Flow]]] = {}
    for channel, flow in flows:
        partner = directory.get(flow.partner)
        path = flow.make(Situation(random.Random(0), now, SERIAL, directory)).call.path
        groups.setdefault((partner.sector if partner else "", path), []).append((channel, flow))
    rounds = itertools.zip_longest(*groups.values())
    return [entry for each in rounds for entry in each if entry is not None]


def repeatable(flow: Flow, directory: Directory, seed: str, now: int) -> tuple[Sending, list[Slot]]:
    """A call of the flow with slots that were tried out; a call without a body (the reading of a mailbox) needs none.

    Raises:
        NotRepeatable: see there.
    """
    sending, other = (flow.make(Situation(random.Random(seed), now, serial, directory)) for serial in (SERIAL, OTHER_SERIAL))
    slots = list(slots_of(sending.call))
    if written(sending.call, [slot for slot in slots if slot.width != LONG_ID_SLOT], OTHER_SERIAL) != _parts(other.call):
        raise NotRepeatable(f"{flow.name}: more than its ids depends on the serial number")
    if sending.call.body and not slots:
        raise NotRepeatable(f"{flow.name}: no id in it depends on the serial number")
    return sending, slots


def slots_of(call: Call) -> Iterator[Slot]:
    """The places where a call that was made with `SERIAL` has ids."""
    serial = {10: f"{SERIAL:d}".encode(), 16: f"{SERIAL:x}".encode()}
    for name, content in _parts(call).items():
        rest = content
        for base, text in (*serial.items(), (10, serial[10][-SHORT_DIGITS:])):
            for found in re.finditer(re.escape(text), rest):
                yield Slot(name, found.start(), len(text), base)
            rest = rest.replace(text, b"\0" * len(text))
        if name == "body":
            for found in LONG_ID.finditer(rest):
                yield Slot(name, found.start(), LONG_ID_SLOT, 16)


def written(call: Call, slots: Sequence[Slot], number: int) -> dict[str, bytes]:
    """The parts of a call with `number` in those slots."""
    parts = {name: bytearray(content) for name, content in _parts(call).items()}
    for slot in slots:
        parts[slot.part][slot.at : slot.at + slot.width] = slot.digits(number)
    return {name: bytes(content) for name, content in parts.items()}


def _parts(call: Call) -> dict[str, bytes]:
    return {"body": call.body, **{name: value.encode("latin-1") for name, value in call.headers.items()}}


def write(samples: Sequence[Sample], folder: Path) -> None:
    """Write bodies and add their lines to the folder's manifest."""
    with (folder / MANIFEST).open("a", encoding="utf-8") as manifest:
        for number, sample in enumerate(samples):
            name = ""
            if sample.sending.call.body:
                name = f"{sample.flow.message_type}-call-{number:06d}"
                (folder / name).write_bytes(sample.sending.call.body)
            manifest.write(json.dumps(sample.line(name), ensure_ascii=False) + "\n")
