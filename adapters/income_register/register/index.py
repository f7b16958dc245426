"""The index of deliveries by payer, income earner and insurance policy: says where an answer may
be, and judges nothing.

Nothing is written for it while deliveries come in: a report may take no row of its own, at 125
million a year. It grows when somebody asks, by segments of some hundred deliveries in the order in
which they were committed: what they hold (a checksum of each identifier) in a few rows, so that a
question reads one row for each segment. What was committed after the last whole segment is indexed
in memory (`unindexed.py`).
"""

from __future__ import annotations

import asyncio
import base64
import struct
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from weakref import WeakKeyDictionary
from zlib import crc32

from exchange.adapters.income_register.document import (
    BENEFIT_REPORTS,
    PAYER_SUMMARY_REPORTS,
    WAGE_REPORTS,
)
from exchange.adapters.income_register.orders.conditions import Conditions
from exchange.adapters.income_register.register.stored_delivery import StoredDelivery
from exchange.adapters.income_register.register.stored_reports import stored_delivery_of
from exchange.adapters.income_register.register.unindexed import LARGE_BYTES, Unindexed, terms_in
from exchange.ports import Desk, Remember, Remembered
from exchange.schemas.envelope import Envelope

_TYPES = (WAGE_REPORTS, BENEFIT_REPORTS, PAYER_SUMMARY_REPORTS)
#: Deliveries in a segment at most; it is closed earlier by the delivery with which it has so many
#: entries.
SEGMENT_MESSAGES, SEGMENT_TERMS = 256, 200_000
#: Rows that hold what is in a segment, segments looked into at once.
SHARES, SEGMENTS_AT_ONCE = 16, 64
#: Deliveries read at once, and bytes of them, as far as the size of those before tells.
PAGE_MESSAGES, PAGE_BYTES = 32, 4_000_000
_ENTRY = struct.Struct(">IH")
#: The key under which the number of segments and the position at which the last one ends are
#: remembered.
_STATE = "i/state"
#: What each desk's worker has read beyond the last whole segment.
_UNINDEXED: WeakKeyDictionary[Desk, Unindexed] = WeakKeyDictionary()


class Index:
    """The index as one question uses it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._unindexed = _UNINDEXED.setdefault(desk, Unindexed())

    async def look_up(self, message_type: str, wanted: Conditions) -> AsyncIterator[StoredDelivery]:
        """The deliveries of that type that may hold what is wanted, the newest first, with their
        bodies.
        """
        terms = [{crc32(each) for each in alternatives} for alternatives in wanted.needles()]
        told: set[int] = set()
        async for message_id in self._messages(terms):
            # An index that was begun before there were positions may lead to one twice.
            if message_id not in told:
                told.add(message_id)
                delivery = await stored_delivery_of(self._desk, message_id)
                if delivery is not None and delivery.envelope.message_type == message_type:
                    yield delivery

    async def _messages(self, terms: Sequence[set[int]]) -> AsyncIterator[int]:
        """The messages that hold one of each set of terms, the newest first."""
        async with self._unindexed.lock:
            segments = await self._grow()
            found = self._unindexed.found(terms)
        for message_id in found:
            yield message_id
        for first in range(segments, 0, -SEGMENTS_AT_ONCE):
            numbers = range(first, max(first - SEGMENTS_AT_ONCE, 0), -1)
            for message_id in await self._found(numbers, terms):
                yield message_id

    async def _found(self, numbers: Sequence[int], terms: Sequence[set[int]]) -> list[int]:
        """The messages in these segments that hold one of each set of terms, the newest first."""
        keys = [
            _key(number, term % SHARES) for number in numbers for each in terms for term in each
        ]
        keys += [_key(number) for number in numbers]
        known = await self._desk.recall(list(dict.fromkeys(keys)))
        found: list[int] = []
        for number in numbers:
            held = known.get(_key(number))
            if held is None:
                continue
            places = set(range(len(held.value)))
            for each in terms:
                rows = [(known.get(_key(number, term % SHARES)), term) for term in each]
                places &= {
                    place
                    for row, term in rows
                    if row is not None
                    for place in _places(row.value, term)
                }
            found += [held.value[place] for place in sorted(places, reverse=True)]
        return found

    async def _grow(self) -> int:
        """Read what was committed since the last question, and write segments until what is left
        would fill none; how many there are.
        """
        known, last = await self._state(), await self._desk.position()
        async for envelope, body in self._between(self._unindexed.read_until, last):
            if envelope.position <= self._unindexed.read_until:
                # Meanwhile another worker has put it into a segment.
                continue
            terms = (
                await asyncio.to_thread(terms_in, body)
                if len(body) > LARGE_BYTES
                else terms_in(body)
            )
            self._unindexed.add(envelope.id, envelope.position, terms)
            if (
                len(self._unindexed.messages) >= SEGMENT_MESSAGES
                or self._unindexed.size >= SEGMENT_TERMS
            ):
                known = await self._write(known)
        self._unindexed.read_until = max(self._unindexed.read_until, last)
        return int(known.value["segments"]) if known is not None else 0

    async def _state(self) -> Remembered | None:
        """What is remembered of the segments. What others have put into segments is no longer
        unindexed.
        """
        known = (await self._desk.recall([_STATE])).get(_STATE)
        self._unindexed.begin_after(await self._ended(known.value) if known is not None else 0)
        return known

    async def _ended(self, state: Mapping[str, int]) -> int:
        """The position at which the last segment ends."""
        if "position" in state:
            return state["position"]
        # As it was remembered before there were positions: by the last message, which may have
        # been dropped since, and with it most of what came before.
        envelope = await self._desk.message(state["last"])
        return envelope.position if envelope is not None else 0

    async def _write(self, known: Remembered | None) -> Remembered | None:
        """Make a segment of what is unindexed; that of another worker where it was quicker."""
        unindexed = self._unindexed
        number = known.value["segments"] + 1 if known is not None else 1
        shares = await asyncio.to_thread(_shares, list(unindexed.terms))
        rows = [Remember(_key(number), list(unindexed.messages))]
        rows += [Remember(_key(number, share), packed) for share, packed in shares.items()]
        grown = {"segments": number, "position": unindexed.read_until}
        await self._desk.note(
            [*rows, Remember(_STATE, grown, known.version if known is not None else 0)]
        )
        return await self._state()

    async def _between(self, after: int, until: int) -> AsyncIterator[tuple[Envelope, bytes]]:
        """Deliveries with positions in (after, until], the oldest first."""
        most = 1
        while page := await self._desk.stored(_TYPES, after, until, most):
            for envelope, body in page:
                yield envelope, body
            after = page[-1][0].position
            most = min(PAGE_MESSAGES, PAGE_BYTES // (max(len(body) for _, body in page) + 1) + 1)
            await asyncio.sleep(0)


def _shares(terms: Sequence[Sequence[int]]) -> Mapping[int, str]:
    """What stands in the rows of a segment of deliveries with these terms."""
    shares: dict[int, bytearray] = defaultdict(bytearray)
    for place, each in enumerate(terms):
        for term in each:
            shares[term % SHARES] += _ENTRY.pack(term, place)
    return {share: base64.b64encode(packed).decode() for share, packed in shares.items()}


def _key(number: int, share: int | None = None) -> str:
    return f"i/{number}" if share is None else f"i/{number}/{share}"


def _places(packed: str, term: int) -> Iterator[int]:
    """The places in the segment of the messages that hold a term."""
    entries, wanted = base64.b64decode(packed), term.to_bytes(4)
    at = entries.find(wanted)
    while at >= 0:
        if at % _ENTRY.size == 0:
            yield int.from_bytes(entries[at + 4 : at + _ENTRY.size])
        at = entries.find(wanted, at + 1)
