"""Pages for partners' caseworkers, as channels declare them: choosing an organisation and a
mandate, and the forms whose documents go to the channel's own endpoints.

Signing in is *modelled*: whoever may act as an operator here may play any of them. The person asked
about stands in bodies only, never in an address.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from aiohttp import hdrs, web
from yarl import URL

from exchange.ports import Channel, Clock, Desk, Ledger
from exchange.ports.caseworkers import CaseworkerPages, Said, Section, Task
from exchange.schemas.attachments import joined
from exchange.schemas.call import JSON, Call, Reply
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import Directory, Partner
from exchange.web.access.guard import ACTOR, Guard, Need
from exchange.web.caseworkers.open_work import open_work
from exchange.web.caseworkers.own_log import OwnLog
from exchange.web.caseworkers.wrong import wrong_with
from exchange.web.endpoints import Endpoints, Entry
from exchange.web.operation import problem_response
from exchange.web.pages.form import Field, posted, values_of
from exchange.web.pages.layout import language_of, page
from exchange.web.pages.translations import LANGUAGES, OWN_NAMES

#: Fields of a form with all their values and files, and some that somebody's program may add.
FIELDS_MAX = 100
#: Who signs in: the fields that every form repeats.
WHO = ("organisation", "worker", "mandate")
#: What stands beside the tasks in the menu.
LOG = "log"
#: The field that tells one showing of a form from another.
SHOWN = "shown"


@dataclass(frozen=True, slots=True)
class Worker:
    """Who is signed in, as whose worker, by which mandate."""

    organisation: Partner
    name: str
    mandate: str


class Answered(NamedTuple):
    """What came of a form: the status, what the answer says and, where it was refused, why."""

    status: int
    sections: Sequence[Section] = ()
    problem: Mapping[str, Any] | None = None


class CaseworkersPages:
    """The handlers of one channel's pages."""

    def __init__(
        self,
        channel: Channel,
        pages: CaseworkerPages,
        desk: Desk,
        endpoints: Endpoints,
        directory: Directory,
        catalogue: Catalogue,
        ledger: Ledger,
        clock: Clock,
    ) -> None:
        self._channel = channel
        self._pages = pages
        by_name = {each.name: Entry(channel, each, desk) for each in channel.endpoints}
        self._entries = {each.name: by_name[each.endpoint] for each in pages.tasks}
        self._endpoints = endpoints
        self._directory = directory
        self._ledger = ledger
        self._own_log = OwnLog(ledger, catalogue, channel.name)
        self._clock = clock

    def attach(self, app: web.Application, guard: Guard) -> None:
        """Add the routes: for operators, since what they show is what stands in bodies."""
        router, path = app.router, self._pages.path
        for route in (router.add_get(path, self.show), router.add_post(path, self.ask)):
            guard.declare(route, Need("operator"))

    async def show(self, request: web.Request) -> web.Response:
        """The choice of who signs in or, with that, the form of a task or the worker's own log."""
        query = request.query
        worker, name = self._worker(query), query.get("task", "")
        if worker is not None and name == LOG:
            return await self._log(request, worker)
        if worker is None:
            declared = self._pages.open_work
            opened = await open_work(self._ledger, declared) if declared is not None else ()
            chosen = query.get("organisation", "")
            return self._rendered(request, None, opened=opened, chosen=chosen)
        task = self._task(worker, name)
        begins_with = task.begins_with if task is not None else ()
        said = {each: query.getall(each) for each in begins_with if each in query}
        return self._page(request, worker, task, said)

    async def ask(self, request: web.Request) -> web.Response:
        """Hand a filled form on to its endpoint, and show what it answers."""
        fields = await posted(request, FIELDS_MAX)
        said = values_of(fields)
        first = {name: values[0] for name, values in said.items()}
        worker = self._worker(first)
        task = self._task(worker, first.get("task", LOG))
        if worker is None or task is None:
            return self._page(request, None, None, said, Answered(400))
        # (A field of files of which none was chosen is sent with an empty one.)
        files = [each for each in fields if each.file_name]
        reply = await self._handed_on(task, worker, said, files)
        who, now = request[ACTOR], self._clock.now()
        what = f"{self._channel.name}-{task.name}-as-worker"
        await self._ledger.audit([who.did(now, what, worker.organisation.id, str(reply.status))])
        answer = json.loads(reply.body)
        if reply.status >= 300:
            answered = Answered(reply.status, problem=answer)
        else:
            answered = Answered(reply.status, task.told(answer))
        return self._page(request, worker, task, said, answered)

    async def _handed_on(
        self, task: Task, worker: Worker, said: Said, files: Sequence[Field]
    ) -> Reply:
        """The reply of the task's endpoint. What is sent twice from one showing of a form, by a
        second click or by loading the answer again, is one message.
        """
        method, _, path = task.endpoint.partition(" ")
        document = task.document(said, worker.name)
        content_type, body = JSON, json.dumps(document, ensure_ascii=False).encode()
        if files:
            told = [(each.file_name or "", each.content_type, each.content) for each in files]
            content_type, body = joined(body, told)
        headers: dict[str, str] = {hdrs.CONTENT_TYPE: content_type}
        if task.is_change and (shown := said.get(SHOWN)):
            same = hashlib.blake2b(body, digest_size=16, key=shown[0].encode()[:64])
            headers[self._pages.id_header] = f"form-{same.hexdigest()}"
        call = Call(
            method=method,
            path=path,
            headers=headers,
            body=body,
            parameters=task.parameters(said),
        )
        return await self._endpoints.hand_on(self._entries[task.name], call, worker.organisation)

    def _worker(self, said: Mapping[str, str]) -> Worker | None:
        """Who is signed in; None where something of that is missing or not allowed."""
        organisation, name, mandate = (said.get(each, "").strip() for each in WHO)
        partner = self._directory.get(organisation)
        known = {each.value for each in self._pages.mandates}
        if partner is None or not self._pages.may_sign_in(partner) or mandate not in known:
            return None
        return Worker(partner, name, mandate) if name else None

    def _task(self, worker: Worker | None, name: str) -> Task | None:
        """The task of that name, the first where none is named; None when it is not the worker's."""
        if worker is None:
            return None
        own = [each for each in self._pages.tasks if each.mandate == worker.mandate]
        return next((each for each in own if name in ("", each.name)), None)

    def _menu(self, worker: Worker) -> list[Task]:
        """The tasks that the worker may begin with."""
        now = self._clock.now()
        return [
            each
            for each in self._pages.tasks
            if each.mandate == worker.mandate and each.fields(worker.organisation, now, {})
        ]

    async def _log(self, request: web.Request, worker: Worker) -> web.Response:
        before = request.query.get("before", "")
        try:
            rows, older = await self._own_log.read(worker.organisation.id, worker.name, before)
        except ValueError:
            return problem_response(400, "No such id", "before is an id that this page gave")
        return self._rendered(request, worker, log=rows, older=older)

    def _address(self, language: str, worker: Worker, values: Said) -> str:
        """The page with the form of a task, or what else the values say, for that worker."""
        who = (worker.organisation.id, worker.name, worker.mandate)
        said = {"lang": language, **dict(zip(WHO, who, strict=True)), **values}
        return str(URL.build(path=self._pages.path, query=said))

    def _page(
        self,
        request: web.Request,
        worker: Worker | None,
        task: Task | None,
        said: Said,
        answered: Answered | None = None,
    ) -> web.Response:
        if worker is None or task is None:
            return self._rendered(request, worker, task=task, said=said, answered=answered)
        fields = task.fields(worker.organisation, self._clock.now(), said)
        wrong = []
        if answered is not None and answered.problem is not None:
            wrong = wrong_with(self._pages, task, fields, said, answered.problem)
        return self._rendered(
            request,
            worker,
            task=task,
            fields=fields,
            said=said,
            answered=answered,
            wrong=wrong,
        )

    def _rendered(self, request: web.Request, worker: Worker | None, **values: Any) -> web.Response:
        answered = values.get("answered")
        usual: dict[str, Any] = {"task": None, "fields": (), "said": {}, "answered": None}
        usual |= {"log": None, "older": "", "opened": (), "chosen": "", "wrong": ()}
        if worker is not None:
            # (What was sent and answered is in no address.)
            task = values.get("task")
            here = {"task": task.name if task is not None else LOG}
            usual["languages"] = [
                (code, OWN_NAMES[code], self._address(code, worker, here)) for code in LANGUAGES
            ]
        return page(
            request,
            "caseworkers.html",
            status=answered.status if answered is not None else 200,
            pages=self._pages,
            worker=worker,
            organisations=[each for each in self._directory if self._pages.may_sign_in(each)],
            shown=secrets.token_hex(8),
            tasks=self._menu(worker) if worker is not None else [],
            address=partial(self._address, language_of(request)),
            menu=(),
            **{**usual, **values},
        )
