"""Samples as load tests use them: fresh ids in every place, and every one still a message that the
exchange takes as new.
"""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exchange import discovery
from exchange.assembly.statistics import own_endpoints
from exchange.cli import app
from exchange.partners.recorded import digits_of, slots
from exchange.schemas import directory
from loadtests import calls, workload
from loadtests.__main__ import NO_MESSAGES
from tests.journeys.running import running

#: Questions without an id of the sender's: asked again in the same words, each is another message.
WITHOUT_ID = {"population-register.changes-query"}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[calls.Sample]:
    """Two calls of every sender and type."""
    folder = tmp_path_factory.mktemp("samples")
    done = CliRunner().invoke(app, ["samples", "all", "--calls", "-n", "2", "--out", str(folder)])
    assert done.exit_code == 0, done.output
    return calls.read(folder)


def test_numbers_never_repeat_even_when_the_clock_stands_or_steps_back() -> None:
    times = itertools.chain(
        [10**18 + 2_000, 10**18 + 2_000, 10**18], itertools.repeat(10**18 - 10**9)
    )
    one, other = calls.Numbers(1, lambda: next(times)), calls.Numbers(2, lambda: 10**18)
    given = [one.next() for _ in range(10)] + [other.next() for _ in range(10)]
    assert len(set(given)) == 20
    assert {len(number) for number in given} == {calls.NUMBER_DIGITS}


def test_an_id_is_found_wherever_it_stands_and_keeps_its_form() -> None:
    given = "q-1a2b3c4d5e6f-0011223344"
    found = slots(given, {"X-Message-Id": given}, f"ä {given} {given}/1".encode())
    assert digits_of(given) == [(6, 8, 0), (15, 10, 8)]
    assert found[0] == ("X-Message-Id", 6, 8, 0)
    assert len(found) == 6
    with pytest.raises(ValueError, match="fewer than 12 digits"):
        slots("q-0123", {}, b"q-0123")


def test_every_stub_s_calls_are_made_anew_with_ids_of_their_own(
    samples: list[calls.Sample],
) -> None:
    first, second = calls.Numbers(1).next(), calls.Numbers(2).next()
    for sample in samples:
        one, other = sample.prepare(first), sample.prepare(second)
        assert len(one.body) == len(sample.body), sample.message_type
        if sample.method == "POST":
            is_fresh = (one.headers, one.body) != (other.headers, other.body)
            assert is_fresh != (sample.message_type in WITHOUT_ID), (
                f"{sample.message_type} of {sample.sender} has no fresh id, or should have none"
            )


async def test_every_sample_is_taken_as_a_new_message_again_and_again(
    samples: list[calls.Sample], tmp_path: Path
) -> None:
    chosen = {
        (sample.channel, sample.message_type, sample.endpoint): sample
        for sample in samples
        if sample.method == "POST"
    }
    numbers = calls.Numbers(3)
    async with running(tmp_path) as exchange:
        for sample in chosen.values():
            for _ in range(3):
                prepared = sample.prepare(numbers.next())
                async with exchange.session.post(
                    exchange.url + prepared.path, data=prepared.body, headers=prepared.headers
                ) as reply:
                    assert reply.status in (200, 202), (sample.message_type, await reply.text())
        rows = await exchange.exchange.ledger.totals(
            ("channel", "endpoint", "message_type", "kind")
        )
    # (What the exchange passes on when it is due nobody has sent: it may be due by now, or not.)
    own, counts = own_endpoints(), Counter[tuple[str, str]]()
    for (channel, endpoint, *key), count, _, _ in rows:
        if (channel, endpoint) not in own:
            counts[tuple(key)] += count
    expected: dict[str, int] = {}
    for sample in chosen.values():
        expected[sample.message_type] = expected.get(sample.message_type, 0) + 3
    assert {name: counts[name, "accepted"] for name in expected} == expected
    assert not [key for key in counts if key[1] == "duplicate"]


def test_the_workload_names_every_flow_of_the_stubs_and_weighs_it_alike() -> None:
    """What fails here is a flow that came or changed: the lines to write into
    loadtests/workload.toml stand in the message.
    """
    everybody, load = directory.load(), workload.load()
    sent: Counter[tuple[str, str, str]] = Counter()
    for stub in discovery.stubs():
        for flow in stub.flows(everybody):
            partner = everybody.get(flow.partner)
            sent[stub.channel, partner.sector if partner else "", flow.message_type] += flow.weight
    known: Counter[tuple[str, str, str]] = Counter()
    for each in load.flows:
        known[each.channel, each.sector, each.message_type] += each.calls
    lines = (
        '[[flow]]\nchannel = "{}"\nsector = "{}"\ntype = "{}"\nrow = "assumed"\nrecords = {:.0f}\n'
    )
    wrong = [
        lines.format(*key, sent[key])
        for key in sent
        if known[key] != pytest.approx(sent[key], rel=0.01)
    ]
    assert not wrong, "\n".join(wrong)
    assert not [key for key in known if key not in sent], "nobody sends these any more"


def test_the_published_figures_are_those_of_the_statistics() -> None:
    from exchange.statistics.rows import load as load_rows

    published = {row.id: row.published.get(2024) for row in load_rows().rows}
    by_row: dict[str, float] = {}
    for flow in workload.load().flows:
        by_row[flow.row] = by_row.get(flow.row, 0) + flow.records
    del by_row["assumed"]
    # Kela's own reports come back to it from the register.
    by_row["income.benefit-reports-received"] += by_row["income.benefit-reports-sent"]
    assert by_row == {row: pytest.approx(published[row], rel=1e-6) for row in by_row}


def test_what_brings_no_message_is_known(samples: list[calls.Sample]) -> None:
    assert {sample.message_type for sample in samples if sample.method == "GET"} <= NO_MESSAGES


def test_a_folder_without_calls_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="exchange samples all --calls"):
        calls.read(tmp_path)


def test_calls_of_an_unknown_type_are_refused_with_the_known_ones(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["samples", "nothing.such", "--calls", "--out", str(tmp_path)])
    assert done.exit_code
    assert "eessi.a009" in str(done.exception)
