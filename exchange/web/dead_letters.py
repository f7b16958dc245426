"""The operators' JSON API over dead letters and receivers: list and count by filters, send again,
skip, pause and resume.
"""

from __future__ import annotations

import datetime
from typing import Any

from aiohttp import web

from exchange.journey.mailbox import NOBODY_WAITS, Mailboxes
from exchange.ports import Clock, Ledger
from exchange.ports.ledger import DeadFilter, Pending
from exchange.ports.receivers import Receivers
from exchange.schemas import json as documents
from exchange.schemas.directory import Directory
from exchange.schemas.envelope import id_from_public, public_id
from exchange.web.access.guard import ACTOR
from exchange.web.openapi import Operation, listed, problem_response, reference

#: Dead letters in one answer, and ids in one resend.
PAGE_MAX = 500

#: One vocabulary of filters.
FILTERS = {
    "receiver": "The receiver's id",
    "type": "The message type",
    "reason": "The cause: the code that the reason begins with, say http-503",
    "since": "Ended at this time or later, as in 2026-11-29T08:00:00Z",
}


class DeadLetters:
    """The handlers, over the ledger and the journey."""

    def __init__(
        self,
        ledger: Ledger,
        mailboxes: Mailboxes,
        receivers: Receivers,
        directory: Directory,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._mailboxes = mailboxes
        self._receivers = receivers
        self._directory = directory
        self._clock = clock

    def operations(self) -> list[Operation]:
        """Every operation, with what it takes and gives."""
        return [*self._letters(), *self._partners()]

    def _letters(self) -> list[Operation]:
        return [
            Operation(
                "GET",
                "/api/v1/dead-letters",
                self.dead_letters,
                listed("DeadLetter"),
                query={"before": "The id of the last one of the page before", **FILTERS},
                problems=(400,),
            ),
            Operation(
                "GET",
                "/api/v1/dead-letters/causes",
                self.causes,
                {"type": "object", "additionalProperties": {"type": "integer"}},
                query=FILTERS,
                problems=(400,),
            ),
            Operation(
                "POST",
                "/api/v1/dead-letters/resend",
                self.resend,
                reference("Resent"),
                takes=reference("Resend"),
                problems=(400,),
                role="operator",
                changes=True,
            ),
            Operation(
                "POST",
                "/api/v1/dead-letters/skip",
                self.skip,
                {"type": "object"},
                takes=reference("Resend"),
                problems=(400,),
                role="operator",
                changes=True,
            ),
        ]

    def _partners(self) -> list[Operation]:
        return [
            Operation("GET", "/api/v1/partners", self.receivers, listed("Receiver")),
            Operation(
                "POST",
                "/api/v1/partners/{id}/pause",
                self.pause,
                {"type": "object"},
                takes={"type": "object"},
                problems=(404,),
                role="operator",
                changes=True,
            ),
            Operation(
                "POST",
                "/api/v1/partners/{id}/resume",
                self.resume,
                {"type": "object"},
                takes={"type": "object"},
                problems=(404,),
                role="operator",
                changes=True,
            ),
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
            wanted = _filter(request)
        except ValueError:
            return _no_time()
        letters = await self._ledger.dead(PAGE_MAX, before, wanted)
        return web.json_response([_dead_letter(each) for each in letters])

    async def causes(self, request: web.Request) -> web.Response:
        """How many dead letters there are of each cause, by the same filters."""
        try:
            wanted = _filter(request)
        except ValueError:
            return _no_time()
        return web.json_response(dict(await self._ledger.dead_causes(wanted)))

    async def skip(self, request: web.Request) -> web.Response:
        """Give dead letters up, so that their conversations go on: {"deliveries": [id, ...]}."""
        try:
            wanted = _wanted(await request.read())
        except (ValueError, KeyError, TypeError):
            return problem_response(
                400, "Not a skip request", 'a JSON object {"deliveries": [id, ...]} is wanted'
            )
        skipped = await self._mailboxes.skip(wanted, request[ACTOR])
        return web.json_response({"skipped": [public_id(each) for each in skipped]})

    async def receivers(self, request: web.Request) -> web.Response:
        """The receivers that are, or ever were, failing or paused; all others are up."""
        return web.json_response([each._asdict() for each in await self._receivers.all()])

    async def pause(self, request: web.Request) -> web.Response:
        """Make no deliveries to a receiver until it is resumed."""
        return await self._change(request, "pause")

    async def resume(self, request: web.Request) -> web.Response:
        """Make deliveries to a receiver again, at once."""
        return await self._change(request, "resume")

    async def _change(self, request: web.Request, what: str) -> web.Response:
        receiver, now = request.match_info["id"], self._clock.now()
        if self._directory.get(receiver) is None:
            return problem_response(404, "No such receiver", "no partner has that id")
        row = request[ACTOR].did(now, what, receiver, "done")
        if what == "pause":
            changed = await self._receivers.pause(receiver, now, "paused by an operator", row)
        else:
            changed = await self._receivers.resume(receiver, now, row)
        return web.json_response({"receiver": receiver, "changed": changed})

    async def resend(self, request: web.Request) -> web.Response:
        """Put dead letters back into the queue: {"deliveries": [id, ...]}."""
        try:
            wanted = _wanted(await request.read())
        except (ValueError, KeyError, TypeError):
            return problem_response(
                400, "Not a resend request", 'a JSON object {"deliveries": [id, ...]} is wanted'
            )
        resent = await self._mailboxes.resend(wanted, request[ACTOR])
        return web.json_response(
            {
                "resent": [public_id(each) for each in resent.resent],
                "refused": [
                    {"delivery": public_id(each), "reason": NOBODY_WAITS} for each in resent.refused
                ],
            }
        )


def _filter(request: web.Request) -> DeadFilter:
    """The filters of a request.

    Raises:
        ValueError: when `since` is no time.
    """
    query = request.query
    since = 0
    if text := query.get("since", ""):
        at = datetime.datetime.fromisoformat(text)
        since = int((at if at.tzinfo else at.replace(tzinfo=datetime.UTC)).timestamp() * 1000)
    return DeadFilter(
        query.get("receiver", ""), query.get("type", ""), query.get("reason", ""), since
    )


def _no_time() -> web.Response:
    return problem_response(400, "Not a time", "since is a time as in 2026-11-29T08:00:00Z")


def _wanted(body: bytes) -> list[int]:
    return [id_from_public(each) for each in documents.parse(body)["deliveries"]][:PAGE_MAX]


def _dead_letter(each: Pending) -> dict[str, Any]:
    return {
        "id": public_id(each.delivery.id),
        "message": public_id(each.message.id),
        "channel": each.message.channel,
        "messageType": each.message.message_type,
        "sender": each.message.sender,
        "receiver": each.delivery.receiver,
        "attempts": each.delivery.attempts,
        "reason": each.delivery.reason,
        "endedAt": each.delivery.ended_at,
    }
