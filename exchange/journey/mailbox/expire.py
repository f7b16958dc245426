"""The deadline of mailboxes over time: what nobody acknowledged goes to the dead letters."""

from __future__ import annotations

import asyncio

import structlog

from exchange.errors import LedgerUnavailable
from exchange.journey.mailbox.fetch import Mailboxes
from exchange.ports import Clock

log = structlog.get_logger(__name__)

#: How often it is looked whether something is past its deadline, in seconds: the deadline is one
#: of days.
EVERY_SECONDS = 60.0


class Expiring:
    """Settles what lay in a mailbox for too long."""

    def __init__(self, mailboxes: Mailboxes, clock: Clock) -> None:
        self._mailboxes = mailboxes
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="expiring")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                if expired := await self._mailboxes.expire():
                    log.warning("mailbox deliveries past their deadline", dead=expired)
            except LedgerUnavailable as error:
                log.warning("mailboxes not looked through", why=str(error))
            except Exception:  # what could not be settled now is settled the next time
                log.exception("mailboxes not looked through")
            await self._clock.sleep(EVERY_SECONDS)
