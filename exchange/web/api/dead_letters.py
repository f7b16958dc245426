"""The operators' JSON API over dead letters: list and count by filters, send again or skip by ids
or by a filter at a rate.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from aiohttp import web

from exchange.errors import JobRunning
from exchange.journey.mailbox import (
    NO_LETTER,
    PER_SECOND_MAX,
    Action,
    LetterJob,
    LetterJobs,
    Mailboxes,
)
from exchange.ports import Ledger
from exchange.ports.description import listed, reference
from exchange.ports.ledger import DeadFilter, Pending
from exchange.schemas import json as documents
from exchange.schemas.envelope import id_from_public, public_id
from exchange.schemas.instants import instant, instant_or_none
from exchange.schemas.violation import Malformed
from exchange.web.access.guard import ACTOR
from exchange.web.api.filters import FILTERS, dead_filter
from exchange.web.operation import Operation, change, problem_response

#: Dead letters in one answer, and ids in one resend.
PAGE_MAX = 500
PER_SECOND = 100.0

JOB = "/api/v1/dead-letters/job"
IDS_FORM = f'{{"deliveries": [at most {PAGE_MAX} ids]}}'
FILTER_FORM = (
    f'{{"filter": {{any of {", ".join(FILTERS)}}}, '
    f'"per_second": above 0 and at most {PER_SECOND_MAX}}}'
)


class DeadLetters:
    """The handlers, over the ledger and the journey."""

    def __init__(self, ledger: Ledger, mailboxes: Mailboxes, jobs: LetterJobs) -> None:
        self._ledger = ledger
        self._mailboxes = mailboxes
        self._jobs = jobs

    def operations(self) -> list[Operation]:
        """Every operation, with what it takes and gives."""
        path = "/api/v1/dead-letters"
        causes = {"type": "object", "additionalProperties": {"type": "integer"}}
        before = {"before": "The id of the last one of the page before"}
        many = partial(
            change,
            takes="ByIdsOrFilter",
            role="operator",
            problems=(400, 409),
            accepted="DeadLetterJob",
        )
        return [
            Operation(
                "GET",
                path,
                self.dead_letters,
                listed("DeadLetter"),
                query={**before, **FILTERS},
                problems=(400,),
            ),
            Operation("GET", f"{path}/causes", self.causes, causes, query=FILTERS, problems=(400,)),
            many(f"{path}/resend", self.resend, "Resent"),
            many(f"{path}/skip", self.skip, "Skipped"),
            Operation("GET", JOB, self.progress, reference("DeadLetterJob"), problems=(404,)),
            change(f"{JOB}/stop", self.stop, "DeadLetterJob", role="operator", problems=(400, 404)),
        ]

    async def dead_letters(self, request: web.Request) -> web.Response:
        """The newest dead letters, by the filters; `?before=` an id for the next page."""
        try:
            before = (
                id_from_public(request.query["before"]) if request.query.get("before") else 1 << 62
            )
        except ValueError:
            return problem_response(
                400, "No such id", "before is the id of a dead letter: 32 hexadecimal digits"
            )
        try:
            wanted = dead_filter(request.query)
        except ValueError as error:
            return problem_response(400, "Not a filter", str(error))
        letters = await self._ledger.dead(PAGE_MAX, before, wanted)
        return web.json_response([_dead_letter(each) for each in letters])

    async def causes(self, request: web.Request) -> web.Response:
        """How many dead letters there are of each cause, by the same filters."""
        try:
            wanted = dead_filter(request.query)
        except ValueError as error:
            return problem_response(400, "Not a filter", str(error))
        return web.json_response(dict(await self._ledger.dead_causes(wanted)))

    async def resend(self, request: web.Request) -> web.Response:
        """Put dead letters back into the queue, by ids at once (200) or by a filter at a rate
        (202): {"deliveries": [id, ...]} or {"filter": {"receiver": ...}, "per_second": 500}.
        """

        async def again(ids: list[int]) -> dict[str, object]:
            sent = await self._mailboxes.resend(ids, request[ACTOR])
            return {"resent": [*map(public_id, sent.resent)], "refused": _refused(sent.refused)}

        return await self._do("resend", request, again)

    async def skip(self, request: web.Request) -> web.Response:
        """Give dead letters up, so that their conversations go on, by ids at once (200) or by a
        filter at a rate (202), as they are sent again.
        """

        async def given_up(ids: list[int]) -> dict[str, object]:
            skipped = await self._mailboxes.skip(ids, request[ACTOR])
            others = {each: NO_LETTER for each in ids if each not in skipped}
            return {"skipped": [*map(public_id, skipped)], "refused": _refused(others)}

        return await self._do("skip", request, given_up)

    async def _do(
        self,
        action: Action,
        request: web.Request,
        by_ids: Callable[[list[int]], Awaitable[dict[str, object]]],
    ) -> web.Response:
        try:
            data = _object(await request.read(), f"{IDS_FORM} or {FILTER_FORM}")
            if "deliveries" in data:
                ids = _ids(data)
            else:
                wanted, per_second = _by_filter(data)
        except ValueError as error:
            return problem_response(400, f"Not a {action} request", str(error))
        if "deliveries" in data:
            return web.json_response(await by_ids(ids))
        try:
            job = await self._jobs.begin(action, wanted, per_second, request[ACTOR])
        except JobRunning as error:
            return problem_response(409, "Job running", str(error))
        return web.json_response(_told(job), status=202, headers={"Location": JOB})

    async def progress(self, request: web.Request) -> web.Response:
        """How far the job is by which letters are sent again or skipped by a filter, or the last
        one that there was.
        """
        job = await self._jobs.newest()
        if job is None:
            detail = "nothing was ever sent again or skipped by a filter"
            return problem_response(404, "No job", detail)
        return web.json_response(_told(job))

    async def stop(self, request: web.Request) -> web.Response:
        """Stop the job that runs; what it did stays done."""
        job = await self._jobs.stop_job(request[ACTOR])
        if job is None:
            detail = "nothing is being sent again or skipped by a filter now"
            return problem_response(404, "No job", detail)
        return web.json_response(_told(job))


def _object(body: bytes, form: str) -> dict[str, Any]:
    """Raises:
    ValueError: when the body is no object in JSON; it says what is wanted.
    """
    try:
        data = documents.parse(body)
    except Malformed as error:
        raise ValueError(f"{error}; wanted is {form}") from None
    if not isinstance(data, dict) or not data.keys() & {"deliveries", "filter"}:
        raise ValueError(f"a JSON object is wanted: {form}")
    return data


def _only(data: dict[str, Any], names: Sequence[str], form: str) -> None:
    """Raises:
    ValueError: when there is another member than these.
    """
    if unknown := [name for name in data if name not in names]:
        raise ValueError(f"there is no member {unknown[0][:40]!r} here; wanted is {form}")


def _ids(data: dict[str, Any]) -> list[int]:
    _only(data, ["deliveries"], IDS_FORM)
    entries = data.get("deliveries")
    if not isinstance(entries, list):
        raise ValueError(f"deliveries is a list; wanted is {IDS_FORM}")
    if len(entries) > PAGE_MAX:
        raise ValueError(
            f"{len(entries)} ids are too many at once: at most {PAGE_MAX}; "
            f"more are named by a filter: {FILTER_FORM}"
        )
    ids = []
    for index, each in enumerate(entries):
        try:
            ids.append(id_from_public(each))
        except (TypeError, ValueError):
            raise ValueError(
                f"/deliveries/{index} is no id: an id has 32 hexadecimal digits"
            ) from None
    return list(dict.fromkeys(ids))


def _by_filter(data: dict[str, Any]) -> tuple[DeadFilter, float]:
    _only(data, ["filter", "per_second"], FILTER_FORM)
    given, per_second = data["filter"], data.get("per_second", PER_SECOND)
    if not isinstance(given, dict):
        raise ValueError(f"filter is an object; wanted is {FILTER_FORM}")
    if unknown := [name for name in given if name not in FILTERS]:
        raise ValueError(f"there is no filter {unknown[0][:40]!r}; there are: {', '.join(FILTERS)}")
    return dead_filter(given), rate_of(per_second)


def rate_of(per_second: object) -> float:
    """How many letters a second a job is to do something to.

    Raises:
        ValueError: when it is no number, or not one that is taken.
    """
    if (
        isinstance(per_second, int | float)
        and not isinstance(per_second, bool)
        and 0 < per_second <= PER_SECOND_MAX
    ):
        return float(per_second)
    raise ValueError(f"per_second is a number above 0 and at most {PER_SECOND_MAX}")


def _refused(why: dict[int, str]) -> list[dict[str, str]]:
    return [{"delivery": public_id(each), "reason": reason} for each, reason in why.items()]


def _told(job: LetterJob) -> dict[str, Any]:
    """A job as JSON, by the names of the filters."""
    wanted = dict(zip(FILTERS, job.wanted, strict=True))
    told = asdict(job) | {
        "filter": {name: each for name, each in wanted.items() if each},
        "began_at": instant(job.began_at),
        "ended_at": instant_or_none(job.ended_at),
    }
    return {name: each for name, each in told.items() if name not in ("wanted", "after", "address")}


def _dead_letter(each: Pending) -> dict[str, Any]:
    return {
        "id": public_id(each.delivery.id),
        "message": public_id(each.message.id),
        "channel": each.message.channel,
        "message_type": each.message.message_type,
        "sender": each.message.sender,
        "receiver": each.delivery.receiver,
        "attempts": each.delivery.attempts,
        "reason": each.delivery.reason,
        "ended_at": instant(each.delivery.ended_at),
    }
