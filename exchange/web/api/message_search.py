"""The operators' JSON API to find messages: by who sent what, how it came in, and what it was told."""

from __future__ import annotations

from aiohttp import web

from exchange.ports import Ledger
from exchange.ports.description import reference
from exchange.ports.ledger import MessageFilter, MessageRow
from exchange.schemas.envelope import id_from_public, public_id
from exchange.schemas.instants import instant
from exchange.web.interface.operation import Operation, problem_response

#: Messages in one answer, and how many of the newest one call looks at: with more it says where to
#: go on, so that a rare message is found and no call holds a reader for long.
PAGE_MAX = 100
LOOK_MAX = 20_000

#: The filters by the names that a caller gives them.
FILTERS = {
    "channel": "The channel's name",
    "type": "The message type",
    "sender": "The id of the partner that sent it",
    "state": "accepted or rejected",
    "endpoint": "How it came in: api, ui, batch, query ...",
    "conversation": "The conversation",
    "detail": "A text in what is kept with it, say the IRReportId of a report that was handed out",
}
_SHOWN = (
    *("channel", "message_type", "sender", "sender_message_id", "state"),
    *("endpoint", "conversation", "items", "bytes", "process"),
)


class MessageSearch:
    """The handler, over the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def operations(self) -> list[Operation]:
        """Every operation, with what it takes and gives."""
        return [
            Operation(
                "GET",
                "/api/v1/messages",
                self.find,
                reference("MessagesFound"),
                query={"before": "Where to go on: `before` of the answer before", **FILTERS},
                problems=(400,),
            )
        ]

    async def find(self, request: web.Request) -> web.Response:
        """The newest messages, by the filters; while there is a `before` in the answer, go on with
        `?before=` it.
        """
        if unknown := [name for name in request.query if name not in ("before", *FILTERS)]:
            names = ", ".join(("before", *FILTERS))
            return problem_response(400, "Unknown filter", f"{unknown[0][:40]!r} is none: {names}")
        text = request.query.get("before", "")
        try:
            before = id_from_public(text) if text else 1 << 62
        except ValueError:
            return problem_response(
                400, "No such id", "before is an id that this search gave: 32 hexadecimal digits"
            )
        wanted = MessageFilter(*(request.query.get(name, "") for name in FILTERS))
        found = await self._ledger.search(wanted, before, PAGE_MAX, LOOK_MAX)
        return web.json_response(
            {
                "messages": [_shown(row) for row in found.messages],
                "before": public_id(found.before) if found.before else "",
            }
        )


def _shown(row: MessageRow) -> dict[str, object]:
    told = {name: getattr(row, name) for name in _SHOWN}
    return {"id": public_id(row.id), "received_at": instant(row.received_at), **told}
