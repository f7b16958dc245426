"""Makes spans of calls that belong to a trace: of those that partners make, and of those that are
made to partners; what belongs to none, or to one that nobody records, has no span.

Source: W3C Trace Context; the names of attributes are OpenTelemetry's semantic conventions for
HTTP, those that begin with `exchange.` ours.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from multidict import CIMultiDict

from exchange.journey import trace
from exchange.ports import Transport
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner
from exchange.web.telemetry.exporter import Exporter
from exchange.web.telemetry.span import Kind, Span

#: What a call to a partner says of itself, by the attribute that tells it.
OURS = {
    "exchange.message_type": "X-Message-Type",
    "exchange.delivery": "X-Delivery-Id",
    "exchange.sender": "X-Sender",
}


@dataclass(slots=True)
class Served:
    """A call that is being served: the headers that its answer repeats, and the answer's status (0:
    there is none yet).
    """

    answered: Mapping[str, str]
    status: int = 0


class Tracing:
    """The traces of calls that partners make; without an exporter they have no spans. One call in
    `begin_one_in` that names no trace begins one (0: none).
    """

    def __init__(self, exporter: Exporter | None = None, begin_one_in: int = 0) -> None:
        self.exporter = exporter
        self._begin_one_in = begin_one_in

    async def open(self) -> None:
        """Begin to send spans."""
        if self.exporter is not None:
            await self.exporter.open()

    async def close(self) -> None:
        """End."""
        if self.exporter is not None:
            await self.exporter.close()

    def around(self, transport: Transport) -> Transport:
        """What makes calls to partners over that transport."""
        return transport if self.exporter is None else TracedCalls(transport, self.exporter)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many spans were sent and lost; empty without an exporter."""
        exporter = self.exporter
        return {"sent": exporter.sent, "lost": exporter.lost} if exporter is not None else {}

    @contextmanager
    def call(self, headers: Mapping[str, str], method: str, route: str) -> Iterator[Served]:
        """Take the trace of a call for all that is done inside. `route` is its address as it is
        declared, without what a caller put into it.
        """
        served, exporter = Served(trace.begin(headers)), self.exporter
        given = served.answered.get(trace.TRACEPARENT, "")
        parent = trace.recorded(given) if given else self._begun()
        if exporter is None or parent is None:
            yield served
            return
        span_id, (began_at, began) = secrets.token_hex(8), _now()
        trace.enter(parent.child(span_id))
        try:
            yield served
        finally:
            told = {"http.request.method": method, "http.route": route}
            span = Span(
                trace_id=parent.trace_id,
                span_id=span_id,
                parent_id=parent.span_id,
                name=f"{method} {route}",
                kind=Kind.SERVER,
                began_at=began_at,
                ended_at=began_at + time.perf_counter_ns() - began,
                attributes={**told, **_status(served.status)},
                is_error=not served.status or served.status >= 500,
            )
            exporter.add(span)

    def _begun(self) -> trace.Parent | None:
        """A new trace, for a call that names none."""
        if not self._begin_one_in or secrets.randbelow(self._begin_one_in):
            return None
        return trace.Parent(secrets.token_hex(16))


class TracedCalls:
    """Calls to partners over a transport: each that belongs to a trace has a span, and is the
    parent of what the partner does.
    """

    def __init__(self, transport: Transport, exporter: Exporter) -> None:
        self._transport = transport
        self._exporter = exporter

    async def send(self, partner: Partner, call: Call, timeout_seconds: float) -> Reply:
        """As the transport does.

        Raises:
            Unreachable: as the transport.
        """
        if (parent := trace.recorded(call.headers.get(trace.TRACEPARENT, ""))) is None:
            return await self._transport.send(partner, call, timeout_seconds)
        span_id, status, (began_at, began) = secrets.token_hex(8), 0, _now()
        headers = CIMultiDict(call.headers)
        headers[trace.TRACEPARENT] = parent.child(span_id)
        try:
            reply = await self._transport.send(
                partner, replace(call, headers=headers), timeout_seconds
            )
            status = reply.status
            return reply
        finally:
            span = Span(
                trace_id=parent.trace_id,
                span_id=span_id,
                parent_id=parent.span_id,
                name=f"{call.method} {partner.id}",
                kind=Kind.CLIENT,
                began_at=began_at,
                ended_at=began_at + time.perf_counter_ns() - began,
                attributes={
                    "http.request.method": call.method,
                    "exchange.partner": partner.id,
                    **{name: headers[header] for name, header in OURS.items() if header in headers},
                    **_status(status),
                },
                is_error=not 0 < status < 400,
            )
            self._exporter.add(span)


def _now() -> tuple[int, int]:
    """Nanoseconds since 1970, and those of a clock that never steps back."""
    return time.time_ns(), time.perf_counter_ns()


def _status(status: int) -> dict[str, int]:
    return {"http.response.status_code": status} if status else {}
