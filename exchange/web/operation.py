"""An operation of our own API: its handler and what describes it, in one declaration; the routes of
channels are theirs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from exchange.ports.description import Schema, reference
from exchange.schemas.call import JSON, problem

Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of our own: its route and its description are made of the same declaration, so
    that they can't differ.

    The summary is the handler's docstring. `query` maps a parameter to its description; `takes` is
    the schema of the request's body (`{}`: any bytes; None: no body), `gives` that of the answer
    (None: no JSON), `problems` the statuses that are answered with a problem document. `role` is
    the least role of an operator that it demands (empty: none); `changes` whether it changes
    something; `any_host` whether it answers by whatever Host; `accepted` the schema of a 202, for
    what is done later.
    """

    method: str
    path: str
    handler: Handler
    gives: Schema | None = None
    media_type: str = JSON
    query: Mapping[str, str] = field(default_factory=dict)
    takes: Schema | None = None
    problems: tuple[int, ...] = ()
    role: str = "viewer"
    changes: bool = False
    any_host: bool = False
    accepted: Schema | None = None

    def route(self) -> web.RouteDef:
        """The operation as a route of aiohttp."""
        return web.route(self.method, self.path, self._handle)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        """Refuse a query parameter that isn't described, or stands twice: one that is ignored would
        show what was not asked for.
        """
        unknown = [name for name in request.query if name not in self.query]
        if unknown and self.path.startswith("/api/"):
            takes = ", ".join(self.query) or "none"
            return problem_response(
                400,
                "Unknown query parameter",
                f"there is no query parameter {unknown[0][:40]!r} here; there are: {takes}",
            )
        for name in self.query:
            if len(request.query.getall(name, ())) > 1:
                detail = f"the query parameter {name!r} stands twice: name it once"
                return problem_response(400, "Repeated query parameter", detail)
        return await self.handler(request)


def change(
    path: str,
    handler: Handler,
    gives: str,
    takes: str = "",
    *,
    role: str,
    problems: tuple[int, ...],
    accepted: str = "",
) -> Operation:
    """An operation that changes something: a POST that takes and gives JSON objects, each described
    by the schema of its name (`takes` empty: any object).
    """
    return Operation(
        "POST",
        path,
        handler,
        reference(gives),
        takes=reference(takes) if takes else {"type": "object"},
        problems=problems,
        role=role,
        changes=True,
        accepted=reference(accepted) if accepted else None,
    )


def problem_response(status: int, title: str, detail: str) -> web.Response:
    """A problem document (RFC 9457)."""
    reply = problem(status, title, detail)
    return web.Response(
        status=status, body=reply.body, headers={"Content-Type": reply.content_type}
    )
