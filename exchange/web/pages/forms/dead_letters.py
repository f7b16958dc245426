"""The page of dead letters: how many of each cause, the newest, the job that sends them again or
skips them by a filter, and the forms that do either to one, some or all; works without JavaScript.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from aiohttp import web

from exchange.errors import JobRunning
from exchange.journey.mailbox import (
    NO_LETTER,
    PER_SECOND_MAX,
    Action,
    LetterJobs,
    Mailboxes,
)
from exchange.ports import Ledger
from exchange.ports.ledger import DeadFilter, Pending
from exchange.schemas.envelope import id_from_public, public_id
from exchange.web.access.guard import ACTOR, Guard, Need
from exchange.web.api.dead_letters import PER_SECOND, rate_of
from exchange.web.api.filters import FILTERS, dead_filter
from exchange.web.pages.form import posted, values_of
from exchange.web.pages.layout import finnish_time, language_of, link, may, page, what_is_wrong

#: Letters on a page.
PAGE_MAX = 50
#: Fields of a form with a letter in each, and some that somebody's program may add.
FIELDS_MAX = 100
#: What stands in the place of a letter's id: those that are ticked, and all that the filter finds.
CHOSEN, ALL = "chosen", "all"


class Done(NamedTuple):
    """What came of a form: what was done to how many letters, and why to how many of the others
    not.
    """

    action: str
    letters: int
    refused: Mapping[str, int]


class DeadLetterPage:
    """The handlers, over the ledger and the journey."""

    def __init__(self, ledger: Ledger, mailboxes: Mailboxes, jobs: LetterJobs) -> None:
        self._ledger = ledger
        self._mailboxes = mailboxes
        self._jobs = jobs

    def attach(self, app: web.Application, guard: Guard) -> None:
        """Add the routes; a viewer may look."""
        app.router.add_get("/dead-letters", self.show)
        guard.declare(app.router.add_post("/dead-letters", self.act), Need("operator"))

    async def show(self, request: web.Request) -> web.Response:
        """The newest dead letters, by the filters; `?before=` an id for the next page."""
        return await self._page(request, request.query)

    async def act(self, request: web.Request) -> web.Response:
        """Send again or skip what the form names, or stop the job that does so; then the page of
        the form's filters with what came of it, or the page of the message that it was sent from.
        """
        values = values_of(await posted(request, FIELDS_MAX))
        said = {name: texts[-1].strip() for name, texts in values.items()}
        done, wrong, status = None, "", 400
        try:
            if "stop" in said:
                await self._jobs.stop_job(request[ACTOR])
            else:
                done = await self._do(request, said, values.get("delivery", []))
            if done and not done.refused and (message := said.get("message")):
                address = f"/messages/{public_id(id_from_public(message))}"
                raise web.HTTPSeeOther(link(language_of(request))(address))
        except JobRunning as error:
            wrong, status = what_is_wrong(ValueError(str(error)), language_of(request)), 409
        except ValueError as error:
            wrong = what_is_wrong(error, language_of(request))
        return await self._page(request, said, done, wrong, status)

    async def _do(
        self, request: web.Request, said: Mapping[str, str], ticked: Sequence[str]
    ) -> Done | None:
        """What the form's button says; None where a job was begun for it.

        Raises:
            JobRunning: when one runs already.
            ValueError: when no letter is named, or what is asked for can't be done.
        """
        action: Action = "skip" if "skip" in said else "resend"
        named, actor = said.get(action, ""), request[ACTOR]
        if named == ALL:
            rate = said.get("per_second", "")
            try:
                per_second = rate_of(float(rate))
            except ValueError:
                per_second = rate_of(rate)
            await self._jobs.begin(action, dead_filter(_in_finland(said)), per_second, actor)
            return None
        texts = ticked if named == CHOSEN else [named]
        if not texts:
            raise ValueError("no letter was chosen")
        ids = [*dict.fromkeys(id_from_public(text) for text in texts)]
        if action == "resend":
            sent = await self._mailboxes.resend(ids, actor)
            return Done(action, len(sent.resent), Counter(sent.refused.values()))
        skipped = await self._mailboxes.skip(ids, actor)
        refused = len(ids) - len(skipped)
        return Done(action, len(skipped), {NO_LETTER: refused} if refused else {})

    async def _page(
        self,
        request: web.Request,
        said: Mapping[str, str],
        done: Done | None = None,
        wrong: str = "",
        status: int = 400,
    ) -> web.Response:
        """What the filters find; `status` is that of a page on which something is wrong."""
        given = {name: said.get(name, "").strip() for name in FILTERS}
        wanted, before, older = DeadFilter(), 1 << 62, ""
        try:
            wanted = dead_filter(_in_finland(given))
            before = id_from_public(said["before"]) if said.get("before") else before
        except ValueError as error:
            wrong = wrong or what_is_wrong(error, language_of(request))
        letters = await self._ledger.dead(PAGE_MAX, before, wanted) if not wrong else []
        if len(letters) == PAGE_MAX:
            last = public_id(letters[-1].delivery.id)
            older = link(language_of(request))("/dead-letters", **given, before=last)
        return page(
            request,
            "dead_letters.html",
            status=status if wrong else 200,
            wrong=wrong,
            done=done,
            given=given,
            causes=[] if wrong else [*(await self._ledger.dead_causes(wanted)).items()],
            letters=[_letter(each) for each in letters],
            older=older,
            job=await self._jobs.newest(),
            per_second=f"{PER_SECOND:g}",
            per_second_max=PER_SECOND_MAX,
            may_act=may(request, "operator"),
        )


def _in_finland(said: Mapping[str, str]) -> dict[str, str]:
    """The filters that something is said for, the time with its offset."""
    texts = {name: said[name].strip() for name in FILTERS if said.get(name, "").strip()}
    return texts | ({"since": finnish_time(texts["since"])} if "since" in texts else {})


def _letter(each: Pending) -> dict[str, Any]:
    return {
        **each.message._asdict(),
        **each.delivery._asdict(),
        "id": public_id(each.delivery.id),
        "message": public_id(each.message.id),
    }
