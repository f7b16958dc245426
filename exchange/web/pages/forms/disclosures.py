"""The page of who asked, or was told something, about a person: the person stands in a form's body
and in no address; that it was asked is in the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from exchange.schemas.catalogue import Catalogue
from exchange.schemas.instants import milliseconds_of
from exchange.web.access.guard import Guard, Need
from exchange.web.api.disclosures import Disclosures
from exchange.web.api.person_asked import checked_person
from exchange.web.pages.form import posted_texts
from exchange.web.pages.layout import language_of, page, what_is_wrong

#: Fields of the form, and some that somebody's program may add.
FIELDS_MAX = 10


class DisclosurePage:
    """The handlers, over the log that the API has too."""

    def __init__(self, disclosures: Disclosures, catalogue: Catalogue) -> None:
        self._disclosures = disclosures
        self._titles = {message_type.name: message_type.titles for message_type in catalogue}

    def attach(self, app: web.Application, guard: Guard) -> None:
        """Add the routes, for administrators as the API's."""
        router = app.router
        for route in (
            router.add_get("/disclosures", self.show),
            router.add_post("/disclosures", self.ask),
        ):
            guard.declare(route, Need("admin"))

    async def show(self, request: web.Request) -> web.Response:
        """The form."""
        return self._page(request, "")

    async def ask(self, request: web.Request) -> web.Response:
        """The form again, with what was told about the person, the newest first."""
        given = await posted_texts(request, FIELDS_MAX)
        try:
            person = checked_person(given.get("person", ""))
            told, before = await self._disclosures.about(request, person, given.get("before", ""))
        except ValueError as error:
            return self._page(request, "", what_is_wrong(error, language_of(request)))
        return self._page(request, person, told=told, before=before)

    def _page(
        self,
        request: web.Request,
        person: str,
        wrong: str = "",
        told: Sequence[dict[str, Any]] = (),
        before: str = "",
    ) -> web.Response:
        return page(
            request,
            "disclosures.html",
            status=400 if wrong else 200,
            person=person,
            wrong=wrong,
            told=[
                {
                    **each,
                    "received_at": milliseconds_of(each["at"]),
                    "titles": self._titles.get(each["message_type"]),
                }
                for each in told
            ],
            before=before,
        )
