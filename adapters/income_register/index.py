"""The index of deliveries by payer, income earner and insurance policy: says where an answer may be, and judges nothing.

Nothing is written for it while deliveries come in: a report may take no row of its own, at 125 million a year. It grows when somebody
asks, by segments of some hundred deliveries in the order in which they came: what they hold (a checksum of each identifier) in a few
rows, so that a question reads one row for each segment. What came in after the last whole segment is looked through byte by byte.
"""

from __future__ import annotations

import asyncio
import base64
import re
import struct
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any
from zlib import crc32

from adapters.income_register.conditions import Conditions
from adapters.income_register.handing import Holding
from adapters.income_register.parse import BENEFIT_REPORTS, PAYER_SUMMARY_REPORTS, WAGE_REPORTS
from exchange.ports import Desk, Remember
from schemas import xml
from schemas.envelope import Envelope

_TYPES = (WAGE_REPORTS, BENEFIT_REPORTS, PAYER_SUMMARY_REPORTS)
#: Deliveries in a segment, rows that hold what is in them, deliveries read at once, segments looked into at once.
SEGMENT_MESSAGES, SHARES, PAGE_MESSAGES, SEGMENTS_AT_ONCE = 256, 16, 32, 64
#: A delivery is indexed when it has been there so long: another worker's, with an earlier id, is committed by then.
SETTLING_MILLISECONDS = 5000
_ENTRY = struct.Struct(">IH")
#: The key under which the number of segments and the last message in them are remembered.
_STATE = "i/state"
#: Identifiers of payers and earners, and policy numbers, wherever they stand and however they are written.
_TERMS = re.compile(rb"<(?:Code|PensionPolicyNo|AccInsPolicyNo)\s*>\s*([^<\s]{1,30})\s*</")
_TAGS = ("Code", "PensionPolicyNo", "AccInsPolicyNo")


def terms_in(body: bytes) -> set[int]:
    """Checksums of everything in a delivery that may be asked for."""
    if b"<!" in body or b"&#" in body:
        root = xml.parse(body, xml.XmlLimits(max(len(body), 1)))
        return {crc32("".join(map(str, each.itertext())).strip().encode()) for each in root.iter(*_TAGS)}
    return {crc32(each) for each in _TERMS.findall(body)}


class Index:
    """The index as one question uses it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def look_up(self, message_type: str, wanted: Conditions) -> AsyncIterator[Holding]:
        """The deliveries of that type that may hold what is wanted, the newest first, with their bodies."""
        state = await self._grown()
        terms = [{crc32(each) for each in needles} for needles in wanted.needles()]
        async for envelope, body in self._since(int(state.get("last", 0)), True):
            if envelope.message_type == message_type and body:
                yield Holding(envelope, body)
        last = state.get("segments", 0)
        for first in range(last, 0, -SEGMENTS_AT_ONCE):
            numbers = range(first, max(first - SEGMENTS_AT_ONCE, 0), -1)
            for message_id in await self._found(numbers, terms):
                holding = await self._holding(message_id)
                if holding is not None and holding.envelope.message_type == message_type:
                    yield holding

    async def _holding(self, message_id: int) -> Holding | None:
        found = await self._desk.stored(_TYPES, 0, self._desk.now() + 1, 1, message_id - 1)
        return Holding(*found[0]) if found and found[0][0].id == message_id and found[0][1] else None

    async def _found(self, numbers: Sequence[int], terms: Sequence[set[int]]) -> list[int]:
        """The messages in these segments that hold one of each set of terms, the newest first."""
        keys = [_key(number, term % SHARES) for number in numbers for each in terms for term in each]
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
                places &= {place for row, term in rows if row is not None for place in _places(row.value, term)}
            found += [held.value[place] for place in sorted(places, reverse=True)]
        return found

    async def _grown(self) -> dict[str, Any]:
        """Whether the index is up to date: adds segments until what is left would fill none."""
        while True:
            known = (await self._desk.recall([_STATE])).get(_STATE)
            state: dict[str, Any] = known.value if known is not None else {"segments": 0, "last": 0}
            segment: list[int] = []
            shares: dict[int, list[bytes]] = defaultdict(list)
            async for envelope, body in self._since(state["last"], False):
                for term in terms_in(body):
                    shares[term % SHARES].append(_ENTRY.pack(term, len(segment)))
                segment.append(envelope.id)
                if len(segment) == SEGMENT_MESSAGES:
                    break
            if len(segment) < SEGMENT_MESSAGES:
                return state
            number = state["segments"] + 1
            rows = [Remember(_key(number), segment)]
            rows += [Remember(_key(number, share), base64.b64encode(b"".join(each)).decode()) for share, each in shares.items()]
            grown = Remember(_STATE, {"segments": number, "last": segment[-1]}, known.version if known is not None else 0)
            # Where another worker was quicker, its segment is taken.
            await self._desk.note([*rows, grown])

    async def _since(self, message_id: int, newest_first: bool) -> AsyncIterator[tuple[Envelope, bytes]]:
        """Deliveries after that message: all of them from the newest, or from the oldest those that have settled."""
        until = self._desk.now() + 1 - (0 if newest_first else SETTLING_MILLISECONDS)
        after = 0 if newest_first else message_id
        while page := await self._desk.stored(_TYPES, 0, until, PAGE_MESSAGES, after, newest_first):
            for envelope, body in page:
                if newest_first and envelope.id <= message_id:
                    return
                yield envelope, body
            after = page[-1][0].id
            await asyncio.sleep(0)


def _key(number: int, share: int | None = None) -> str:
    return f"i/{number}" if share is None else f"i/{number}/{share}"


def _places(packed: str, term: int) -> Iterator[int]:
    """The places in the segment of the messages that hold a term."""
    for found, place in _ENTRY.iter_unpack(base64.b64decode(packed)):
        if found == term:
            yield place
