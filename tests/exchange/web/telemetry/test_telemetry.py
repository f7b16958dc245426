"""Spans go to a collector, in the trace of who called; one that is down, or says no, costs nobody
anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Told
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from exchange.errors import SettingsError
from exchange.settings import Telemetry, load
from exchange.web.telemetry.exporter import Exporter
from exchange.web.telemetry.span import Kind, Span
from tests.exchange.journey.test_trace import GIVEN
from tests.exchange.journey.way import BODY
from tests.exchange.web.telemetry.collector import attributes, collecting
from tests.journeys.running import Running, running
from tests.journeys.test_pushes import noting

ADDRESS = "/luova/v1/messages"
BIRTH = {"X_Message_Type": "population.births", "Content_Type": "application/json"}
#: Nobody listens there.
DOWN = "http://127.0.0.1:9/v1/traces"
_, TRACE, CALLER, _ = GIVEN.split("-")


async def sent(it: Running, message_id: str, **headers: str) -> int:
    """The status of a birth that is sent, once it was delivered."""
    body = BODY + b" " * len(message_id)
    status, _, _ = await it.post(ADDRESS, body, "dvv", X_Message_Id=message_id, **BIRTH, **headers)
    await it.settled()
    return status


async def flushed(it: Running) -> Exporter:
    """The exporter, once it sent what it had."""
    exporter = it.exchange.tracing.exporter
    assert exporter is not None
    await exporter.flush()
    return exporter


async def test_a_call_and_the_push_that_follows_are_spans_of_the_callers_trace(
    tmp_path: Path,
) -> None:
    seen: list[tuple[str, Mapping[str, str]]] = []
    async with noting(seen) as partners, collecting() as collector:
        telemetry = {"traces_url": collector.url, "headers": {"X-Key": "of the collector"}}
        async with running(tmp_path, partners={"address": partners}, telemetry=telemetry) as it:
            assert await sent(it, "m", traceparent=GIVEN) == 202
            exporter = await flushed(it)
            metrics = (await it.get("/metrics"))[2].decode()
    call, push = sorted(collector.spans, key=lambda each: each.kind)
    assert {each.trace_id.hex() for each in collector.spans} == {TRACE}
    assert (call.kind, push.kind) == (Told.SPAN_KIND_SERVER, Told.SPAN_KIND_CLIENT)
    assert (call.parent_span_id.hex(), push.parent_span_id) == (CALLER, call.span_id)
    assert (call.name, push.name) == (f"POST {ADDRESS}", "POST kela.core-data")
    assert attributes(call)["http.response.status_code"] == 202
    assert attributes(push)["exchange.message_type"] == "population.births"
    assert call.start_time_unix_nano < call.end_time_unix_nano
    assert call.start_time_unix_nano < push.start_time_unix_nano < push.end_time_unix_nano
    assert collector.resource["service.name"] == "exchange-simulator"
    assert collector.headers[0]["X-Key"] == "of the collector"
    # The receiver's own spans are below that of the push.
    ((_, pushed),) = seen
    assert pushed["traceparent"] == f"00-{TRACE}-{push.span_id.hex()}-01"
    assert (exporter.sent, exporter.lost) == (2, 0)
    assert 'exchange_spans_total{outcome="sent"} 2.0' in metrics


async def test_what_names_no_trace_begins_one_and_what_nobody_records_has_none(
    tmp_path: Path,
) -> None:
    async with collecting() as collector:
        telemetry = {"traces_url": collector.url}
        async with running(tmp_path, telemetry=telemetry) as it:
            await sent(it, "begins")
            await sent(it, "not-recorded", traceparent=GIVEN[:-1] + "0")
            await flushed(it)
    call, push = sorted(collector.spans, key=lambda each: each.kind)
    assert (call.parent_span_id, push.parent_span_id) == (b"", call.span_id)
    assert len({each.trace_id for each in collector.spans} - {bytes.fromhex(TRACE)}) == 1


async def test_a_collector_that_is_down_costs_no_reply_and_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path, telemetry={"traces_url": DOWN, "spans_max": 2}) as it:
        for number in range(3):
            assert await sent(it, f"m{number}") == 202
            exporter = await flushed(it)
        assert (exporter.sent, exporter.lost) == (0, 4)
    assert capsys.readouterr().out.count("spans are not taken") == 1
    # What was left at the end is lost, and counted.
    assert exporter.lost == 6


def a_span(**more: Any) -> Span:
    """A span of no call."""
    given: dict[str, Any] = {"name": "a", "kind": Kind.CLIENT, "attributes": {}, "is_error": True}
    times = {"began_at": 1, "ended_at": 2}
    return Span(trace_id=TRACE, span_id=CALLER, parent_id="", **given, **times, **more)


@pytest.mark.parametrize(("status", "lost"), [(503, 0), (429, 0), (400, 1), (404, 1), (307, 1)])
async def test_what_a_collector_refuses_for_good_is_not_sent_again(status: int, lost: int) -> None:
    async with collecting(status) as collector:
        exporter = Exporter(Telemetry(traces_url=collector.url, every_seconds=60), "one")
        await exporter.open()
        exporter.add(a_span())
        await exporter.flush()
        assert (exporter.sent, exporter.lost, collector.calls) == (0, lost, 1)
        collector.status = 200
        await exporter.close()
        assert (exporter.sent, exporter.lost) == (1 - lost, lost)
    assert [each.status.code for each in collector.spans] == [Status.STATUS_CODE_ERROR][lost:]


@pytest.mark.parametrize(
    "wrong",
    [
        {"traces_url": "localhost:4318"},
        {"traces_url": "ftp://127.0.0.1/v1/traces"},
        {"traces_url": "http://127.0.0.1:4318/v1/traces\n"},
        {"headers": {"X-Key": "a\nb"}},
        {"headers": {"X Key": "a"}},
        {"begin_one_in": -1},
    ],
)
def test_what_can_be_no_collector_is_refused_at_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"telemetry\."):
        load(telemetry=wrong)
