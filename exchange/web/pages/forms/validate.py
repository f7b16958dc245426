"""The page that judges a document without taking it in: pasted or as a file, with every violation
at its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from aiohttp import hdrs, web

from exchange.journey.check import Checked, Checking
from exchange.journey.worker_thread import WorkerThread
from exchange.schemas.catalogue import Catalogue
from exchange.web.pages.form import fields_of
from exchange.web.pages.layout import page
from exchange.web.pages.marked_body import Line, marked

#: Fields of the form, and some that somebody's program may add.
FIELDS_MAX = 10


class Judged(NamedTuple):
    """What the page shows below its form; nothing where nothing was judged."""

    type_name: str = ""
    result: Checked | None = None
    violations: Sequence[Mapping[str, Any]] = ()
    lines: Sequence[Line] = ()


class ValidatePage:
    """The handlers, over the journey's own judgement."""

    def __init__(
        self, checking: Checking, worker_thread: WorkerThread, catalogue: Catalogue
    ) -> None:
        self._checking = checking
        self._worker_thread = worker_thread
        self._types = [message_type.name for message_type in catalogue]

    def attach(self, app: web.Application) -> None:
        """Add the routes; whoever may look may have a document judged."""
        app.router.add_get("/validate", self.show)
        app.router.add_post("/validate", self.judge)

    async def show(self, request: web.Request) -> web.Response:
        """The form."""
        return self._page(request, Judged())

    async def judge(self, request: web.Request) -> web.Response:
        """The form again, with what was found. A file goes before what was pasted."""
        body = await request.read()
        kind = request.headers.get(hdrs.CONTENT_TYPE, "")
        judged = await self._worker_thread.run(
            f"at {request.remote}", len(body), self._judge, body, kind
        )
        return self._page(request, judged)

    def _judge(self, body: bytes, content_type: str) -> Judged:
        fields = fields_of(body, content_type, FIELDS_MAX)
        document = fields.get("file") or fields.get("document", b"")
        type_name = fields.get("type", b"").decode("utf-8", "replace")
        result = self._checking.check(document, type_name)
        violations = [each.as_dict() for each in result.violations]
        return Judged(type_name, result, violations, marked(document, violations))

    def _page(self, request: web.Request, judged: Judged) -> web.Response:
        return page(request, "validate.html", types=self._types, **judged._asdict())
