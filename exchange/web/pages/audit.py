"""The page of the audit log: what operators changed, the newest first."""

from __future__ import annotations

from aiohttp import web
from yarl import URL

from exchange.ports import Ledger
from exchange.web.access.guard import Guard, Need
from exchange.web.pages.layout import page

PAGE_MAX = 100


class AuditPage:
    """The handler."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def attach(self, app: web.Application, guard: Guard) -> None:
        """Add the route, for administrators as the API's."""
        guard.declare(app.router.add_get("/audit", self.show), Need("admin"))

    async def show(self, request: web.Request) -> web.Response:
        """The log; `?before=` the id of a row for the next page."""
        text = request.query.get("before", "")
        before = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 1 << 62
        rows = await self._ledger.audited(PAGE_MAX, before)
        older = {**request.query, "before": str(rows[-1][0])} if len(rows) == PAGE_MAX else None
        return page(
            request,
            "audit.html",
            rows=[row for _, row in rows],
            older=str(URL("/audit").with_query(older)) if older else "",
        )
