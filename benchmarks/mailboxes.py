"""Fetches what lies in partners' mailboxes while a benchmark runs, and acknowledges it; measures
nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aiohttp

from loadtests.calls import Sample
from loadtests.replies import leased

EVERY_SECONDS = 2.0


async def fetch_mailboxes(url: str, readings: Sequence[Sample]) -> None:
    """Read each mailbox until it is empty, again and again until cancelled; `readings` are calls
    that read one.
    """
    mailboxes = {(sample.endpoint, sample.sender): sample for sample in readings}
    async with aiohttp.ClientSession() as session:
        while True:
            for sample in mailboxes.values():
                while held := await _lease(session, url, sample):
                    headers = {**sample.headers, "Content-Type": "application/json"}
                    address = f"{url}{sample.endpoint}/acknowledgements"
                    async with session.post(
                        address, json={"deliveries": held}, headers=headers
                    ) as response:
                        response.raise_for_status()
            await asyncio.sleep(EVERY_SECONDS)


async def _lease(session: aiohttp.ClientSession, url: str, sample: Sample) -> list[dict[str, str]]:
    async with session.get(url + sample.path, headers=sample.headers) as response:
        response.raise_for_status()
        return leased(await response.read())
