"""A collector of OpenTelemetry by hand, which reads what comes by the standard's own messages; no
test.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """What came: the spans, and what said whose they are. It answers the first call with `status`,
    once `answers` is set, and the others with 200.
    """

    status: int = 200
    url: str = ""
    calls: int = 0
    spans: list[Span] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    resource: dict[str, str] = field(default_factory=dict)
    called: asyncio.Event = field(default_factory=asyncio.Event)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        """One export."""
        self.calls += 1
        self.headers.append(request.headers)
        body = await request.read()
        self.called.set()
        await self.answers.wait()
        status, self.status = self.status, 200
        if status == 200:
            for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
                for each in resource_spans.resource.attributes:
                    self.resource[each.key] = each.value.string_value
                for scope_spans in resource_spans.scope_spans:
                    self.spans += scope_spans.spans
        headers = {307: {"Location": request.path}, 503: {"Retry-After": "0"}}.get(status)
        return web.Response(status=status, headers=headers)


def attributes(span: Span) -> dict[str, str | int]:
    """The attributes of a span."""
    return {each.key: each.value.int_value or each.value.string_value for each in span.attributes}


@asynccontextmanager
async def collecting(status: int = 200, answers: bool = True) -> AsyncIterator[Collector]:
    """A collector on loopback."""
    collector = Collector(status)
    if answers:
        collector.answers.set()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/traces"
    try:
        yield collector
    finally:
        collector.answers.set()
        await runner.cleanup()
