"""Senders of the drills: each sends one message after another, each again until it has a receipt,
and journals the receipts.
"""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import itertools
import random
from collections.abc import Sequence
from typing import Self

import aiohttp

from exchange import discovery
from exchange.schemas import directory
from tests.drills.journal import ClientJournal, Sent

TYPE, SENDER, PATH = "population.births", "dvv", "/luova/v1/messages"
RECEIVERS = ("kela.benefits", "kela.income-data")
#: A call that takes longer counts as one that hung.
HANG_SECONDS = 30.0
AGAIN_SECONDS = 0.03
#: Long past, also for a clock that stepped back by a year: what is dated ahead is rejected.
DAY = datetime.date(2024, 3, 1)


def key_of(partner: str) -> str:
    """The shipped key of a test partner."""
    found = directory.load().get(partner)
    assert found is not None, partner
    return found.key


class Client:
    """So many senders; each has a conversation of its own, and every second one is ordered."""

    def __init__(
        self,
        url: str,
        senders: int = 8,
        seed: int = 20,
        receivers: Sequence[str] = RECEIVERS,
        pause_seconds: float = 0.0,
    ) -> None:
        self.url = url
        self.journal = ClientJournal()
        self._seed = seed
        self._senders = senders
        self._receivers = receivers
        self._pause_seconds = pause_seconds
        self._key = key_of(SENDER)
        self._sending = True
        self._tasks: list[asyncio.Task[None]] = []
        self.session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        """Open the connections; nothing is sent yet."""
        self.session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=HANG_SECONDS),
            connector=aiohttp.TCPConnector(limit=0),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """End whatever is still being sent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.session.close()

    def begin(self) -> None:
        """Begin to send."""
        self._sending = True
        self._tasks = [asyncio.create_task(self._send(number)) for number in range(self._senders)]

    async def end(self, seconds: float = 120.0) -> None:
        """Let every sender come to the receipt that it waits for."""
        self._sending = False
        async with asyncio.timeout(seconds):
            await asyncio.gather(*self._tasks)

    async def until(self, receipts: int, seconds: float = 120.0) -> None:
        """Wait until there are so many more receipts."""
        wanted = len(self.journal.receipts) + receipts
        async with asyncio.timeout(seconds):
            while len(self.journal.receipts) < wanted:
                for task in self._tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.01)

    async def _send(self, sender: int) -> None:
        """One sender's messages, numbered, until the client ends."""
        rng = random.Random(f"{self._seed}:{sender}")
        generator = discovery.generators()[TYPE]
        receiver = self._receivers[sender // 2 % len(self._receivers)]
        ordered = sender % 2 == 0
        conversation = f"drill-{sender}"
        number = 0
        while self._sending:
            number += 1
            made = generator(rng, DAY, sender * 1_000_000 + number)
            message_id = f"{conversation}-{number}"
            headers = {
                "X-API-Key": self._key,
                "X-Message-Type": TYPE,
                "X-Message-Id": message_id,
                "X-Receiver": receiver,
                "X-Conversation-Id": conversation,
                "X-Ordered": "true" if ordered else "false",
                "Content-Type": made.content_type,
            }
            receipt = await self._until_receipt(made.body, headers)
            digest = hashlib.sha256(made.body).hexdigest()
            self.journal.receipts[message_id] = Sent(
                receipt, receiver, conversation, ordered, number, digest
            )
            await asyncio.sleep(self._pause_seconds)

    async def _until_receipt(self, body: bytes, headers: dict[str, str]) -> str:
        while True:
            try:
                async with self.session.post(
                    self.url + PATH, data=body, headers=headers
                ) as response:
                    if response.status in (200, 202):
                        receipt: str = (await response.json())["id"]
                        return receipt
                    self.journal.refused[str(response.status)] += 1
                    if response.status in (429, 503) and "Retry-After" not in response.headers:
                        self.journal.unexplained += 1
                    assert response.status in (429, 500, 503), await response.text()
            except TimeoutError:
                self.journal.refused["hung"] += 1
            except aiohttp.ClientError:
                self.journal.refused["dropped"] += 1
            await asyncio.sleep(AGAIN_SECONDS)


class Spread(Client):
    """Sends each message, and each repetition, to the next of several addresses."""

    def __init__(self, urls: Sequence[str], senders: int = 8, pause_seconds: float = 0.0) -> None:
        self._urls = itertools.cycle(urls)
        super().__init__("", senders, pause_seconds=pause_seconds)

    @property
    def url(self) -> str:
        """The next one."""
        return next(self._urls)

    @url.setter
    def url(self, _: str) -> None:
        """There is no single one."""
