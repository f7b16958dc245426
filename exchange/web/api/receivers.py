"""The operators' JSON API over receivers: who is not simply up; pause and resume."""

from __future__ import annotations

from difflib import get_close_matches

from aiohttp import web

from exchange.ports import Actor, Clock
from exchange.ports.description import listed
from exchange.ports.receiver_states import Receivers
from exchange.schemas import guard
from exchange.schemas import json as documents
from exchange.schemas.directory import Directory
from exchange.schemas.violation import Malformed
from exchange.web.access.guard import ACTOR
from exchange.web.figures.receiver_conditions import Conditions
from exchange.web.operation import Operation, change, problem_response

REASON_CHARACTERS_MAX = 200
PAUSE_FORM = (
    f'a JSON object is wanted, {{}} or {{"reason": why, in 1-{REASON_CHARACTERS_MAX} characters}}'
)


class ReceiverOperations:
    """The handlers."""

    def __init__(
        self, receivers: Receivers, conditions: Conditions, directory: Directory, clock: Clock
    ) -> None:
        self._receivers = receivers
        self._conditions = conditions
        self._directory = directory
        self._clock = clock

    def operations(self) -> list[Operation]:
        """Every operation, with what it takes and gives."""
        return [
            Operation("GET", "/api/v1/partners", self.receivers, listed("Receiver")),
            change(
                "/api/v1/partners/{id}/pause",
                self.pause,
                "Changed",
                "Pause",
                role="operator",
                problems=(400, 404),
            ),
            change(
                "/api/v1/partners/{id}/resume",
                self.resume,
                "Changed",
                role="operator",
                problems=(404,),
            ),
        ]

    async def receivers(self, request: web.Request) -> web.Response:
        """The receivers that are, or ever were, failing or paused, those that are full, and those
        whose deliveries are held up behind dead letters; all others are up.
        """
        return web.json_response([each.as_dict() for each in await self._conditions.all()])

    async def pause(self, request: web.Request) -> web.Response:
        """Make no deliveries to a receiver until it is resumed; {"reason": ...} says why."""
        try:
            reason = _reason(await request.read())
        except ValueError as error:
            return problem_response(400, "Not a pause request", str(error))
        receiver = request.match_info["id"]
        if self._directory.get(receiver) is None:
            return self._nobody(receiver)
        changed = await self.paused(receiver, reason, request[ACTOR])
        return web.json_response({"receiver": receiver, "changed": changed})

    async def paused(self, receiver: str, reason: str, actor: Actor) -> bool:
        """Pause a receiver of the directory, for a reason as `checked_reason` leaves it; False when
        it was paused already.
        """
        now = self._clock.now()
        reason = reason or f"paused by {actor.operator.name}"
        row = actor.did(now, "pause", receiver, "done")
        return await self._receivers.pause(receiver, now, reason, row)

    async def resume(self, request: web.Request) -> web.Response:
        """Make deliveries to a receiver again, at once."""
        receiver = request.match_info["id"]
        if self._directory.get(receiver) is None:
            return self._nobody(receiver)
        changed = await self.resumed(receiver, request[ACTOR])
        return web.json_response({"receiver": receiver, "changed": changed})

    async def resumed(self, receiver: str, actor: Actor) -> bool:
        """Resume a receiver of the directory; False when it was up."""
        now = self._clock.now()
        row = actor.did(now, "resume", receiver, "done")
        return await self._receivers.resume(receiver, now, row)

    def _nobody(self, receiver: str) -> web.Response:
        ids = [partner.id for partner in self._directory]
        near = get_close_matches(receiver, ids, 1) or ["fund.pro"]
        return problem_response(
            404,
            "No such receiver",
            f"no partner has the id {receiver[:60]!r}; ids are those of the partner directory, "
            f"as {near[0]}",
        )


def _reason(body: bytes) -> str:
    """Why a receiver is paused; empty where nothing is said.

    Raises:
        ValueError: saying what is wanted, when the body is anything else.
    """
    try:
        data = documents.parse(body) if body else {}
    except Malformed:
        data = None
    if not isinstance(data, dict) or not data.keys() <= {"reason"}:
        raise ValueError(PAUSE_FORM)
    if "reason" not in data:
        return ""
    reason = data["reason"]
    if not isinstance(reason, str) or not reason.strip():
        raise ValueError(PAUSE_FORM)
    return checked_reason(reason)


def checked_reason(reason: str) -> str:
    """The reason without blanks around it.

    Raises:
        ValueError: saying what is wrong, when it is too long or names what could be a real person.
    """
    reason = reason.strip()
    if len(reason) > REASON_CHARACTERS_MAX:
        raise ValueError(PAUSE_FORM)
    if guard.in_text(reason):
        raise ValueError(
            "a personal identity code that could be a living person's is never taken in: "
            "give a reason that names nobody"
        )
    return reason
