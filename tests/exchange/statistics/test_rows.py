"""Tests of the definitions of the rows."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from exchange.statistics import rows as definitions
from exchange.statistics.rows import Rows, load


@pytest.fixture(scope="module")
def rows() -> Rows:
    return load()


def test_there_are_the_34_rows_of_the_published_table_in_all_languages(rows: Rows) -> None:
    assert len(rows.rows) == 34
    assert all(len(set(row.title.values())) >= 2 for row in rows.rows)
    assert list(dict.fromkeys(row.section for row in rows.rows)) == list(rows.sections)


def test_the_flows_of_luova_add_up_to_the_assumed_total_of_2024(rows: Rows) -> None:
    by_id = {row.id: row for row in rows.rows}
    luova = by_id["luova.messages-per-day"]
    total = 0
    for name in luova.sum_of:
        figure = by_id[name].published[2024]
        assert isinstance(figure, int)
        total += figure
    assert total == 184_288_805
    low, high = luova.published[2024]  # type: ignore[misc]
    assert low < total / 366 < high


def test_published_parts_of_eessi_add_up(rows: Rows) -> None:
    figures = {row.id: row.published for row in rows.rows if row.section == "eessi"}
    for year in (2023, 2024):
        assert (
            figures["eessi.received"][year] + figures["eessi.sent"][year]
            == figures["eessi.total"][year]
        )  # type: ignore[operator]


@pytest.mark.parametrize(
    "damage, complaint",
    [
        (('id = "eessi.sent"', 'id = "eessi.received"'), "stands twice"),
        (('section = "tax"', 'section = "taxes"'), "unknown section"),
        (('title.sv = "Mottagna"\n', ""), "needs a title"),
        (('  "tax.requests-sent",', '  "tax.nothing",'), "adds up tax.nothing"),
        (('words = "Vastaanotetut"\n', ""), "needs the words"),
        (('outside.sv = "EESSI-meddelanden"\n', ""), "what is outside"),
    ],
)
def test_a_wrong_definition_is_refused(
    tmp_path: Path, damage: tuple[str, str], complaint: str
) -> None:
    text = definitions.DEFAULT_PATH.read_text(encoding="utf-8")
    assert damage[0] in text
    path = tmp_path / "rows.toml"
    path.write_text(text.replace(*damage, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=complaint):
        load(path)


@pytest.mark.reference
def test_the_figures_are_those_published(rows: Rows) -> None:
    path = next(Path(os.environ["EXCHANGE_REFERENCE"]).rglob("exchange-statistics.csv"))
    with path.open(encoding="utf-8") as file:
        published = {entry["row"]: entry for entry in csv.DictReader(file)}
    assert set(published) == {row.id for row in rows.rows}
    for row in rows.rows:
        entry = published[row.id]
        assert (row.title["fi"], row.title["en"], row.unit) == (
            entry["title_fi"],
            entry["title_en"],
            entry["unit"],
        )
        for year in (2023, 2024):
            figure = row.published.get(year, "")
            text = "..".join(map(str, figure)) if isinstance(figure, tuple) else str(figure)
            assert text == entry[f"y{year}"]
