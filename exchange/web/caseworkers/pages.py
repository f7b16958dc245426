"""Pages for partners' caseworkers, as channels declare them: choosing an organisation and a
mandate, and the forms whose documents go to the channel's own endpoints.

Signing in is *modelled*: whoever may act as an operator here may play any of them. The person asked
about stands in bodies only, never in an address.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import hdrs, web

from exchange.ports import Channel, Clock, Desk, Ledger
from exchange.ports.caseworkers import CaseworkerPages, Task
from exchange.schemas.call import JSON, Call, Reply
from exchange.schemas.directory import Directory, Partner
from exchange.web.access.guard import ACTOR, Guard, Need
from exchange.web.endpoints import Endpoints, Entry
from exchange.web.operation import problem_response
from exchange.web.pages.form import NoForm, values_of
from exchange.web.pages.layout import page

#: Fields of a form with all their values, and some that somebody's program may add.
FIELDS_MAX = 100
FORM_BYTES_MAX = 65_536
#: Who signs in: the fields that every form repeats.
WHO = ("organisation", "worker", "mandate")


@dataclass(frozen=True, slots=True)
class Worker:
    """Who is signed in, as whose worker, by which mandate."""

    organisation: Partner
    name: str
    mandate: str


class CaseworkersPages:
    """The handlers of one channel's pages."""

    def __init__(
        self,
        channel: Channel,
        pages: CaseworkerPages,
        desk: Desk,
        endpoints: Endpoints,
        directory: Directory,
        ledger: Ledger,
        clock: Clock,
    ) -> None:
        self._channel = channel
        self._pages = pages
        self._desk = desk
        self._endpoints = endpoints
        self._directory = directory
        self._ledger = ledger
        self._clock = clock

    def attach(self, app: web.Application, guard: Guard) -> None:
        """Add the routes: for operators, since what they show is what stands in bodies."""
        router, path = app.router, self._pages.path
        for route in (router.add_get(path, self.show), router.add_post(path, self.ask)):
            guard.declare(route, Need("operator"))

    async def show(self, request: web.Request) -> web.Response:
        """The choice of who signs in or, with that, the forms of the mandate."""
        return self._page(request, self._worker(request.query), {}, None)

    async def ask(self, request: web.Request) -> web.Response:
        """Hand a filled form on to its endpoint, and show what it answers."""
        if request.content_length is None or request.content_length > FORM_BYTES_MAX:
            told = f"a form of at most {FORM_BYTES_MAX} bytes is taken, with its Content-Length"
            return problem_response(413, "Too large", told)
        body, kind = await request.read(), request.headers.get(hdrs.CONTENT_TYPE, "")
        try:
            said = values_of(body, kind, FIELDS_MAX)
        except NoForm as error:
            return problem_response(400, "No form", str(error))
        worker = self._worker({name: (values or [""])[0] for name, values in said.items()})
        name = said.get("task", [""])[0]
        tasks = self._tasks(worker) if worker is not None else []
        task = next((each for each in tasks if each.name == name), None)
        if worker is None or task is None:
            return self._page(request, None, said, None, 400)
        reply = await self._handed_on(task, worker, task.document(said, worker.name))
        who, now = request[ACTOR], self._clock.now()
        what = f"{self._channel.name}-{task.name}-as-worker"
        await self._ledger.audit([who.did(now, what, worker.organisation.id, str(reply.status))])
        return self._page(request, worker, said, (task, reply), reply.status)

    async def _handed_on(self, task: Task, worker: Worker, document: Any) -> Reply:
        endpoint = next(each for each in self._channel.endpoints if each.name == task.endpoint)
        method, _, path = task.endpoint.partition(" ")
        body = json.dumps(document, ensure_ascii=False).encode()
        call = Call(method, path, {"Content-Type": JSON}, body)
        entry = Entry(self._channel, endpoint, self._desk)
        return await self._endpoints.hand_on(entry, call, worker.organisation)

    def _worker(self, said: Mapping[str, str]) -> Worker | None:
        """Who is signed in; None where something of that is missing or not allowed."""
        organisation, name, mandate = (said.get(each, "").strip() for each in WHO)
        partner = self._directory.get(organisation)
        known = {each.value for each in self._pages.mandates}
        if partner is None or not self._pages.may_sign_in(partner) or mandate not in known:
            return None
        return Worker(partner, name, mandate) if name else None

    def _tasks(self, worker: Worker) -> list[Task]:
        return [each for each in self._pages.tasks if each.mandate == worker.mandate]

    def _page(
        self,
        request: web.Request,
        worker: Worker | None,
        said: Mapping[str, Sequence[str]],
        done: tuple[Task, Reply] | None,
        status: int = 200,
    ) -> web.Response:
        sections, problem = [], None
        if done is not None:
            task, reply = done
            answer = json.loads(reply.body)
            if reply.status == 200:
                sections = [*task.told(answer)]
            else:
                problem = answer
        tasks = self._tasks(worker) if worker is not None else []
        now = self._clock.now()
        return page(
            request,
            "caseworkers.html",
            status=status,
            pages=self._pages,
            worker=worker,
            organisations=[each for each in self._directory if self._pages.may_sign_in(each)],
            tasks=[(each, each.fields(worker.organisation, now)) for each in tasks if worker],
            said=said,
            sections=sections,
            problem=problem,
            is_answered=done is not None and problem is None,
            menu=(),
        )
