"""The operators' JSON API to find messages: by who sent what to whom, when, how it came in, what it
was told, and by any id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from aiohttp import web

from exchange.clocks import first_id
from exchange.ports import Clock, Ledger
from exchange.ports.description import TEXT, members, reference
from exchange.ports.ledger import Found, MessageFilter, MessageRow
from exchange.ports.rows import DEAD_LETTERED, REPEATED
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.envelope import id_from_public, public_id
from exchange.schemas.instants import instant
from exchange.web.access.guard import ACTOR
from exchange.web.api.filters import time_of
from exchange.web.api.person_asked import person_asked
from exchange.web.operation import Operation, problem_response

#: Messages in one answer, and about how many one call looks at, of the newest that the narrowest
#: index names: with more it says where to go on, so that no call holds a reader for long.
PAGE_MAX = 100
LOOK_MAX = 20_000
#: And for how long; what was found till then is told.
LOOK_SECONDS = 0.2

#: No id is greater.
LAST_ID = 1 << 62

#: The states of a message, and of its deliveries; of those that ended as dead letters both.
STATES = (
    *("accepted", "rejected", REPEATED, "waiting", "delivered", DEAD_LETTERED, "dead", "skipped"),
)

#: The filters by the names that a caller gives them.
FILTERS = {
    "channel": "The channel's name",
    "type": "The message type",
    "sender": "The id of the partner that sent it",
    "state": f"That of the message or of one of its deliveries: {', '.join(STATES)}",
    "endpoint": "How it came in: api, ui, batch, query ...",
    "conversation": "The conversation",
    "process": "The kind of business that it is part of: P_BUC_01 ...; empty: it holds nothing",
    "detail": "A text in what is kept with it, say the IRReportId of a report that was handed out",
    "receiver": "The id of a partner that it goes to",
    "reason": "Why it was refused, or a delivery failed: schema, http-503 ...",
    "message_id": "The sender's own id",
}
#: Beside them, when it came and where to go on.
TIMES = {
    "since": "Received at this time or later, as in 2026-11-29T08:00:00Z",
    "until": "Received before this time",
}
BEFORE = {"before": "Where to go on: `before` of the answer before"}
_BESIDE_PERSON = (*BEFORE, *FILTERS, *TIMES)
_SHOWN = (
    *("channel", "message_type", "sender", "sender_message_id", "state"),
    *("endpoint", "conversation", "items", "bytes", "process"),
)


class Asked(NamedTuple):
    """What is searched for, among the messages with ids below `before`."""

    wanted: MessageFilter
    before: int


class MessageSearch:
    """Finds messages over the ledger, and the handler that tells them."""

    def __init__(
        self, ledger: Ledger, catalogue: Catalogue, channels: Sequence[str], clock: Clock
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._known: Mapping[str, Sequence[str]] = {
            "state": STATES,
            "channel": channels,
            "type": [message_type.name for message_type in catalogue],
        }

    def operations(self) -> list[Operation]:
        """Every operation, with what it takes and gives."""
        return [
            Operation(
                "GET",
                "/api/v1/messages",
                self.find,
                reference("MessagesFound"),
                query={**BEFORE, **FILTERS, **TIMES},
                problems=(400,),
            ),
            Operation(
                "POST",
                "/api/v1/messages/search",
                self.find_person,
                reference("MessagesFound"),
                takes=members({"person": TEXT}, **dict.fromkeys(_BESIDE_PERSON, TEXT)),
                problems=(400,),
                role="operator",
            ),
        ]

    async def find(self, request: web.Request) -> web.Response:
        """The newest messages, by the filters; while there is a `before` in the answer, go on with
        `?before=` it.
        """
        try:
            asked = self.asked(request.query)
        except ValueError as error:
            return problem_response(400, "No such filter", str(error))
        return _told(await self.search(asked))

    async def find_person(self, request: web.Request) -> web.Response:
        """The newest messages in which a person is named, as far as their bodies are kept, by the
        other filters too; the code stands in the body.
        """
        try:
            given = person_asked(await request.read(), _BESIDE_PERSON)
            asked = self.asked(given)
        except ValueError as error:
            return problem_response(400, "Not a question", str(error))
        return _told(await self.search_person(request, asked, given["person"]))

    async def search_person(
        self, request: web.Request, asked: Asked, person: str, most: int = PAGE_MAX
    ) -> Found:
        """A page of what names a person and is searched for; that it was asked, not about whom, is
        in the audit log.
        """
        actor = request[ACTOR]
        read = actor.did(self._clock.now(), "messages-of-person", "a person", "read")
        await self._ledger.audit([read])
        wanted = asked.wanted._replace(person=person)
        return await self.search(asked._replace(wanted=wanted), most)

    async def search(self, asked: Asked, most: int = PAGE_MAX) -> Found:
        """A page of what is searched for."""
        return await self._ledger.search(asked.wanted, asked.before, most, LOOK_MAX, LOOK_SECONDS)

    async def of_id(self, text: str) -> int:
        """The message of any id: the exchange's of a message or of one of its deliveries. 0 when
        there is none; ids of senders and conversations are searched for.
        """
        try:
            number = id_from_public(text.replace("-", ""))
        except ValueError:
            return 0
        if await self._ledger.message(number):
            return number
        return await self._ledger.message_of(number)

    def asked(self, query: Mapping[str, str]) -> Asked:
        """What a query asks for; names that are no filters are passed over.

        Raises:
            ValueError: saying what would be right.
        """
        given = {name: query.get(name, "").strip() for name in FILTERS}
        for name, known in self._known.items():
            if given[name] and given[name] not in known:
                near = get_close_matches(given[name], known, 3, 0.4) or [*known][:9]
                raise ValueError(
                    f"there is no {name} {given[name][:40]!r}; there is {', '.join(near)}"
                )
        since = _id_at(query, "since", 0)
        until = _id_at(query, "until", LAST_ID)
        try:
            before = id_from_public(query["before"]) if query.get("before") else LAST_ID
        except ValueError:
            raise ValueError(
                "before is an id that this search gave: 32 hexadecimal digits"
            ) from None
        wanted = MessageFilter(
            channel=given["channel"],
            message_type=given["type"],
            sender=given["sender"],
            state=given["state"],
            endpoint=given["endpoint"],
            conversation=given["conversation"],
            process=given["process"],
            detail=given["detail"],
            receiver=given["receiver"],
            reason=given["reason"],
            sender_message_id=given["message_id"],
            first=since,
        )
        return Asked(wanted, min(before, until))


def _told(found: Found) -> web.Response:
    return web.json_response(
        {
            "messages": [_shown(row) for row in found.messages],
            "before": public_id(found.before) if found.before else "",
        }
    )


def _id_at(query: Mapping[str, str], name: str, usual: int) -> int:
    text = query.get(name, "").strip()
    return min(first_id(time_of(name, text)), LAST_ID) if text else usual


def _shown(row: MessageRow) -> dict[str, object]:
    told = {name: getattr(row, name) for name in _SHOWN}
    return {"id": public_id(row.id), "received_at": instant(row.received_at), **told}
