"""The calls of a top day: as many records of each flow as the published mix has, each with ids of
its own; nothing is sent.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exchange.benchmarks import top_day
from exchange.cli import app
from loadtests import calls, workload

MESSAGES = 30_000


@pytest.fixture(scope="module", params=[False, True], ids=["in deliveries", "each by itself"])
def day(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[bool, list[calls.Sample]]:
    """Whether every record is a call of its own, and the samples for that."""
    folder = tmp_path_factory.mktemp("samples")
    items = ["--items", "1"] if request.param else []
    done = CliRunner().invoke(
        app, ["samples", "all", "--calls", "-n", "2", "--out", str(folder), *items]
    )
    assert done.exit_code == 0, done.output
    return request.param, calls.read(folder)


def test_a_day_has_the_published_mix(day: tuple[bool, list[calls.Sample]]) -> None:
    each, samples = day
    flows = workload.load().flows
    streams = top_day.streams_of(flows, samples, MESSAGES, each)
    total = sum(flow.records for flow in flows)
    for stream in streams:
        held = sum(sample.items for sample in stream.samples) / len(stream.samples)
        assert stream.count * held == pytest.approx(
            stream.flow.records * MESSAGES / total, abs=max(held, 1) * 0.51
        )
        assert not each or held == 1
    left_out = {flow.message_type for flow in flows} - {
        stream.flow.message_type for stream in streams
    }
    assert left_out == {"unemployment.benefit-data"}, "what is fetched from mailboxes"


def test_every_call_is_a_new_one(day: tuple[bool, list[calls.Sample]]) -> None:
    each, samples = day
    streams = top_day.streams_of(workload.load().flows, samples, 500, each)
    accepted: Counter[str] = Counter()
    records: Counter[str] = Counter()
    requests = list(top_day.requests_of(streams, 1, accepted, records))
    assert (
        len(set(requests))
        == len(requests)
        == sum(stream.count for stream in streams)
        == accepted.total()
    )
    assert not each or records == accepted
    for request in requests:
        head, _, body = request.partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}".encode() in head


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n<a><DeliveryDataStatus>3</DeliveryDataStatus></a>", False),
        (b"HTTP/1.1 200 OK\r\n\r\n<a><DeliveryDataStatus>5</DeliveryDataStatus></a>", True),
        (b"HTTP/1.1 200 OK\r\n\r\n<s:Fault>no</s:Fault>", True),
        (b'HTTP/1.1 202 Accepted\r\n\r\n{"id":"1"}', False),
    ],
)
def test_a_yes_that_means_no(answer: bytes, refused: bool) -> None:
    assert top_day.is_refused(answer) is refused


@pytest.mark.drill
def test_a_small_day_is_lived_and_accounted_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "day.json"
    monkeypatch.setattr(
        "sys.argv", ["top_day", "--messages", "400", "--workers", "1", "--out", str(report)]
    )
    assert top_day.main() == 0, report.read_text() if report.exists() else "no report"
