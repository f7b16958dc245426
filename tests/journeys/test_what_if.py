"""Two simulated years with and without a change differ in nothing that was not asked, to the
message: for each kind of change.
"""

from __future__ import annotations

import datetime
import sqlite3
from collections import Counter
from collections.abc import Collection
from contextlib import closing
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from exchange.cli.simulating.shards import Run, Shard, live
from exchange.simulation.calendar import days_of
from exchange.simulation.what_if import scenario_of
from exchange.simulation.workload import load
from exchange.simulation.year import shards_at

SCALE = Fraction(1, 1000)
#: Partners that others are added beside.
MODELS = (
    "county.pirkanmaa",
    "fund.ytk",
    "eessi.se.fk",
    "foreign.us.ssa",
    "bank.demo-a",
    "municipality.espoo",
    "employer.demo-oy",
)
#: Left to `make drills`: one of each kind is enough for every change.
DRILL = pytest.mark.drill
#: Both years have much more of what is sent to one of several partners, chosen for each message.
MUCH = ("kelmu.information-requests=x3000", "eessi.sickness-requests-sent=x40")
HANDED_ON = {f"income-register.{kind}-reports-from-ir" for kind in ("wage", "benefit")}


class Row(NamedTuple):
    """A message and one of its deliveries."""

    type: str
    sender: str
    receiver: str
    message_id: str
    conversation: str
    received_at: int
    state: str
    endpoint: str
    items: int
    bytes: int
    ended: str
    ended_at: int


#: (What has no id of its sender's has one of the exchange's, by what came in the same millisecond.)
_ROWS = """
SELECT m.message_type, m.sender, IFNULL(d.receiver, ''),
       IIF(m.sender_message_id LIKE '~%', '', m.sender_message_id), m.conversation,
       m.received_at, m.state, m.endpoint, m.items, m.bytes, IFNULL(d.state, ''), d.ended_at
FROM message m LEFT JOIN delivery d ON d.message_id = m.id
"""


@cache
def two_days() -> tuple[datetime.date, datetime.date]:
    """The first two days on which each of the models sends or gets something: a small year has
    nothing for most partners on most days.
    """
    planned = Run(2024, SCALE, 1, scenario_of(MUCH)).plan().planned
    busy = [
        {
            day
            for each in planned
            if model == each.flow.partner or model in each.flow.name.split()
            for day, units in enumerate(each.units)
            if units
        }
        for model in MODELS
    ]
    year = days_of(2024)
    return next(
        (year[day], year[day + 1])
        for day in range(1, len(year) - 1)
        if all({day, day + 1} & own for own in busy)
    )


def lived(folder: Path, changes: Collection[str]) -> Counter[Row]:
    """What the two days with some changes leave in the ledgers."""
    run = Run(2024, SCALE, 1, scenario_of([*MUCH, *changes]), (), two_days())
    found: Counter[Row] = Counter()
    for number in range(shards_at(SCALE)):
        shard = Shard(folder, number)
        live(run, shard, lambda lived: None)
        with closing(sqlite3.connect(shard.ledger)) as connection:
            found.update(map(Row._make, connection.execute(_ROWS)))
    return found


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Counter[Row]:
    """The days without a change."""
    found = lived(tmp_path_factory.mktemp("without"), ())
    assert found.total() > 250
    return found


def types_of(*streams: str) -> set[str]:
    """The message types of streams and of their answers."""
    workload, types = load(), set()
    flows = Run(2024, SCALE, 1, scenario_of([])).plan().planned
    for name in streams:
        stream = workload.stream(name)
        types |= {answer.message_type for answer in stream.answers}
        types |= {each.flow.message_type for each in flows if each.stream.id == name}
    return types


@pytest.mark.parametrize(
    ("change", "streams"),
    [
        ("tax.requests-sent=+20%", ("tax.requests-sent",)),
        pytest.param("tax.requests-sent=-20%", ("tax.requests-sent",), marks=DRILL),
        pytest.param("kelmu.queries.helsinki=x2", ("kelmu.queries.helsinki",), marks=DRILL),
        (
            "interface=2025",
            (
                "unemployment.earnings-related-data-received",
                "unemployment.information-requests",
                "kelmu.queries.municipalities",
            ),
        ),
    ],
)
def test_more_or_less_of_a_stream_changes_that_stream_alone(
    change: str, streams: tuple[str, ...], without: Counter[Row], tmp_path: Path
) -> None:
    changed = lived(tmp_path, [change])
    fewer, more = without - changed, changed - without
    assert fewer or more
    assert {row.type for row in fewer + more} <= types_of(*streams)
    if not change.startswith("interface"):
        # What there is in both is the same; of a fifth more requests some take the place of others
        # among those that nobody answers.
        lost = fewer if changed.total() > without.total() else more
        assert {row.type for row in lost} <= {"tax.response"}
        assert lost.total() <= 2


@pytest.mark.parametrize(
    "partner",
    [
        "helsinki",
        pytest.param("tax-administration", marks=DRILL),
        pytest.param("kela.international", marks=DRILL),
    ],
)
def test_a_cut_moves_only_what_the_partner_sends_and_gets(
    partner: str, without: Counter[Row], tmp_path: Path
) -> None:
    first, _ = two_days()
    before = first - datetime.timedelta(days=1)
    changed = lived(tmp_path, [f"cut:{partner}={before}..{first}"])
    fewer, more = without - changed, changed - without
    assert fewer or more
    assert all(partner in (row.sender, row.receiver) for row in fewer + more)


@pytest.mark.parametrize(
    "model", [MODELS[0], *(pytest.param(model, marks=DRILL) for model in MODELS[1:])]
)
def test_an_added_partner_takes_part_and_changes_nothing_between_others(
    model: str, without: Counter[Row], tmp_path: Path
) -> None:
    new = f"{model}.new"
    changed = lived(tmp_path, [f"partner+{new}={model}"])
    fewer, more = without - changed, changed - without
    own = [row for row in more if new in (row.sender, row.receiver)]
    assert own
    # Of what goes to one of several some goes to the new one, which then answers.
    moved = {row.message_id for row in own if row.receiver == new}
    cases = {row.conversation for row in own if row.conversation}
    reported = sum(
        row.items for row in own if row.sender == new and row.type.startswith("income-register.")
    )
    rest: list[Row] = []
    for row in (fewer + more).elements():
        if row in own or row.message_id in moved or row.conversation in cases:
            continue
        rest.append(row)
    # The register hands on everybody's reports in one message.
    assert {row.type for row in rest} <= (HANDED_ON if reported else set())
    items = sum(row.items for row in rest if row in more) - sum(
        row.items for row in rest if row in fewer
    )
    assert items == (reported if rest else 0)
