"""Tests of partners as they were: a directory that changes afterwards changes no past figure."""

from __future__ import annotations

import datetime
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from exchange.assembly.statistics import statistics_report
from exchange.schemas.directory import DEFAULT_PATH, Directory, Partner
from exchange.schemas.directory import load as load_directory
from exchange.statistics.days import number_of
from exchange.statistics.history import History
from exchange.storage.counters.history import begin, kept
from exchange.storage.migrate import migrate_sqlite
from tests.exchange.conftest import SCALE, YEAR
from tests.exchange.statistics.synthetic_year import write_year

DAY = number_of(datetime.date(2024, 1, 1))
TURKU = Partner("municipality.turku", "Turku", "municipality")


def begun(path: Path, day: int, *partners: Partner) -> History:
    """The history after an exchange with these partners opened the ledger on that day."""
    migrate_sqlite(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        begin(connection, day, partners)
        return History(kept(connection), Directory(()))


def sector(history: History, day: int) -> str:
    partner = history.at(day)[0].get(TURKU.id)
    return partner.sector if partner else ""


def test_a_partner_is_what_it_was_on_the_day(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    begun(path, DAY, TURKU)
    begun(path, DAY + 10)
    history = begun(path, DAY + 20, replace(TURKU, sector="helsinki"))
    assert [sector(history, DAY + day) for day in (-5, 0, 19, 20, 500)] == [
        "municipality", "municipality", "municipality", "helsinki", "helsinki",
    ]  # fmt: skip
    assert [(first, end) for first, end, _ in history.spans()] == [
        (0, DAY + 20),
        (DAY + 20, 1 << 62),
    ]


def test_on_a_day_that_counted_it_already_it_changes_on_the_next(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    begun(path, DAY, TURKU)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO day_counter VALUES (?,'kelmu','t',?,'x','ui','queued','',1,1,1,NULL)",
            (DAY + 20, TURKU.id),
        )
    history = begun(path, DAY + 20, replace(TURKU, country="SE"))
    again = begun(path, DAY + 20, replace(TURKU, country="SE"))
    for each in (history, again):
        countries = [each.at(DAY + day)[0].get(TURKU.id).country for day in (20, 21)]  # type: ignore[union-attr]
        assert countries == ["FI", "SE"]


def test_removed_and_added_again_as_others_on_a_day_that_counted_it_it_is_the_last_one_next_day(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    begun(path, DAY, TURKU)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO day_counter VALUES (?,'luova','t','x',?,'api','queued','',1,1,1,NULL)",
            (DAY + 20, TURKU.id),
        )
    for name in ("helsinki", "tax", TURKU.sector, "bank"):
        begun(path, DAY + 20)
        history = begun(path, DAY + 20, replace(TURKU, sector=name))
        assert [sector(history, DAY + day) for day in (20, 21)] == [TURKU.sector, name]
    # At midnight nothing of the new day is counted yet.
    history = begun(path, DAY + 21, replace(TURKU, sector="tax"))
    assert [sector(history, DAY + day) for day in (20, 21)] == [TURKU.sector, "tax"]


def test_a_clock_that_was_set_back_changes_no_day_that_was_counted(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    begun(path, DAY, TURKU)
    begun(path, DAY + 20, replace(TURKU, sector="helsinki"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO day_counter VALUES (?,'luova','t','x',?,'api','queued','',1,1,1,NULL)",
            (DAY + 22, TURKU.id),
        )
    for day in (21, 5):
        # (At midnight, too: what was counted may be of the day after the one that was looked up.)
        history = begun(path, DAY + day, replace(TURKU, sector="tax"))
        assert [sector(history, DAY + day) for day in (19, 20, 22, 23)] == [
            TURKU.sector, "helsinki", "helsinki", "tax",
        ]  # fmt: skip
    history = begun(path, DAY + 5, replace(TURKU, sector="bank"))
    assert sector(history, DAY + 22) == "helsinki"
    assert sector(history, DAY + 23) == "bank"


def test_a_directory_without_partners_or_with_others_changes_no_past_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.db"
    write_year(path, 2024, SCALE, days=60)
    with closing(sqlite3.connect(path)) as connection, connection:
        begin(connection, DAY, list(load_directory()))
    by = ("sender-sector", "foreign-country", "direction")
    before = statistics_report(path, 2024, *YEAR, scale=SCALE, by=by)
    text = DEFAULT_PATH.read_text(encoding="utf-8")
    head, *entries = text.split("[[partner]]")
    fewer = [each for each in entries if "eessi." not in each and "turku" not in each]
    others = "[[partner]]".join([head, *fewer]).replace('"wellbeing-county"', '"municipality"')
    (tmp_path / "others.toml").write_text(others, encoding="utf-8")
    monkeypatch.setenv("EXCHANGE_PARTNERS__DIRECTORY", str(tmp_path / "others.toml"))
    after = statistics_report(path, 2024, *YEAR, scale=SCALE, by=by)
    figures = [
        ([(line.row.id, line.counted) for line in report.lines],
         [(table.cut.id, table.rows) for table in report.tables],
         report.name("partner", "eessi.se.pm", "en"))
        for report in (before, after)
    ]  # fmt: skip
    assert figures[0] == figures[1]
    assert dict(figures[0][0])["eessi.total"]


def test_between_two_other_countries_is_neither_sent_nor_received(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    write_year(path, 2024, SCALE, days=1)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO day_counter VALUES "
            "(?,'eessi','eessi.h001','eessi.se.fk','eessi.ee.ska','as4','delivered','',5,5,5,NULL)",
            (DAY,),
        )
    report = statistics_report(path, 2024, by=("direction", "foreign-country"))
    rows = {key: figures.messages for key, figures, _ in report.tables[-1].rows if figures}
    assert rows["foreign", "SE > EE"] == 5
    assert report.name("direction", "foreign", "en") == "Between other countries"
