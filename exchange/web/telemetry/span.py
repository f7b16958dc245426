"""A span, and many of them as OTLP writes them in JSON; sends nothing.

Source: OpenTelemetry Protocol 1.x, "JSON Protobuf Encoding" (ids are hexadecimal, names in
lowerCamelCase, 64-bit integers are strings), and trace.proto of opentelemetry-proto.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

Attributes = Mapping[str, str | int]

#: `STATUS_CODE_ERROR` of trace.proto.
ERROR = 2


class Kind(IntEnum):
    """What a span is, with the numbers of trace.proto."""

    SERVER = 2
    CLIENT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A call that has ended. Ids are hexadecimal: 32 digits of the trace, 16 of a span; times are
    nanoseconds since 1970 UTC.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: Kind
    began_at: int
    ended_at: int
    attributes: Attributes
    is_error: bool


def document(spans: Iterable[Span], resource: Attributes) -> bytes:
    """The body of an ExportTraceServiceRequest. `resource` says whose spans they are."""
    scope = {"name": "exchange"}
    own = [{"scope": scope, "spans": [_told(each) for each in spans]}]
    told = {"resource": {"attributes": _attributes(resource)}, "scopeSpans": own}
    return json.dumps({"resourceSpans": [told]}, separators=(",", ":")).encode()


def _told(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "parentSpanId": span.parent_id,
        "name": span.name,
        "kind": int(span.kind),
        "startTimeUnixNano": str(span.began_at),
        "endTimeUnixNano": str(span.ended_at),
        "attributes": _attributes(span.attributes),
        "status": {"code": ERROR} if span.is_error else {},
    }


def _attributes(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(each)} for name, each in attributes.items()]


def _value(value: str | int) -> dict[str, str]:
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}
