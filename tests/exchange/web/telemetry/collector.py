"""A collector of OpenTelemetry by hand, which reads what comes by the standard's own messages; no
test.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

IDS = ("traceId", "spanId", "parentSpanId")


@dataclass
class Collector:
    """What came: the spans, and what said whose they are. It answers with `status`."""

    status: int = 200
    url: str = ""
    calls: int = 0
    spans: list[Span] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    resource: dict[str, str] = field(default_factory=dict)

    async def take(self, request: web.Request) -> web.Response:
        """One export."""
        self.calls += 1
        self.headers.append(dict(request.headers))
        if self.status == 200:
            told = json_format.ParseDict(
                _in_base64(await request.json()), ExportTraceServiceRequest()
            )
            for resource_spans in told.resource_spans:
                for each in resource_spans.resource.attributes:
                    self.resource[each.key] = each.value.string_value
                for scope_spans in resource_spans.scope_spans:
                    self.spans += scope_spans.spans
        headers = {"Location": request.path} if self.status == 307 else {}
        return web.json_response({}, status=self.status, headers=headers)


def _in_base64(told: Any) -> Any:
    """OTLP writes ids in hexadecimal where protobuf's own JSON has base64; nothing else differs."""
    for resource in told["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for name in IDS:
                    span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
    return json.loads(json.dumps(told))


def attributes(span: Span) -> dict[str, str | int]:
    """The attributes of a span."""
    return {each.key: each.value.int_value or each.value.string_value for each in span.attributes}


@asynccontextmanager
async def collecting(status: int = 200, port: int = 0) -> AsyncIterator[Collector]:
    """A collector on loopback."""
    collector = Collector(status)
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/traces"
    try:
        yield collector
    finally:
        await runner.cleanup()
