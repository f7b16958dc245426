"""The page of a case: its documents in the order in which they were sent, and what each participant
may send next.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from exchange.ports import Channel, Clock, Ledger
from exchange.ports.rows import MessageFilter
from exchange.schemas.directory import Directory
from exchange.schemas.envelope import public_id
from exchange.web.api.message_search import LAST_ID, LOOK_MAX
from exchange.web.pages.layout import page

#: Messages of a case that its documents are linked to.
LINKED_MAX = 1_000


class CasePages:
    """The handler, for the channels that keep cases."""

    def __init__(
        self, ledger: Ledger, directory: Directory, clock: Clock, channels: Sequence[Channel]
    ) -> None:
        self._ledger = ledger
        self._directory = directory
        self._clock = clock
        self._cases = {each.name: each.cases for each in channels if each.cases is not None}

    def attach(self, app: web.Application) -> None:
        """Add the route; whoever may look at messages may look at cases: no person is in them."""
        app.router.add_get("/cases/{channel}/{id}", self.show)

    async def show(self, request: web.Request) -> web.Response:
        """One case."""
        channel, case_id = request.match_info["channel"], request.match_info["id"]
        cases, remembered = self._cases.get(channel), None
        if cases is not None:
            key = cases.key(case_id)
            remembered = (await self._ledger.recall(channel, [key])).get(key)
        if cases is None or remembered is None:
            return page(request, "no_case.html", status=404, id=case_id[:64])
        wanted = MessageFilter(channel=channel, conversation=case_id)
        found = await self._ledger.search(wanted, LAST_ID, LINKED_MAX, LOOK_MAX)
        return page(
            request,
            "case.html",
            channel=channel,
            case=cases.shown(remembered.value, self._clock.now(), self._directory),
            messages={
                row.sender_message_id: public_id(row.id)
                for row in found.messages
                if row.state == "accepted"
            },
        )
