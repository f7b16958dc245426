"""Makes spans of calls that belong to a trace: of those that partners make, and of those that are
made to partners; what belongs to none, or to one that nobody records, has no span.

Imported where a collector is named: it needs the distribution's extra `telemetry`.

Source: W3C Trace Context; the names of attributes are OpenTelemetry's semantic conventions for
HTTP, those that begin with `exchange.` ours.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version

from multidict import CIMultiDict
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, get_current_span
from opentelemetry.trace import set_span_in_context as inside
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from exchange.journey import trace
from exchange.ports import Transport
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner
from exchange.settings import Telemetry
from exchange.web.telemetry.exporter import ToldExporter
from exchange.web.telemetry.tracing import Served, Tracing

#: Spans of one call to the collector at most.
TOGETHER_MAX = 512
#: How long the exchange's end waits for the collector to take what is left, and then for the
#: thread that sends it.
CLOSE_SECONDS = 1.0
PROPAGATOR = TraceContextTextMapPropagator()

#: What a call to a partner says of itself, by the attribute that tells it.
OURS = {
    "exchange.message_type": "X-Message-Type",
    "exchange.delivery": "X-Delivery-Id",
    "exchange.sender": "X-Sender",
}


class SpanTracing(Tracing):
    """The spans of one process, `instance`, by a provider of its own: there is no global one, since
    a process may have several exchanges. Threads begin with `open`.
    """

    def __init__(self, settings: Telemetry, instance: str) -> None:
        self._settings = settings
        one_in = settings.begin_one_in
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(1 / one_in) if one_in else ALWAYS_OFF),
            resource=Resource.create(
                {
                    "service.name": "exchange-simulator",
                    "service.version": version("exchange-simulator"),
                    "service.instance.id": instance,
                }
            ),
            shutdown_on_exit=False,
        )
        self._tracer = self._provider.get_tracer("exchange")
        self._exporter = ToldExporter(settings)

    async def open(self) -> None:
        """Begin to send spans."""
        most = self._settings.spans_max
        self._provider.add_span_processor(
            BatchSpanProcessor(
                self._exporter,
                max_queue_size=most,
                schedule_delay_millis=self._settings.every_seconds * 1000,
                max_export_batch_size=min(most, TOGETHER_MAX),
            )
        )

    async def close(self) -> None:
        """End, with what is left sent where the collector takes it at once."""
        # A thread of its own, for the loop's would be waited for at the process's end.
        end = threading.Thread(target=self._provider.shutdown, name="telemetry-end", daemon=True)
        end.start()
        await asyncio.to_thread(end.join, CLOSE_SECONDS)
        if end.is_alive():
            self._exporter.shutdown()
            await asyncio.to_thread(end.join, CLOSE_SECONDS)

    def around(self, transport: Transport) -> Transport:
        """What makes calls to partners over that transport."""
        return TracedCalls(transport, self._tracer)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many spans were sent and lost."""
        return {"sent": self._exporter.sent, "lost": self._exporter.lost}

    @contextmanager
    def call(self, headers: Mapping[str, str], method: str, route: str) -> Iterator[Served]:
        """As without spans; a call that names no trace may begin one."""
        served = Served(trace.begin(headers))
        span = self._tracer.start_span(
            f"{method} {route}",
            PROPAGATOR.extract(served.answered),
            SpanKind.SERVER,
            {"http.request.method": method, "http.route": route},
        )
        if not span.is_recording():
            yield served
            return
        below: dict[str, str] = {}
        PROPAGATOR.inject(below, inside(span))
        trace.enter(below[trace.TRACEPARENT])
        try:
            yield served
        finally:
            _end(span, served.status, is_error=not served.status or served.status >= 500)


class TracedCalls:
    """Calls to partners over a transport: each that belongs to a trace has a span, and is the
    parent of what the partner does.
    """

    def __init__(self, transport: Transport, tracer: Tracer) -> None:
        self._transport = transport
        self._tracer = tracer

    async def send(self, partner: Partner, call: Call, timeout_seconds: float) -> Reply:
        """As the transport does.

        Raises:
            Unreachable: as the transport.
        """
        parent = PROPAGATOR.extract(call.headers)
        if not get_current_span(parent).get_span_context().trace_flags.sampled:
            return await self._transport.send(partner, call, timeout_seconds)
        told = {"http.request.method": call.method, "exchange.partner": partner.id}
        ours = {name: call.headers[each] for name, each in OURS.items() if each in call.headers}
        span = self._tracer.start_span(
            f"{call.method} {partner.id}", parent, SpanKind.CLIENT, told | ours
        )
        headers, status = CIMultiDict(call.headers), 0
        PROPAGATOR.inject(headers, inside(span))
        try:
            reply = await self._transport.send(
                partner, replace(call, headers=headers), timeout_seconds
            )
            status = reply.status
            return reply
        finally:
            _end(span, status, is_error=not 0 < status < 400)


def _end(span: Span, status: int, is_error: bool) -> None:
    """End a span. An exception is not put in: its text may repeat what was received."""
    if status:
        span.set_attribute("http.response.status_code", status)
    if is_error:
        span.set_status(StatusCode.ERROR)
    span.end()
