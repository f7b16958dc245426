"""What a partner's program says that it took: a file of its own, or an address, has a line of JSON
for each delivery, in the order in which it took them.

The form is *modelled*: JSON lines (UTF-8), each an object whose member `delivery_id` is the
`X-Delivery-Id` of a push; other members are not looked at. A last line that begins as one and
breaks off is still being written: it is not there yet.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from exchange.schemas.call import Call
from exchange.schemas.directory import Partner
from exchange.testing.onboarding.recorded_calls import Carrier

TIMEOUT_SECONDS = 10.0
LOOK_SECONDS = 0.05
FILE_BYTES_MAX = 64 * 1024 * 1024
MEMBER = "delivery_id"
WANTED = 'a line of JSON such as {"delivery_id": "..."} is wanted for each delivery'

#: Gives all that stands in a journal.
Read = Callable[[], Awaitable[bytes]]


class NoJournal(ValueError):
    """What was named is no journal."""


class Journal:
    """A journal that is read by `read`. What the partner answers with 2xx is to be in it at once;
    it is looked at again for `patience_seconds`.
    """

    def __init__(self, read: Read, patience_seconds: float) -> None:
        self._read = read
        self._patience_seconds = patience_seconds

    async def taken(self) -> Sequence[str]:
        """The ids of the deliveries that were taken.

        Raises:
            NoJournal: when there is none, or it has another form.
        """
        return [*_taken(await self._read())]

    async def awaited(self, wanted: Collection[str]) -> Sequence[str]:
        """Those of the wanted deliveries that are in it, as often as they are, once all of them
        are, or nobody waits for them any longer.

        Raises:
            NoJournal: as `taken`.
        """
        until = asyncio.get_running_loop().time() + self._patience_seconds
        while True:
            found = [each for each in await self.taken() if each in wanted]
            if set(found) == set(wanted) or asyncio.get_running_loop().time() > until:
                return found
            await asyncio.sleep(LOOK_SECONDS)


def at_address(carrier: Carrier, partner: Partner, url: str) -> Read:
    """Reads what `GET` of an address of the partner gives."""
    at = replace(partner, url=url)

    async def read() -> bytes:
        carried = await carrier.carry(at, Call("GET", ""), TIMEOUT_SECONDS)
        if carried.reply is None or carried.status != 200:
            raise NoJournal(f"{url}: {carried.told}")
        return carried.reply.body

    return read


def in_file(path: Path) -> Read:
    """Reads a file; a pipe or a device, which may have no end, is none."""

    async def read() -> bytes:
        return await asyncio.to_thread(_content, path)

    return read


def _content(path: Path) -> bytes:
    try:
        is_file, size = path.is_file(), path.stat().st_size
        content = path.read_bytes() if is_file and size <= FILE_BYTES_MAX else b""
    except (OSError, ValueError) as error:
        raise NoJournal(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if not is_file:
        raise NoJournal(f"{path} is no file")
    if size > FILE_BYTES_MAX:
        raise NoJournal(f"{path}: larger than {FILE_BYTES_MAX} bytes")
    return content


def _taken(content: bytes) -> Iterator[str]:
    """Raises:
    NoJournal: naming the first line that is none; its words are not repeated.
    """
    lines = content.split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            if number == len(lines) and line.lstrip().startswith(b"{"):
                return
            raise NoJournal(f"line {number} of the journal is no JSON: {WANTED}") from error
        delivery = told.get(MEMBER) if isinstance(told, dict) else None
        if not isinstance(delivery, str):
            raise NoJournal(f"line {number} of the journal: {WANTED}")
        yield delivery
