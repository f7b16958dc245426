"""The page that judges a document without taking it in: pasted or as a file, with every violation
at its place.
"""

from __future__ import annotations

from aiohttp import web

from exchange.journey.check import Checking
from exchange.journey.worker_thread import WorkerThread
from exchange.schemas.catalogue import Catalogue
from exchange.web.pages.layout import page
from exchange.web.pages.marked_body import marked


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
        return await self._page(request, b"", "")

    async def judge(self, request: web.Request) -> web.Response:
        """The form again, with what was found. A file goes before what was pasted."""
        fields = await request.post()
        given, body = fields.get("document", ""), b""
        if isinstance(file := fields.get("file"), web.FileField):
            body = file.file.read()
        if not body:
            body = given.encode() if isinstance(given, str) else b""
        name = fields.get("type", "")
        return await self._page(request, body, name if isinstance(name, str) else "", True)

    async def _page(
        self, request: web.Request, body: bytes, type_name: str, judged: bool = False
    ) -> web.Response:
        result = None
        if judged:
            result = await self._worker_thread.run(
                f"at {request.remote}", len(body), self._checking.check, body, type_name
            )
        violations = [each.as_dict() for each in result.violations] if result else []
        return page(
            request,
            "validate.html",
            types=self._types,
            type_name=type_name,
            result=result,
            violations=violations,
            lines=marked(body, violations) if result else [],
        )
