"""The operators' JSON API over the log of disclosures: what an organisation asked for and was told,
and, for an inspector, who asked about one person.

Whom the inspector asked about is not written down; that he asked is, in the audit log.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from exchange.ports import Clock, Ledger
from exchange.ports.description import TEXT, members, reference
from exchange.ports.disclosures import disclosures_of, message_of
from exchange.ports.ledger import MessageFilter, MessageRow
from exchange.schemas.envelope import id_from_public, public_id
from exchange.schemas.instants import instant
from exchange.web.access.guard import ACTOR
from exchange.web.api.message_search import LAST_ID, LOOK_MAX
from exchange.web.api.person_asked import person_asked
from exchange.web.operation import Operation, problem_response

PAGE_MAX = 100
PATH = "/api/v1/disclosures"
#: What of a message's detail says who asked and why.
_GROUNDS = ("user", "purpose", "legal_ground")


class Disclosures:
    """The handlers, over the ledger. `channels` are those whose log is looked through."""

    def __init__(self, ledger: Ledger, channels: Sequence[str], clock: Clock) -> None:
        self._ledger = ledger
        self._channels = channels
        self._clock = clock

    def operations(self) -> list[Operation]:
        """Every operation, with what it takes and gives."""
        return [
            Operation(
                "GET",
                PATH,
                self.of_organisation,
                reference("Disclosures"),
                query={
                    "organisation": "The id of a partner",
                    "before": "Where to go on: `before` of the answer before",
                },
                problems=(400,),
                role="operator",
            ),
            Operation(
                "POST",
                f"{PATH}/search",
                self.of_person,
                reference("Disclosures"),
                takes=members({"person": TEXT}, before=TEXT),
                problems=(400,),
                role="admin",
            ),
        ]

    async def of_organisation(self, request: web.Request) -> web.Response:
        """What an organisation sent and asked, on what ground and about how many persons, the
        newest first; nobody is named.
        """
        organisation = request.query.get("organisation", "")
        try:
            before = _before(request.query.get("before", ""))
        except ValueError as error:
            return problem_response(400, "No such id", str(error))
        if not organisation:
            return problem_response(400, "No organisation", "organisation is the id of a partner")
        wanted = MessageFilter(sender=organisation)
        found = await self._ledger.search(wanted, before, PAGE_MAX, LOOK_MAX)
        rows = [row for row in found.messages if "user" in json.loads(row.detail)]
        return _response(*await self._told(rows, found.before))

    async def of_person(self, request: web.Request) -> web.Response:
        """Who asked or was told about a person, the newest first; the code stands in the body."""
        try:
            asked = person_asked(await request.read(), ["before"])
            told, before = await self.about(request, asked["person"], asked.get("before", ""))
        except ValueError as error:
            return problem_response(400, "Not a question", str(error))
        return _response(told, before)

    async def about(
        self, request: web.Request, person: str, before_text: str
    ) -> tuple[list[dict[str, Any]], str]:
        """A page of who asked or was told about a person, and where to go on (empty: it ends).

        Raises:
            ValueError: when `before` is not where a page ended.
        """
        before, actor = _before(before_text), request[ACTOR]
        read = actor.did(self._clock.now(), "disclosures-of-person", "a person", "read")
        await self._ledger.audit([read])
        after = f"{before:020d}"
        ids = []
        for channel in self._channels:
            prefix = disclosures_of(person)
            found = await self._ledger.remembered(channel, prefix, after, PAGE_MAX, True)
            ids += [message_of(key) for key, _ in found]
        ids = sorted(ids, reverse=True)[:PAGE_MAX]
        rows = [row for each in ids if (row := await self._ledger.message(each)) is not None]
        return await self._told(rows, ids[-1] if len(ids) == PAGE_MAX else 0)

    async def _told(
        self, rows: Sequence[MessageRow], before: int
    ) -> tuple[list[dict[str, Any]], str]:
        told = [await self._shown(row) for row in rows]
        return told, public_id(before) if before else ""

    async def _shown(self, row: MessageRow) -> dict[str, Any]:
        detail = json.loads(row.detail)
        deliveries = await self._ledger.deliveries(row.id)
        return {
            "id": public_id(row.id),
            "at": instant(row.received_at),
            "channel": row.channel,
            "message_type": row.message_type,
            "endpoint": row.endpoint,
            "state": row.state,
            "sender": row.sender,
            "receivers": [each.receiver for each in deliveries],
            "persons": len(detail.get("persons") or ()) or int("person" in detail),
            **{name: str(detail.get(name, "")) for name in _GROUNDS},
        }


def _response(told: Sequence[dict[str, Any]], before: str) -> web.Response:
    return web.json_response({"disclosures": told, "before": before})


def _before(text: str) -> int:
    try:
        return id_from_public(text) if text else LAST_ID
    except ValueError:
        raise ValueError("before is an id that the answer before gave") from None
