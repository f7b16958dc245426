"""Pages to find messages and to look at one: what happened to it, what is wrong with it and where,
and what it belongs to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web
from yarl import URL

from exchange.clocks import time_of, worker_of
from exchange.ports import Channel, Clock, Ledger
from exchange.ports.ledger import DeliveryRow, MessageFilter, MessageRow
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.envelope import id_from_public, public_id
from exchange.settings import Retention
from exchange.web.access.guard import Guard, Need
from exchange.web.api.message_search import (
    FILTERS,
    LAST_ID,
    STATES,
    TIMES,
    Asked,
    MessageSearch,
)
from exchange.web.api.person_asked import checked_person
from exchange.web.pages.form import posted_texts
from exchange.web.pages.layout import (
    finnish_time,
    language_of,
    link,
    may,
    page,
    what_is_wrong,
)
from exchange.web.pages.marked_body import marked
from exchange.web.pages.translations import gettext

#: Messages on a page, and of its conversation on a message's.
PAGE_MAX = 50
RELATED_MAX = 10
#: Fields of the form about a person, and some that somebody's program may add.
FIELDS_MAX = 30


class MessagePages:
    """The handlers, over the search that the API has too."""

    def __init__(
        self,
        ledger: Ledger,
        search: MessageSearch,
        catalogue: Catalogue,
        channels: Sequence[Channel],
        clock: Clock,
        retention: Retention,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._retention = retention
        self._search = search
        self._titles = {message_type.name: message_type.titles for message_type in catalogue}
        self._channels = {each.name: each.titles for each in channels}
        self._with_cases = {each.name for each in channels if each.cases is not None}

    def attach(self, app: web.Application, guard: Guard) -> None:
        """Add the routes; a viewer may look, bodies are for operators."""
        app.router.add_get("/messages", self.find)
        guard.declare(app.router.add_post("/messages", self.find_person), Need("operator"))
        app.router.add_get("/messages/{id}", self.show)

    async def find(self, request: web.Request) -> web.Response:
        """The form of the search, and what it finds. An id alone opens its message."""
        query, language = request.query, language_of(request)
        found: list[MessageRow] = []
        wrong = before = ""
        text = query.get("q", "").strip()
        if text and (number := await self._search.of_id(text)):
            raise web.HTTPSeeOther(link(language)(f"/messages/{public_id(number)}"))
        try:
            asked = self._search.asked(_in_finland(query))
            found, before = await self._pages(text, asked)
        except ValueError as error:
            wrong = what_is_wrong(error, language)
        given = {name: value for name, value in query.items() if value and name != "before"}
        older = str(URL("/messages").with_query({**given, "before": before})) if before else ""
        return self._found(request, given, found, wrong, before, older=older)

    async def find_person(self, request: web.Request) -> web.Response:
        """The same by a person, who stands in the form's body and in no address."""
        found: list[MessageRow] = []
        wrong = before = ""
        given = await posted_texts(request, FIELDS_MAX)
        try:
            person = checked_person(given.get("person", ""))
            asked = self._search.asked(_in_finland(given))
            page_found = await self._search.search_person(request, asked, person, PAGE_MAX)
            found = [*page_found.messages]
            before = public_id(page_found.before) if page_found.before else ""
        except ValueError as error:
            wrong, given["person"] = what_is_wrong(error, language_of(request)), ""
        return self._found(request, given, found, wrong, before)

    def _found(
        self,
        request: web.Request,
        given: Mapping[str, str],
        found: Sequence[MessageRow],
        wrong: str,
        before: str,
        older: str = "",
    ) -> web.Response:
        """The page with what was found, and how far back it was looked."""
        names, language = (*FILTERS, *TIMES, "q", "person"), language_of(request)
        return page(
            request,
            "messages.html",
            status=400 if wrong else 200,
            wrong=wrong,
            given={**dict.fromkeys(names, ""), **given},
            is_filtered=any(name != "lang" for name in given),
            channels=self._channels,
            channel_titles={name: titles[language] for name, titles in self._channels.items()},
            types=self._titles,
            states=STATES,
            state_titles={state: gettext(language)(state) for state in STATES},
            found=[self._line(row) for row in found],
            before=before,
            looked_until=time_of(id_from_public(before)) if before else 0,
            older=older,
            may_ask=may(request, "operator"),
        )

    async def _pages(self, text: str, asked: Asked) -> tuple[list[MessageRow], str]:
        """What is found; a text is a sender's id, or else a conversation."""
        if text:
            by_sender = asked.wanted._replace(sender_message_id=text)
            found = await self._search.search(asked._replace(wanted=by_sender), PAGE_MAX)
            if found.messages:
                return list(found.messages), ""
            asked = asked._replace(wanted=asked.wanted._replace(conversation=text))
        found = await self._search.search(asked, PAGE_MAX)
        return list(found.messages), public_id(found.before) if found.before else ""

    def _line(self, row: MessageRow) -> dict[str, Any]:
        return {
            **row._asdict(),
            "id": public_id(row.id),
            "titles": self._titles.get(row.message_type),
        }

    async def show(self, request: web.Request) -> web.Response:
        """One message."""
        try:
            number = id_from_public(request.match_info["id"])
        except ValueError:
            number = -1
        row = await self._ledger.message(number) if number >= 0 else None
        if row is None:
            return page(
                request,
                "no_message.html",
                status=404,
                id=request.match_info["id"][:64],
                # (An id tells when it was given.)
                is_forgotten=number > 0
                and self._is_older(time_of(number), self._retention.message_seconds),
            )
        detail = json.loads(row.detail)
        violations = detail.get("violations", [])
        deliveries = await self._ledger.deliveries(row.id)
        may_see = may(request, "operator")
        body = await self._ledger.body(row.id) if may_see else None
        return page(
            request,
            "message.html",
            origin=str(request.url.origin()),
            message=self._line(row),
            node=worker_of(row.id),
            reason=detail.get("reason", ""),
            receivers=detail.get("receivers", []),
            violations=violations,
            rules=sorted({each["rule"] for each in violations}),
            deliveries=[_delivery(each) for each in deliveries],
            events=await self._events(row, deliveries),
            lines=marked(body, violations) if body is not None else [],
            may_see=may_see,
            is_kept=body is not None,
            is_body_forgotten=self._is_older(row.received_at, self._retention.body_seconds),
            related=await self._related(row),
            has_case=bool(row.conversation)
            and row.state == "accepted"
            and row.channel in self._with_cases,
        )

    def _is_older(self, at: int, seconds: int) -> bool:
        """Whether a time (milliseconds) is longer ago."""
        return at < self._clock.now() - 1000 * seconds

    async def _related(self, row: MessageRow) -> list[dict[str, Any]]:
        """The newest other messages of the same conversation."""
        if not row.conversation:
            return []
        wanted = MessageFilter(channel=row.channel, conversation=row.conversation)
        found = await self._search.search(Asked(wanted, LAST_ID), RELATED_MAX + 1)
        others = [each for each in found.messages if each.id != row.id]
        return [self._line(each) for each in others[:RELATED_MAX]]

    async def _events(self, row: MessageRow, deliveries: list[DeliveryRow]) -> list[dict[str, Any]]:
        receivers = {each.id: each.receiver for each in deliveries}
        return [
            {**each._asdict(), "receiver": receivers.get(each.delivery_id, "")}
            for each in await self._ledger.events(row.id)
        ]


def _in_finland(query: Mapping[str, str]) -> dict[str, str]:
    """What was asked for, its times with their offsets."""
    times = {name: finnish_time(query[name].strip()) for name in TIMES if name in query}
    return {**query, **times}


def _delivery(row: DeliveryRow) -> dict[str, Any]:
    return {**row._asdict(), "id": public_id(row.id)}
