"""The page of the audit log: what operators changed, the newest first."""

from __future__ import annotations

from aiohttp import web
from yarl import URL

from exchange.ports import Ledger
from exchange.ports.operators import AuditRow
from exchange.web.access.guard import Guard, Need
from exchange.web.pages.layout import language_of, page
from exchange.web.pages.translations import gettext

PAGE_MAX = 100
NO_ROW = "before is the id of a row of the audit log"


class AuditPage:
    """The handler."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def attach(self, app: web.Application, guard: Guard) -> None:
        """Add the route, for administrators as the API's."""
        guard.declare(app.router.add_get("/audit", self.show), Need("admin"))

    async def show(self, request: web.Request) -> web.Response:
        """The log; `?before=` the id of a row for the next page."""
        text, wrong, rows = request.query.get("before", ""), "", list[tuple[int, AuditRow]]()
        if not text or (text.isascii() and text.isdigit() and len(text) < 19):
            rows = [*await self._ledger.audited(PAGE_MAX, int(text or 1 << 62))]
        else:
            wrong = gettext(language_of(request))(NO_ROW)
        older = {**request.query, "before": str(rows[-1][0])} if len(rows) == PAGE_MAX else None
        return page(
            request,
            "audit.html",
            status=400 if wrong else 200,
            wrong=wrong,
            rows=[row for _, row in rows],
            older=str(URL("/audit").with_query(older)) if older else "",
        )
