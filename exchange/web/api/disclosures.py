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
from exchange.schemas import guard
from exchange.schemas import json as documents
from exchange.schemas.envelope import id_from_public, public_id
from exchange.schemas.identifiers import is_personal_identity_code
from exchange.schemas.instants import instant
from exchange.schemas.violation import Malformed
from exchange.web.access.guard import ACTOR
from exchange.web.api.message_search import LAST_ID, LOOK_MAX
from exchange.web.operation import Operation, problem_response

PAGE_MAX = 100
PATH = "/api/v1/disclosures"
#: What of a message's detail says who asked and why.
_GROUNDS = ("user", "purpose", "legal_ground")
_FORM = '{"person": an artificial personal identity code, "before": where to go on}'


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
        return await self._told(rows, found.before)

    async def of_person(self, request: web.Request) -> web.Response:
        """Who asked or was told about a person, the newest first; the code stands in the body."""
        try:
            person, before = _asked(await request.read())
        except ValueError as error:
            return problem_response(400, "Not a question", str(error))
        actor = request[ACTOR]
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

    async def _told(self, rows: Sequence[MessageRow], before: int) -> web.Response:
        told = [await self._shown(row) for row in rows]
        return web.json_response(
            {"disclosures": told, "before": public_id(before) if before else ""}
        )

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


def _before(text: str) -> int:
    try:
        return id_from_public(text) if text else LAST_ID
    except ValueError:
        raise ValueError("before is an id that the answer before gave") from None


def _asked(body: bytes) -> tuple[str, int]:
    """The person and where to go on.

    Raises:
        ValueError: saying what would be right; it repeats nothing.
    """
    if guard.real_person_in(body):
        raise ValueError("the code could be a living person's: use an artificial one")
    try:
        asked = documents.parse(body)
    except Malformed:
        asked = None
    if not isinstance(asked, dict) or not set(asked) <= {"person", "before"}:
        raise ValueError(f"a JSON object is expected: {_FORM}")
    person, before = asked.get("person"), asked.get("before", "")
    if not isinstance(person, str) or not is_personal_identity_code(person):
        raise ValueError(f"no personal identity code: {_FORM}")
    if not isinstance(before, str):
        raise ValueError("before is an id that the answer before gave")
    return person, _before(before)
