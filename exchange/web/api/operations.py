"""The operators' JSON API under /api/v1: counters, one message, dead letters, the audit log,
validation, the catalogue; pages live elsewhere.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from exchange.clocks import worker_of
from exchange.journey.check import Checking
from exchange.journey.worker_thread import WorkerThread
from exchange.ports import Ledger
from exchange.ports.description import listed, reference
from exchange.ports.ledger import CountKey
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.envelope import id_from_public, public_id
from exchange.schemas.instants import (
    MINUTE_MILLISECONDS,
    instant,
    instant_or_none,
    milliseconds_of,
)
from exchange.statistics.days import date_of, number_of
from exchange.web.api.dead_letters import PAGE_MAX, DeadLetters
from exchange.web.api.disclosures import Disclosures
from exchange.web.api.message_search import MessageSearch
from exchange.web.api.partners import PartnerOperations
from exchange.web.api.receivers import ReceiverOperations
from exchange.web.api.reset import Reset
from exchange.web.api.stubs import StubOperations
from exchange.web.figures.overview import Snapshots
from exchange.web.operation import Operation, problem_response

DIMENSIONS = ("period", *CountKey._fields[1:])


class Api:
    """The handlers, over the ledger and the journey."""

    def __init__(
        self,
        ledger: Ledger,
        checking: Checking,
        worker_thread: WorkerThread,
        snapshots: Snapshots,
        catalogue: Catalogue,
        dead_letters: DeadLetters,
        receivers: ReceiverOperations,
        partners: PartnerOperations,
        stubs: StubOperations,
        reset: Reset,
        search: MessageSearch,
        disclosures: Disclosures,
    ) -> None:
        self._ledger = ledger
        self._checking = checking
        self._worker_thread = worker_thread
        self._snapshots = snapshots
        self._catalogue = catalogue
        self._dead_letters = dead_letters
        self._receivers = receivers
        self._partners = partners
        self._stubs = stubs
        self._reset = reset
        self._search = search
        self._disclosures = disclosures

    def operations(self) -> list[Operation]:
        """Every operation, with what it takes and gives."""
        period = {
            "since": "The first minute, as in 2026-11-29T08:00:00Z, or the first day, as a date",
            "until": "The minute or the day after the last",
        }
        return [
            Operation("GET", "/api/v1/snapshot", self.snapshot, reference("Snapshot")),
            Operation(
                "GET",
                "/api/v1/counters",
                self.counters,
                listed("Count"),
                query={
                    "by": f"Dimensions with commas between: {', '.join(DIMENSIONS)}",
                    **period,
                    "daily": "true: by days",
                },
                problems=(400,),
            ),
            Operation("GET", "/api/v1/catalogue", self.catalogue, listed("MessageType")),
            *self._search.operations(),
            Operation(
                "GET", "/api/v1/messages/{id}", self.message, reference("Message"), problems=(404,)
            ),
            Operation(
                "GET",
                "/api/v1/messages/{id}/body",
                self.body,
                media_type="text/plain",
                problems=(404,),
                role="operator",
            ),
            *self._dead_letters.operations(),
            *self._receivers.operations(),
            *self._partners.operations(),
            *self._stubs.operations(),
            *self._reset.operations(),
            *self._disclosures.operations(),
            Operation(
                "GET",
                "/api/v1/audit",
                self.audit,
                listed("Audited"),
                query={"before": "The id of the last one of the page before"},
                problems=(400,),
                role="admin",
            ),
            Operation(
                "POST",
                "/api/v1/validate",
                self.validate,
                reference("Checked"),
                query={"type": "The message type, where the document can't tell it"},
                takes={},
            ),
        ]

    async def snapshot(self, request: web.Request) -> web.Response:
        """Per channel the counters of conservation, and rates."""
        return web.json_response((await self._snapshots.current()).as_dict())

    async def counters(self, request: web.Request) -> web.Response:
        """Counters summed by `?by=` (comma-separated dimensions) over minutes `since` to `until`,
        or days with `daily=true`. A `period` is the minute's time, or the day's date in Finland.
        """
        by = [name for name in request.query.get("by", "channel,kind").split(",") if name]
        if unknown := [name for name in by if name not in DIMENSIONS]:
            return problem_response(
                400,
                "Unknown dimension",
                f"no dimension {unknown[0][:40]!r}: {', '.join(DIMENSIONS)}",
            )
        daily = request.query.get("daily") == "true"
        since, until = request.query.get("since", ""), request.query.get("until", "")
        try:
            rows = await self._ledger.totals(
                by,
                _period(since, daily) if since else 0,
                _period(until, daily) if until else 1 << 62,
                daily,
            )
        except ValueError:
            wanted = "dates as in 2026-11-29" if daily else "times as in 2026-11-29T08:00:00Z"
            return problem_response(400, "Not a time", f"since and until are {wanted}")
        return web.json_response(
            [
                {
                    **_dimensions(by, values, daily),
                    "count": count,
                    "items": items,
                    "bytes": size,
                }
                for values, count, items, size in rows
            ]
        )

    async def catalogue(self, request: web.Request) -> web.Response:
        """Every message type with its basis and source."""
        return web.json_response([message_type.as_dict() for message_type in self._catalogue])

    async def message(self, request: web.Request) -> web.Response:
        """One message with its deliveries and events."""
        row = await self._ledger.message(_id(request))
        if row is None:
            return problem_response(
                404, "No such message", "no message with that id, or it is forgotten by now"
            )
        shown = {
            **row._asdict(),
            "id": public_id(row.id),
            "node": worker_of(row.id),
            "received_at": instant(row.received_at),
            "digest": row.digest.hex(),
            "identity": row.identity.hex(),
            "detail": json.loads(row.detail),
        }
        shown["deliveries"] = [
            {
                **each._asdict(),
                "id": public_id(each.id),
                "message_id": public_id(each.message_id),
                "next_at": instant_or_none(each.next_at),
                "ended_at": instant_or_none(each.ended_at),
            }
            for each in await self._ledger.deliveries(row.id)
        ]
        shown["events"] = [
            {
                **each._asdict(),
                "message_id": public_id(each.message_id),
                "delivery_id": public_id(each.delivery_id),
                "at": instant(each.at),
            }
            for each in await self._ledger.events(row.id)
        ]
        return web.json_response(shown)

    async def body(self, request: web.Request) -> web.Response:
        """The bytes of a message, as text for reading; never as something that a browser
        would run.
        """
        body = await self._ledger.body(_id(request))
        if body is None:
            return problem_response(
                404, "No such body", "the message has none, or it is forgotten by now"
            )
        headers = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=body, headers=headers)

    async def audit(self, request: web.Request) -> web.Response:
        """What operators changed, the newest first; `?before=` an id for the next page."""
        before = request.query.get("before", str(1 << 62))
        if not (before.isascii() and before.isdigit() and len(before) < 20):
            return problem_response(400, "No such id", "before is the id of a row of the audit log")
        rows = await self._ledger.audited(PAGE_MAX, min(int(before), 1 << 62))
        return web.json_response(
            [{"id": number, **row._asdict(), "at": instant(row.at)} for number, row in rows]
        )

    async def validate(self, request: web.Request) -> web.Response:
        """Judge a message without taking it in: `?type=` names its type where it can't be told from
        the document.
        """
        body = await request.read()
        result = await self._worker_thread.run(
            f"at {request.remote}",
            len(body),
            self._checking.check,
            body,
            request.query.get("type", ""),
        )
        return web.json_response(result.as_dict())


def _period(text: str, daily: bool) -> int:
    """The number of a minute or of a day since 1970.

    Raises:
        ValueError: when the text is no time, or no date.
    """
    if daily:
        return number_of(datetime.date.fromisoformat(text))
    return milliseconds_of(text) // MINUTE_MILLISECONDS


def _dimensions(by: Sequence[str], values: Sequence[Any], daily: bool) -> dict[str, Any]:
    """By name what was summed by."""
    told = dict(zip(by, values, strict=True))
    if "period" in told:
        number = told["period"]
        told["period"] = (
            date_of(number).isoformat() if daily else instant(number * MINUTE_MILLISECONDS)
        )
    return told


def _id(request: web.Request) -> int:
    try:
        return id_from_public(request.match_info["id"])
    except ValueError:
        return -1
