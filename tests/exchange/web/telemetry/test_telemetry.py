"""Spans go to a collector, in the trace of who called; one that is down, or says no, costs nobody
anything.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Told
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from structlog.testing import capture_logs

from exchange.assembly.parts import tracing_of
from exchange.cli import main
from exchange.cli.serving.port import bind
from exchange.errors import SettingsError
from exchange.journey import trace
from exchange.settings import Telemetry, load
from exchange.web.telemetry import spans
from exchange.web.telemetry.spans import SpanTracing
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


async def counted(it: Running, outcome: str, count: int) -> None:
    """Wait until so many spans were sent, or lost."""
    metric = f'exchange_spans_total{{outcome="{outcome}"}} {count}.0'
    while metric not in (await it.get("/metrics"))[2].decode():
        await asyncio.sleep(0.02)


def threads() -> list[str]:
    """The threads of the SDK and those that end it."""
    names = [each.name for each in threading.enumerate()]
    return [name for name in names if name.startswith(("Otel", "telemetry"))]


@asynccontextmanager
async def tracing(url: str, **settings: Any) -> AsyncIterator[SpanTracing]:
    """Spans of no exchange, sent to a collector; ended afterwards."""
    it = SpanTracing(Telemetry(traces_url=url, **settings), "one")
    await it.open()
    try:
        yield it
    finally:
        await it.close()


async def test_a_call_and_the_push_that_follows_are_spans_of_the_callers_trace(
    tmp_path: Path,
) -> None:
    seen: list[tuple[str, Mapping[str, str]]] = []
    async with noting(seen) as partners, collecting() as collector:
        telemetry = {
            "traces_url": collector.url,
            "headers": {"X-Key": "of the collector"},
            "every_seconds": 0.02,
        }
        async with running(tmp_path, partners={"address": partners}, telemetry=telemetry) as it:
            assert await sent(it, "m", traceparent=GIVEN) == 202
            await counted(it, "sent", 2)
    assert threads() == []
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


async def test_what_names_no_trace_begins_one_and_what_nobody_records_has_none(
    tmp_path: Path,
) -> None:
    seen: list[tuple[str, Mapping[str, str]]] = []
    not_recorded = GIVEN[:-1] + "0"
    async with noting(seen) as partners, collecting() as collector:
        settings = {"partners": {"address": partners}, "telemetry": {"traces_url": collector.url}}
        async with running(tmp_path, **settings) as it:
            await sent(it, "begins")
            await sent(it, "not-recorded", traceparent=not_recorded)
    # (What was left at the end was sent.)
    call, push = sorted(collector.spans, key=lambda each: each.kind)
    assert (call.parent_span_id, push.parent_span_id) == (b"", call.span_id)
    assert len({each.trace_id for each in collector.spans} - {bytes.fromhex(TRACE)}) == 1
    assert seen[1][1]["traceparent"] == not_recorded


async def test_none_begins_a_trace_where_none_is_wanted() -> None:
    async with tracing(DOWN, begin_one_in=0) as it:
        with it.call({}, "POST", ADDRESS):
            assert trace.current() == {}
    assert it.counts == {"sent": 0, "lost": 0}


async def test_a_collector_that_is_down_costs_no_reply_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    telemetry = {"traces_url": DOWN, "every_seconds": 0.02, "timeout_seconds": 0.1}
    with capture_logs() as told:
        async with running(tmp_path, telemetry=telemetry) as it:
            for number in range(3):
                assert await sent(it, f"m{number}") == 202
                await counted(it, "lost", 2 * number + 2)
    assert [each["event"] for each in told].count("spans are not taken") == 1
    assert [each.name for each in caplog.records if "opentelemetry" in each.name] == []


async def test_what_waits_to_be_sent_again_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spans, "CLOSE_SECONDS", 0.05)
    async with tracing(DOWN, timeout_seconds=3600) as it:
        with it.call({}, "POST", ADDRESS):
            pass
    assert it.counts == {"sent": 0, "lost": 1}
    assert threads() == []


async def test_a_collector_that_never_answers_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spans, "CLOSE_SECONDS", 0.05)
    async with collecting(answers=False) as collector:
        async with tracing(collector.url, timeout_seconds=3600) as it:
            with it.call({}, "POST", ADDRESS):
                pass
        await collector.called.wait()
        assert it.counts == {"sent": 0, "lost": 0}
    while threads():
        await asyncio.sleep(0.02)


# (A redirect is not followed; the SDK takes it for yes.)
@pytest.mark.parametrize(("status", "calls", "lost"), [(503, 2, 0), (400, 1, 1), (307, 1, 0)])
async def test_what_a_collector_refuses_for_good_is_not_sent_again(
    status: int, calls: int, lost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nor is it looked for behind a proxy that the environment names.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    async with collecting(status) as collector:
        async with tracing(collector.url, spans_max=1) as it:
            with pytest.raises(ValueError), it.call({}, "POST", ADDRESS):
                raise ValueError("of a person")
        assert (collector.calls, it.counts) == (calls, {"sent": 1 - lost, "lost": lost})
    # Of what went wrong nothing is told but that it did.
    told = [(each.status.code, each.status.message, len(each.events)) for each in collector.spans]
    assert told == [(Status.STATUS_CODE_ERROR, "", 0)][: calls - 1]


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(telemetry={"traces_url": DOWN})
    monkeypatch.delitem(sys.modules, "exchange.web.telemetry.spans")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    with pytest.raises(SettingsError, match=r"pip install 'exchange-simulator\[telemetry\]'"):
        tracing_of(settings, 0)


def test_several_workers_say_it_once_before_anything_is_bound(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "exchange.web.telemetry.spans")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    monkeypatch.setenv("EXCHANGE_TELEMETRY__TRACES_URL", DOWN)
    with bind("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        monkeypatch.setattr(sys, "argv", ["exchange", "serve", "--workers", "2", "--port", port])
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 2
    (said,) = capfd.readouterr().err.strip().splitlines()
    assert "pip install 'exchange-simulator[telemetry]'" in said


@pytest.mark.parametrize(
    "wrong",
    [
        {"traces_url": "localhost:4318"},
        {"traces_url": "ftp://127.0.0.1/v1/traces"},
        {"traces_url": "http://127.0.0.1:4318/v1/traces\n"},
        {"headers": {"X-Key": "a\nb"}},
        {"headers": {"X Key": "a"}},
        {"begin_one_in": -1},
        {"every_seconds": "inf"},
        {"timeout_seconds": "inf"},
    ],
)
def test_what_can_be_no_collector_is_refused_at_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"telemetry\."):
        load(telemetry=wrong)
