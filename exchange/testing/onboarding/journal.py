"""What a partner's program says that it took: `GET` of its journal gives the delivery ids, in the
order in which it took them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Sequence
from dataclasses import replace

from exchange.schemas.call import Call
from exchange.schemas.directory import Partner
from exchange.testing.onboarding.carried import Carrier

TIMEOUT_SECONDS = 10.0
LOOK_SECONDS = 0.05


class NoJournal(ValueError):
    """What the address gives is no journal."""


class Journal:
    """The journal at an address. What the partner answers with 2xx is to be in it at once; it is
    looked at again for `patience_seconds`.
    """

    def __init__(
        self, carrier: Carrier, partner: Partner, url: str, patience_seconds: float
    ) -> None:
        self._carrier = carrier
        self._at = replace(partner, url=url)
        self._patience_seconds = patience_seconds

    async def taken(self) -> Sequence[str]:
        """The ids of the deliveries that were taken.

        Raises:
            NoJournal: when that is not what the address gives.
        """
        carried = await self._carrier.carry(self._at, Call("GET", ""), TIMEOUT_SECONDS)
        try:
            told = json.loads(carried.reply.body) if carried.reply is not None else None
        except (ValueError, RecursionError):
            told = None
        wanted = "a JSON list of delivery ids is wanted of the journal"
        if carried.status != 200 or not isinstance(told, list):
            raise NoJournal(f"{wanted}; {carried.told}")
        if not all(isinstance(each, str) for each in told):
            raise NoJournal(f"{wanted}, and some of it are no texts")
        return told

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
