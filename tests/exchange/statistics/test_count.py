"""Tests of counting: which deliveries a row selects, and how counted stands beside published."""

from __future__ import annotations

import io
from itertools import product

import pytest
from rich.console import Console

from exchange.adapters.luova.discovery import routes
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.directory import load as load_directory
from exchange.statistics.count import KINDS, Line, Period, Total, count, row_hits
from exchange.statistics.rows import load
from exchange.statistics.table import figure, percent, text_table

ROWS = load()
KNOWN = [
    "eessi.sed",
    "kelmu.benefit-query",
    "kelmu.benefit-query-bulk",
    "income-register.wage-reports-from-ir",
    "population.births",
]
DIRECTORY = Directory(
    [
        Partner("kela.benefits", "Kela", "kela"),
        Partner("kela.income-data", "Kela", "kela"),
        Partner("eessi.se", "Försäkringskassan", "eessi", country="SE"),
        Partner("eessi.etk", "ETK", "eessi"),
        Partner("county.pirkanmaa", "Pirkanmaa", "wellbeing-county"),
        Partner("municipality.turku", "Turku", "municipality"),
        Partner("register.income", "Register", "income-register"),
        Partner("employer.one", "Employer", "employer"),
        Partner("dvv", "Population register", "population-register"),
    ]
)
YEAR = Period(2024)


def total(
    message_type: str,
    sender: str,
    receiver: str,
    messages: int,
    items: int = 0,
    endpoint: str = "api",
    kind: str = "delivered",
) -> Total:
    return (
        (message_type.split(".")[0], message_type, sender, receiver, endpoint, kind),
        messages,
        items or messages,
        100 * messages,
    )


def births(items: int) -> Total:
    return total("population.births", "dvv", "kela.benefits", 1, items, kind="delivered:birth")


def counted(*totals: Total, period: Period = YEAR) -> dict[str, Line]:
    return {line.row.id: line for line in count(ROWS, [(DIRECTORY, totals)], KNOWN, period)}


def test_eessi_is_told_by_the_country_of_either_end() -> None:
    lines = counted(
        total("eessi.sed", "eessi.se", "kela.benefits", 5),
        total("eessi.sed", "kela.benefits", "eessi.se", 3, kind="queued"),
        total("eessi.sed", "kela.benefits", "eessi.se", 2),
        total("eessi.sed", "eessi.se", "kela.benefits", 6, kind="queued"),
        total("eessi.sed", "eessi.etk", "kela.benefits", 100),
    )
    assert [lines[f"eessi.{name}"].counted for name in ("total", "received", "sent")] == [8, 5, 3]
    # What lies between: at the end of the period one was not taken yet, either way.
    assert (lines["eessi.sent"].sent, lines["eessi.sent"].received) == (3, 2)
    assert (lines["eessi.received"].sent, lines["eessi.received"].received) == (6, 5)


def test_kelmu_queries_are_told_by_endpoint_and_by_sector_and_parts_repeat_their_whole() -> None:
    query, bulk = "kelmu.benefit-query", "kelmu.benefit-query-bulk"
    lines = counted(
        total(query, "county.pirkanmaa", "kela.benefits", 7, endpoint="ui", kind="queued"),
        total(query, "county.pirkanmaa", "kela.benefits", 10, endpoint="api", kind="queued"),
        total(query, "municipality.turku", "kela.benefits", 2, endpoint="api", kind="queued"),
        total(query, "municipality.turku", "kela.benefits", 4, endpoint="ui", kind="queued"),
        total(bulk, "municipality.turku", "kela.benefits", 1, items=500, kind="queued"),
        total(query, "municipality.turku", "kela.benefits", 3, endpoint="ui"),
    )
    assert lines["kelmu.queries"].counted == 24
    assert lines["kelmu.queries.ui"].counted == 11
    assert lines["kelmu.queries.api"].counted == 13
    assert lines["kelmu.queries.wellbeing-counties"].counted == 7
    assert lines["kelmu.queries.municipalities"].counted == 4
    assert lines["kelmu.queries.helsinki"].counted == 0


def test_items_are_counted_where_the_row_says_so_and_only_at_kela() -> None:
    lines = counted(
        total("income-register.wage-reports", "employer.one", "register.income", 4, items=400),
        total(
            "income-register.wage-reports-from-ir", "register.income", "kela.benefits", 1, items=7
        ),
        total(
            "income-register.wage-reports-from-ir", "register.income", "insurer.one", 1, items=400
        ),
        total(
            "income-register.wage-reports-from-ir",
            "register.income",
            "kela.income-data",
            2,
            items=390,
        ),
    )
    assert lines["income.wage-reports-received"].counted == 397


@pytest.mark.parametrize(
    "kind",
    [
        "received",
        "accepted",
        "queued",
        "queued:birth",
        "delivered:death",
        "delivered",
        "dead-lettered",
        "duplicate",
        "attempt-failed",
    ],
)
def test_of_what_is_received_only_what_was_delivered_is_counted(kind: str) -> None:
    assert (
        counted(total("population.births", "dvv", "kela.benefits", 4, kind=kind))[
            "population.births"
        ].counted
        == 0
    )


def test_a_row_without_a_message_type_says_so_rather_than_nought() -> None:
    line = counted()["tax.requests-sent"]
    assert (line.counted, line.state, line.difference) == (None, "no-type-yet", None)
    assert counted()["population.births"].counted == 0


def test_messages_a_day_add_up_the_rows_there_are_and_name_the_others() -> None:
    totals = (births(1000),)
    line = counted(*totals, period=Period(2024, days=10))["luova.messages-per-day"]
    assert line.counted == 100
    assert "tax.requests-sent" in line.missing
    assert "population.births" not in line.missing


def test_a_figure_published_in_round_numbers_agrees_when_it_rounds_to_it() -> None:
    query = total(
        "kelmu.benefit-query", "municipality.turku", "kela.benefits", 7_345_645, kind="queued"
    )
    assert counted(query)["kelmu.queries"].difference == 0
    query = total(
        "kelmu.benefit-query", "municipality.turku", "kela.benefits", 7_450_000, kind="queued"
    )
    assert counted(query)["kelmu.queries"].difference == 150_000


def test_a_band_has_a_difference_only_outside() -> None:
    def line(items: int) -> Line:
        totals = (births(items),)
        return counted(*totals, period=Period(2024, days=1))["luova.messages-per-day"]

    assert line(700_000).difference == 0
    assert line(400_000).difference == -100_000
    assert line(1_800_000).difference_percent == pytest.approx(20)


def test_published_figures_are_scaled_to_the_traffic_that_was_counted() -> None:
    some = births(44)
    line = counted(some, period=Period(2024, days=366, scale=0.001))["population.births"]
    assert line.published == 43_725
    assert line.expected == pytest.approx(43.725)
    assert line.difference == pytest.approx(0.275)
    half = counted(some, period=Period(2024, days=183))["population.births"]
    assert half.expected == pytest.approx(43_725 / 2)


def test_a_rounded_figure_agrees_at_every_scale() -> None:
    query = total(
        "kelmu.benefit-query", "municipality.turku", "kela.benefits", 7_346, kind="queued"
    )
    assert counted(query, period=Period(2024, scale=0.001))["kelmu.queries"].difference == 0
    query = total(
        "kelmu.benefit-query", "municipality.turku", "kela.benefits", 7_360, kind="queued"
    )
    assert counted(query, period=Period(2024, scale=0.001))[
        "kelmu.queries"
    ].difference == pytest.approx(60)


def test_a_year_that_was_not_published_has_nothing_to_compare_with() -> None:
    line = counted(period=Period(2025, days=365))["population.births"]
    assert (line.published, line.expected, line.difference, line.difference_percent) == (
        None,
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    "language, word",
    [
        ("fi", "ei vielä sanomatyyppiä"),
        ("sv", "ingen meddelandetyp ännu"),
        ("en", "no message type yet"),
    ],
)
def test_the_table_reads_in_every_language(language: str, word: str) -> None:
    lines = count(ROWS, [(DIRECTORY, [births(1234)])], KNOWN, YEAR)
    console = Console(width=140, file=io.StringIO(), record=True)
    console.print(text_table(ROWS, lines, YEAR, language))
    text = console.export_text()
    assert word in text
    assert "1\u00a0234" in text
    assert all(section[language] in text for section in ROWS.sections.values())


def test_figures_are_written_for_people() -> None:
    assert figure(1234567) == "1\u00a0234\u00a0567"
    assert figure((500_000, 1_500_000)) == "500\u00a0000\u20131\u00a0500\u00a0000"
    assert (figure(43.725), figure(None), figure(503521.4)) == ("43.7", "", "503\u00a0521")
    assert figure(43.725, "fi") == "43,7"
    assert [percent(value) for value in (None, 0, 0.000123, 12.345, 3300.0)] == [
        "",
        "0",
        "0.00012",
        "12.3",
        "3\u00a0300.0",
    ]
    assert percent(-0.61, "sv", signed=True) == "\u22120,61"


def test_less_than_a_year_is_shown_as_a_share_of_the_year() -> None:
    period = Period(2024, days=0.01)
    line = counted(births(4372), period=period)["population.births"]
    assert line.share_percent == pytest.approx(100 * 4372 / 43725)
    console = Console(width=140, file=io.StringIO(), record=True)
    console.print(text_table(ROWS, [line], period))
    text = console.export_text()
    assert "Share %" in text
    assert "10.0" in text


def test_what_is_not_held_is_not_nought_and_a_rate_needs_a_whole_day() -> None:
    nothing = counted(births(3), period=Period(2024, days=0, asked_days=30))
    assert {line.state for line in nothing.values()} <= {"not-held", "no-type-yet"}
    assert nothing["population.births"].counted is None
    minute = counted(births(3), period=Period(2024, days=1 / 1440))
    assert minute["luova.messages-per-day"].state == "no-whole-day"
    assert minute["population.births"].counted == 3


def test_a_period_held_in_part_tells_no_share_of_the_year() -> None:
    line = counted(births(3), period=Period(2024, days=14, asked_days=366))["population.births"]
    assert (line.counted, line.share_percent) == (3, None)
    assert line.expected == pytest.approx(43_725 * 14 / 366)


def test_what_a_sum_names_itself_counts_as_messages_and_not_again_as_its_rows_do() -> None:
    kinds = (("delivered", 26), ("delivered:birth", 4), ("delivered:address-change", 14))
    known = [*KNOWN, "population.changes"]
    totals = [
        total("population.changes", "dvv", "kela.benefits", 1, items, kind=kind)
        for kind, items in kinds
    ]
    period = Period(2024, days=1)
    lines = {line.row.id: line for line in count(ROWS, [(DIRECTORY, totals)], known, period)}
    assert lines["population.births"].counted == 4
    assert lines["population.address-changes"].counted == 14
    assert lines["luova.messages-per-day"].counted == 1


def test_whatever_luova_carries_for_kela_is_in_its_messages_a_day() -> None:
    """Every type from every sector that may send it, to every partner that may get it: found in the
    families, so that a new one is in it from its first day.
    """
    everybody = load_directory()
    missing = set()
    for route in routes().values():
        for sender, receiver in product(everybody, everybody):
            may = sender.sector in route.senders and receiver.sector in route.receivers
            with_kela = (sender.sector == "kela") != (receiver.sector == "kela")
            if not (may and with_kela):
                continue
            kinds = [*KINDS.values(), *(f"{kind}:birth" for kind in KINDS.values())]
            hits = [
                hit.row.id
                for kind in kinds
                for hit in row_hits(
                    ROWS,
                    {
                        "channel": "luova",
                        "message_type": route.message_type,
                        "sender": sender.id,
                        "receiver": receiver.id,
                        "endpoint": "api",
                        "kind": kind,
                    },
                    everybody,
                )
                if hit.own
            ]
            if "luova.messages-per-day" not in hits:
                missing.add((route.message_type, sender.sector, receiver.id))
    assert not missing
