"""Deliveries after the last segment of the index, as one worker has read them, and the terms that a
query may look for in a delivery; writes nothing.

A question would otherwise read up to a whole segment of deliveries again. What is kept is bounded
by what closes a segment.
"""

from __future__ import annotations

import asyncio
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from zlib import crc32

from exchange.schemas import xml
from exchange.schemas.large_bytes import find

#: A delivery of more bytes is read on a thread, so that nobody waits for it.
LARGE_BYTES = 500_000
#: Identifiers of payers and earners, and policy numbers, wherever they stand and however they are
#: written.
_TERMS = re.compile(rb"<(?:Code|PensionPolicyNo|AccInsPolicyNo)\s*>\s*([^<\s]{1,30})\s*</")
_TAGS = ("Code", "PensionPolicyNo", "AccInsPolicyNo")


def terms_in(body: bytes) -> set[int]:
    """Checksums of everything in a delivery that may be asked for."""
    if find(body, b"<!") >= 0 or find(body, b"&#") >= 0:
        root = xml.parse(body)
        return {
            crc32("".join(map(str, each.itertext())).strip().encode()) for each in root.iter(*_TAGS)
        }
    # One by one: a thread that looks for all at once would let no other one work meanwhile.
    return {crc32(found[1]) for found in _TERMS.finditer(body)}


class Unindexed:
    """The unindexed deliveries in the order of their positions, after the one with which the last
    segment ended. One question at a time adds to it (`lock`).
    """

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.messages: list[int] = []
        self._positions: list[int] = []
        #: Of each message, its terms in order.
        self.terms: list[array[int]] = []
        #: All terms together.
        self.size = 0
        #: All up to that position was looked at, deliveries and whatever else.
        self.read_until = 0

    def begin_after(self, position: int) -> None:
        """The last segment ends with that position: what it holds is indexed."""
        gone = bisect_right(self._positions, position)
        self.size -= sum(map(len, self.terms[:gone]))
        del self.messages[:gone], self._positions[:gone], self.terms[:gone]
        self.read_until = max(self.read_until, position)

    def add(self, message_id: int, position: int, terms: set[int]) -> None:
        """A message after all that was looked at."""
        self.messages.append(message_id)
        self._positions.append(position)
        self.terms.append(array("I", sorted(terms)))
        self.size += len(terms)
        self.read_until = position

    def found(self, wanted: Sequence[set[int]]) -> list[int]:
        """The messages that hold one of each set of terms, the newest first."""
        both = zip(reversed(self.messages), reversed(self.terms), strict=True)
        return [
            message
            for message, terms in both
            if all(any(_holds(terms, term) for term in each) for each in wanted)
        ]


def _holds(terms: array[int], term: int) -> bool:
    place = bisect_left(terms, term)
    return place < len(terms) and terms[place] == term
