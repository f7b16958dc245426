"""Shapes, arrivals, mixes, budgets and reports as pure values; no locust."""

from __future__ import annotations

import random
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from loadtests import budgets, processes, shapes, workload
from loadtests.__main__ import differences, main, options
from loadtests.arrivals import Arrivals
from loadtests.calls import Sample
from loadtests.replies import complaint, leased
from loadtests.report import percentile, report, table

LOAD = workload.load()


def sample(flow: workload.Flow) -> Sample:
    """Some call of a flow."""
    return Sample(
        flow.channel,
        flow.message_type,
        "x",
        flow.sector,
        1.0,
        1,
        "POST",
        flow.endpoint or "/",
        {},
        b"",
    )


def mix(*channels: str) -> workload.Mix:
    """A mix of these channels' flows."""
    flows = [flow for flow in LOAD.flows if flow.channel in channels]
    return workload.Mix(flows, [sample(flow) for flow in flows])


def shape(name: str, **given: float) -> shapes.Shape:
    """A shape of that name: a day of 864,000 calls in a hundred seconds."""
    settings = {
        "rate": 0.0,
        "seconds": 0.0,
        "day": 864_000.0,
        "factor": 864.0,
        "step_seconds": 10.0,
    } | given
    return shapes.make(name, LOAD, **settings)


@pytest.mark.parametrize(
    "typed",
    [
        *("--rate nan", "--rate -1", "--seconds inf", "--day 1e300", "--factor 0"),
        *("--workers 0", "--locusts 1000", "--locusts two"),
    ],
)
def test_numbers_that_no_load_has_are_refused(
    typed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        options(typed.split())
    assert ended.value.code == 2
    assert typed.split()[0] in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    "name, calls", [("flat", 500_000.0), ("flat", 1_500_000.0), ("working-day", 1_500_000.0)]
)
def test_a_day_has_its_calls_however_it_is_shaped_and_compressed(name: str, calls: float) -> None:
    made = shape(name, day=calls, factor=100.0)
    step = made.seconds / 24_000
    total = sum(made.at((number + 0.5) * step) for number in range(24_000)) * step
    assert (made.seconds, total) == (864.0, pytest.approx(calls, rel=1e-6))


def test_steps_grow_until_the_end_and_a_soak_lasts_an_hour() -> None:
    steps = shape("step", rate=10.0, seconds=40.0)
    assert [steps.at(second) for second in (0, 9.9, 10, 39)] == [10, 10, 12.5, 10 * 1.25**3]
    assert steps.rate_max == steps.at(39)
    assert shape("soak", rate=5.0).seconds == 3600
    assert (steps.at(-1), steps.at(40)) == (0, 0)


def test_a_load_of_nothing_or_of_unknown_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="no shape"):
        shape("wave")
    with pytest.raises(ValueError, match="a rate"):
        shape("flat", day=0.0)


def test_arrivals_come_at_their_rate_in_order_and_the_same_for_the_same_seed() -> None:
    def made(seed: int) -> list[tuple[float, str]]:
        return [
            (at, each.message_type)
            for at, each in Arrivals(
                mix("kelmu"), shape("flat", rate=200.0), 0.5, random.Random(seed)
            )
        ]

    arrivals = made(1)
    assert arrivals == sorted(arrivals, key=lambda each: each[0]) == made(1) != made(2)
    assert len(arrivals) == pytest.approx(100 * 200 * 0.5, rel=0.05)
    assert 0 <= arrivals[0][0] < arrivals[-1][0] < 100


def test_a_day_s_arrivals_follow_its_hours_and_its_mix() -> None:
    arrivals = list(
        Arrivals(mix("kelmu", "luova"), shape("working-day", rate=300.0), 1.0, random.Random(3))
    )
    hours = Counter(int(24 * at / 100) for at, _ in arrivals)
    assert hours[9] == pytest.approx(30_000 * LOAD.hours[9], rel=0.1)
    assert hours[1] == pytest.approx(30_000 * LOAD.hours[1], rel=0.3)
    queries = sum(each.message_type == "kelmu.benefit-query" for _, each in arrivals)
    flows = mix("kelmu", "luova").flows
    share = sum(f.calls for f, _ in flows if f.message_type == "kelmu.benefit-query") / sum(
        f.calls for f, _ in flows
    )
    assert queries / len(arrivals) == pytest.approx(share, rel=0.02)


def test_a_pay_day_brings_more_of_what_is_about_pay_and_no_more_of_the_rest() -> None:
    def by_type(name: str) -> tuple[int, int]:
        # Kelmu's queries are the most of the rest: the register's own are too few to be compared.
        calls = mix("income-register", "kelmu")
        arrivals = Arrivals(calls, shape(name, rate=200.0), 1.0, random.Random(4))
        wages = [
            each.message_type == "income-register.wage-reports"
            for at, each in arrivals
            if 33.4 < at < 49.9
        ]
        return sum(wages), len(wages) - sum(wages)

    usual, usual_rest = by_type("working-day")
    more, rest = by_type("pay-day")
    assert more == pytest.approx(usual * LOAD.pay_day.times, rel=0.1)
    assert rest == pytest.approx(usual_rest, rel=0.1)


def test_a_flow_without_samples_is_missed_and_takes_no_part() -> None:
    flows = [flow for flow in LOAD.flows if flow.channel == "luova"]
    part = workload.Mix(flows, [sample(flows[0])])
    assert part.missing == flows[1:]
    assert part.calls == flows[0].calls
    assert not list(Arrivals(workload.Mix(flows, []), shape("flat"), 1.0, random.Random(1)))


def test_a_workload_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    text = workload.PATH.read_text()
    first = text.split("[[flow]]")[1].split("\n\n")[0]
    (tmp_path / "twice.toml").write_text(text + "\n[[flow]]" + first)
    (tmp_path / "short.toml").write_text(text.replace("hours = [1, 1, 1, 2", "hours = [2"))
    with pytest.raises(ValueError, match="stands twice"):
        workload.load(tmp_path / "twice.toml")
    with pytest.raises(ValueError, match="24 hours"):
        workload.load(tmp_path / "short.toml")


@pytest.mark.parametrize(
    "status, body, reason",
    [
        (202, b'{"id":"1"}', ""),
        (200, b"<s:Envelope><DeliveryDataStatus>2</DeliveryDataStatus></s:Envelope>", ""),
        (
            200,
            b"<s:Envelope><DeliveryDataStatus>5</DeliveryDataStatus></s:Envelope>",
            "delivery status 5",
        ),
        (
            200,
            b"<soap:Envelope><soap:Fault>no</soap:Fault></soap:Envelope>",
            "SOAP fault <soap:Envelope><soap:Fault>no</soap:Fault></soap:Envelope>",
        ),
        (503, b'{"reason":"busy","id":7}', "503 busy"),
        (500, b"[1]", "500 [1]"),
        (400, b"\xff", "400 \ufffd"),
    ],
)
def test_what_a_reply_says(status: int, body: bytes, reason: str) -> None:
    assert complaint(status, body) == reason


def test_what_a_mailbox_gave() -> None:
    assert leased(b'{"deliveries":[{"id":"a","lease":"1","x":2}]}') == [{"id": "a", "lease": "1"}]
    assert [leased(body) for body in (b"", b"[]", b'{"deliveries":[1]}')] == [[], [], []]


def entry(method: str, name: str, times: dict[int, int], failures: int = 0) -> SimpleNamespace:
    """What locust keeps of a name."""
    calls = sum(times.values())
    return SimpleNamespace(
        method=method,
        name=name,
        response_times=times,
        num_requests=calls,
        num_failures=failures,
        max_response_time=max(times),
    )


def run(*entries: SimpleNamespace) -> dict[str, object]:
    """A report of these."""
    stats = SimpleNamespace(entries={(each.name, each.method): each for each in entries}, errors={})
    return report(stats, {0: 99, 7: 1}, 10.0)


def test_percentiles_count_every_call_once() -> None:
    assert percentile({1: 50, 5: 49, 900: 1}, 0.5) == 1
    assert percentile({1: 50, 5: 49, 900: 1}, 0.99) == 5
    assert percentile({1: 50, 5: 48, 900: 2}, 0.99) == 900
    assert percentile({}, 0.99) == 0


def test_a_report_adds_up_by_channel_and_by_type() -> None:
    made = run(
        entry("a", "t.x s1", {2: 10}),
        entry("a", "t.x s2", {4: 10}, 3),
        entry("b", "t.y s1", {30: 5}),
    )
    assert made["accepted"] == {"t.x": 17, "t.y": 5}
    assert made["channels"]["a"]["p99_milliseconds"] == 4  # type: ignore[index]
    assert (made["calls"], made["failures"], made["calls_a_second"]) == (25, 3, 2.5)
    assert "late by 0 ms (p50), 0 ms (p99)" in table(made)


def test_a_budget_is_strict_about_failures_and_knows_each_channel() -> None:
    ci = budgets.load("ci")
    good = run(entry("a", "t.x s", {2: 100}))
    assert budgets.exceeded(good, ci) == []
    assert budgets.exceeded(run(entry("a", "t.x s", {2: 100}, 1)), ci) == [
        "1 of 100 calls failed, over 0.00%"
    ]
    assert budgets.exceeded(run(entry("a", "t.x s", {2: 90, 6_000: 10})), ci) == [
        "a: p99 is 6000 ms, over 5000 ms"
    ]
    assert budgets.exceeded(good, ci | {"a": {"p50_milliseconds": 1}}) == [
        "a: p50 is 2 ms, over 1 ms"
    ]
    assert budgets.exceeded({**good, "calls": 0}, ci) == ["no call was made"]
    with pytest.raises(ValueError, match="no budget"):
        budgets.load("none")


def test_memory_has_a_budget_of_its_own() -> None:
    soak = budgets.load("soak")
    assert budgets.exceeded_memory({"most_mib": 200.0, "growth_mib": 1.0}, soak) == []
    assert len(budgets.exceeded_memory({"most_mib": 300.0, "growth_mib": 50.0}, soak)) == 2


def test_receipts_and_counters_must_agree_and_nothing_comes_twice() -> None:
    before = {("t.x", "accepted"): 5}
    assert differences({"t.x": 10, "mailbox": 3}, before, {("t.x", "accepted"): 15}, 0) == []
    assert differences({"t.x": 10}, before, {("t.x", "accepted"): 16}, 0) != []
    assert differences({"t.x": 10}, before, {("t.x", "accepted"): 16}, 1) == [], (
        "a call that timed out may have been accepted"
    )
    assert differences({"t.x": 10}, before, {("t.x", "accepted"): 14}, 1) != [], (
        "a receipt without a message is never right"
    )
    assert (
        differences({"t.x": 10}, before, {("t.x", "accepted"): 15, ("t.x", "duplicate"): 1}, 0)
        != []
    )


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 6, 8])
def test_each_worker_gets_a_user_of_every_kind_when_locust_deals_them_in_turn(workers: int) -> None:
    for kinds in range(5, 40):
        dealt = range(kinds + workload.spacers(kinds, workers))
        turns = [kind for _ in range(workers) for kind in dealt]
        for worker in range(workers):
            assert {kind for turn, kind in enumerate(turns) if turn % workers == worker} == set(
                dealt
            )


@pytest.mark.parametrize(
    "host", ["http://127.0.0.1:9", "nonsense", "http://[", "ftp://127.0.0.1:9"]
)
def test_where_nobody_answers_it_says_so_at_once(
    host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(processes, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(sys, "argv", ["load", "--host", host, "--reports", str(tmp_path)])
    assert main() == 2
    assert host in capsys.readouterr().err


def test_who_answers_otherwise_is_no_exchange_and_who_begins_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "START_SECONDS", 2.0)
    statuses = [503, 503, 200, 404]

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses.pop(0))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        processes.wait_ready(address)
        assert statuses == [404]
        with pytest.raises(processes.NotReady, match="it answered 404"):
            processes.wait_ready(address)
        server.shutdown()
