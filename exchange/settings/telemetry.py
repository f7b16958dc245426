"""Where spans are sent, and how many wait."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from exchange.settings.section import HttpAddress, Section

HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$")]
HeaderText = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]*$")]


class Telemetry(Section):
    """Spans of calls that belong to a trace (`traceparent`), for a collector of OpenTelemetry; with
    the distribution's extra `telemetry`.
    """

    traces_url: HttpAddress = Field(
        "",
        description="A collector's address for traces over OTLP/HTTP, as in "
        "http://127.0.0.1:4318/v1/traces; nothing is sent when left out.",
    )
    headers: dict[HeaderName, HeaderText] = Field(
        {}, description="Headers that the collector wants, such as its key."
    )
    begin_one_in: int = Field(
        1,
        ge=0,
        description="One call in so many that names no trace begins one of its own; 0: none.",
    )
    every_seconds: float = Field(
        1.0, gt=0, le=3600, description="How often spans are sent, in seconds."
    )
    timeout_seconds: float = Field(
        5.0,
        gt=0,
        le=3600,
        description="How long the same spans are tried, in seconds; then they are lost.",
    )
    spans_max: int = Field(
        10_000,
        ge=1,
        description="Spans that wait for the collector at most; for a new one the oldest is lost.",
    )
