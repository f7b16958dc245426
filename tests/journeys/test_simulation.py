"""A simulated year, small but whole: every row, the same files again, going on after a kill, and
that faults show in what is counted.
"""

from __future__ import annotations

import datetime
import os
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exchange.assembly import statistics_report
from exchange.cli import app
from exchange.cli.simulating.shards import Run, Shard, live, take_up
from exchange.partners.faults import Fault
from exchange.simulation.local_partners import Made
from exchange.simulation.profiles import faults_of
from exchange.simulation.what_if import Scenario, scenario_of
from exchange.simulation.year import shards_at
from exchange.statistics.report import Report
from exchange.storage.counters.rollups import Rollups
from exchange.storage.proof.verify import verify

SCALE = Fraction(1, 100_000)
#: A shard whose partners get answers and have a mailbox, and one for wages: enough to see that a
#: run goes on as it was.
LIVELY = 1
#: Long enough for faults to show.
WINTER = (datetime.date(2024, 1, 1), datetime.date(2024, 2, 15))
#: A fortnight with wages in its middle.
FORTNIGHT = (datetime.date(2024, 3, 4), datetime.date(2024, 3, 17))


def command(*arguments: str) -> tuple[int, str]:
    """Run `exchange ARGUMENTS` here; exit code and output."""
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def plain(output: str) -> str:
    """What was said, without the box around it and the lines that it was broken into."""
    return " ".join(output.replace("│", " ").split())


def report_of(folder: Path, year: int = 2024, scale: Fraction = SCALE) -> Report:
    """What the ledgers of a run hold."""
    first, end = datetime.date(year, 1, 1), datetime.date(year + 1, 1, 1)
    return statistics_report(ledgers_of(folder), year, first, end, float(scale))


def ledgers_of(folder: Path) -> list[Path]:
    """The ledgers of a run."""
    return [folder / "ledgers" / f"ledger-{number}.db" for number in range(shards_at(SCALE))]


def files_of(folder: Path) -> dict[str, bytes]:
    """Everything published, by name; the ledgers are left out."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "ledgers" not in path.relative_to(folder).parts
    }


def counted(shard: Shard) -> list[object]:
    """All that a shard's ledger counted, by day."""
    with Rollups(shard.ledger) as rollups:
        return list(rollups.days(0, 1 << 31))


def off_by_one(report: Report, scale: Fraction = SCALE) -> list[str]:
    """Rows that are a message or more away from the published figure times the scale (or half the
    step that it is rounded to).
    """
    wrong = []
    for line in report.lines:
        if isinstance(line.published, int):
            room = max(1.0, line.row.rounded_to / 2 * scale)
            if line.counted is None or abs(line.counted - line.published * scale) >= room:
                wrong.append(f"{line.row.id}: {line.counted} for {float(line.published * scale)}")
    return wrong


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole year by the command, in one process."""
    return lived(tmp_path_factory.mktemp("year") / "out", 1)


def test_every_published_row_comes_out(year: Path) -> None:
    report = report_of(year)
    assert off_by_one(report) == []
    assert all(line.counted is not None for line in report.lines)
    assert [str(day.date) for day in report.bands[0].outside] == []


def test_the_ledgers_bear_the_counters_out(year: Path) -> None:
    assert all(
        verify(year / "ledgers" / f"ledger-{number}.db").clean for number in range(shards_at(SCALE))
    )


def differing(one: Path, two: Path) -> list[str]:
    """The files of two runs that are not the same, byte for byte."""
    first, second = files_of(one), files_of(two)
    return sorted(
        name for name in first.keys() | second.keys() if first.get(name) != second.get(name)
    )


def lived(folder: Path, processes: int, *options: str) -> Path:
    """A year, or what the options say of it, by the command."""
    code, output = command(
        *("simulate", "2024", "--scale", "1/100000", "--processes", str(processes)),
        *("--out", str(folder), *options),
    )
    assert code == 0, output
    assert "verify: clean" in output
    return folder


@pytest.fixture(scope="module")
def fortnight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some days by the command, in one process."""
    return lived(
        tmp_path_factory.mktemp("days") / "out", 1, "--days", "..".join(map(str, FORTNIGHT))
    )


def test_the_same_seed_gives_the_same_files_whatever_the_processes(
    fortnight: Path, tmp_path: Path
) -> None:
    again = lived(tmp_path / "out", 2, "--days", "..".join(map(str, FORTNIGHT)))
    assert (again / "run.json").is_file()
    assert differing(fortnight, again) == []


@pytest.mark.drill
def test_the_same_seed_gives_the_same_year_whatever_the_processes(
    year: Path, tmp_path: Path
) -> None:
    assert differing(year, lived(tmp_path / "out", 2)) == []


def test_a_few_days_of_the_year_are_what_they_are_in_the_whole(year: Path, fortnight: Path) -> None:
    first, last = FORTNIGHT
    end = last + datetime.timedelta(days=1)
    days, whole = (
        {
            line.row.id: line.counted or 0
            for line in statistics_report(ledgers_of(each), 2024, first, end, float(SCALE)).lines
        }
        for each in (fortnight, year)
    )
    # What partners send by the plan alone; answers to what came before the first day are the whole
    # year's only.
    assert days["income.wage-reports-received"] == whole["income.wage-reports-received"] > 0
    assert days["tax.requests-sent"] == whole["tax.requests-sent"] > 0
    assert sum(abs(days[row] - whole[row]) for row in whole) <= sum(whole.values()) / 50
    everything = {line.row.id: line.counted for line in report_of(fortnight).lines}
    # Means of a day are others.
    sums = {row: counted for row, counted in days.items() if isinstance(counted, int)}
    assert {row: everything[row] or 0 for row in sums} == sums, "nothing was lived but these days"


@pytest.mark.drill
def test_a_finished_run_is_only_published_again(year: Path) -> None:
    before = files_of(year)
    code, _ = command("simulate", "2024", "--scale", "1/100000", "--out", str(year))
    assert code == 0
    assert files_of(year) == before


def test_a_folder_of_another_run_is_not_touched(year: Path) -> None:
    code, output = command(
        "simulate", "2024", "--scale", "1/100000", "--seed", "2", "--out", str(year)
    )
    assert code == 2
    assert "another run" in plain(output)


#: Lives a shard up to the sixteenth of the days given.
KILLED_AT = """
import datetime, os, signal, sys
from fractions import Fraction
from pathlib import Path
from exchange.cli.simulating import shards
from exchange.simulation.what_if import Scenario

shards.COPY_SECONDS = 0.0
def report(lived):
    if lived.day == 16:
        os.kill(os.getpid(), signal.SIGKILL)
days = tuple(map(datetime.date.fromisoformat, sys.argv[3:]))
run = shards.Run(2024, Fraction(1, 100_000), 1, Scenario(), days=days)
shards.live(run, shards.Shard(Path(sys.argv[1]), int(sys.argv[2])), report)
"""


def test_a_killed_run_goes_on_to_the_same_counts(
    winter: tuple[Shard, Made], tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = [sys.executable, "-c", KILLED_AT, str(tmp_path), str(LIVELY), *map(str, WINTER)]
    killed = subprocess.run(arguments, env=environment, check=False, timeout=300)
    assert killed.returncode == -signal.SIGKILL
    shard = Shard(tmp_path, LIVELY)
    assert shard.made() is None
    run = Run(2024, SCALE, 1, Scenario(), days=WINTER)
    assert take_up(shard, run.numbers()) == 15
    days = []
    live(run, shard, lambda lived: days.append(lived.day))
    assert days[0] == 16
    assert days[-1] == run.numbers().stop
    assert counted(shard) == counted(winter[0])
    assert verify(shard.ledger).clean
    assert not shard.copies()


def of_winter(folder: Path, faults: tuple[Fault, ...] = ()) -> tuple[Shard, Made]:
    """A shard with the days of `WINTER`, and what was made in them."""
    shard = Shard(folder, LIVELY)
    run = Run(2024, SCALE, 1, Scenario(), faults, WINTER)
    return shard, live(run, shard, lambda lived: None)


@pytest.fixture(scope="module")
def winter(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shard, Made]:
    """Weeks without faults."""
    return of_winter(tmp_path_factory.mktemp("winter"))


def test_faults_show_in_what_is_counted(winter: tuple[Shard, Made], tmp_path: Path) -> None:
    script = tmp_path / "lossy.toml"
    script.write_text('[[fault]]\nkind = "lose"\nprobability = 0.2\n')
    shard, made = of_winter(tmp_path, faults_of(str(script)))
    without, whole = winter
    assert made.lost > 0
    assert made.calls < whole.calls
    assert delivered(shard) < delivered(without)
    assert verify(shard.ledger).clean


def delivered(shard: Shard) -> int:
    """Deliveries made in all."""
    with Rollups(shard.ledger) as rollups:
        return sum(row[-3] for row in rollups.days(0, 1 << 31) if row[6] == "delivered")


def test_unsteady_partners_get_everything_in_the_end(
    winter: tuple[Shard, Made], tmp_path: Path
) -> None:
    shard, _ = of_winter(tmp_path, faults_of("unsteady"))
    kinds = {row[6] for row in counted(shard)}  # type: ignore[index]
    assert "attempt-failed" in kinds
    assert delivered(shard) >= delivered(winter[0]) * 0.98
    assert verify(shard.ledger).clean


def test_a_partner_that_is_cut_off_sends_its_backlog_afterwards() -> None:
    changed = Run(
        2024, Fraction(1, 1000), 1, scenario_of(["cut:dvv=2024-03-04..2024-03-08"])
    ).plan()
    ordinary = Run(2024, Fraction(1, 1000), 1, Scenario()).plan()
    for one, two in zip(ordinary.planned, changed.planned, strict=True):
        assert sum(one.units) == sum(two.units)
        if one.flow.partner == "dvv":
            assert sum(two.units[63:68]) == 0
            assert two.units[68] == sum(one.units[63:69])
        else:
            assert one.units == two.units


def test_an_added_partner_brings_traffic_of_its_own() -> None:
    changed = Run(2024, Fraction(1, 1000), 1, scenario_of(["partner+fund.new=fund.ytk"])).plan()
    ordinary = Run(2024, Fraction(1, 1000), 1, Scenario()).plan()
    requests = [
        each for each in changed.planned if each.stream.id == "unemployment.information-requests"
    ]
    new = next(each for each in requests if each.flow.partner == "fund.new")
    before = [
        each for each in ordinary.planned if each.stream.id == "unemployment.information-requests"
    ]
    assert abs(sum(new.units) - sum(before[0].units)) <= 1
    assert (
        abs(
            sum(sum(each.units) for each in requests)
            - sum(sum(each.units) for each in before) * 9 / 8
        )
        <= 1
    )


@pytest.mark.parametrize(
    ("option", "given", "says"),
    [
        ("--what-if", "nothing=+20%", "no stream"),
        ("--what-if", "kelmu.queries.helsinki=much", "no change"),
        ("--what-if", "kelmu.queries.helsinki=-120%", "less than nothing"),
        ("--what-if", "partner+fund.ytk=fund.pro", "taken"),
        ("--what-if", "partner+benefits.new=kela.benefits", "only one such partner"),
        ("--what-if", "cut:nobody=2024-03-04..2024-03-08", "no partner"),
        ("--what-if", "cut:dvv=2024-03-08..2024-03-04", "before it begins"),
        ("--what-if", "cut:dvv=tomorrow", "no day"),
        ("--what-if", "interface=1812", "no interface"),
        ("--days", "2024-02-30", "no day"),
        ("--days", "2024-03-04..", "no span"),
        ("--days", "2024-03-08..2024-03-04", "before it begins"),
        ("--days", "2023-12-31..2024-01-01", "not of 2024"),
    ],
)
def test_what_is_no_run_is_refused(option: str, given: str, says: str, tmp_path: Path) -> None:
    code, output = command("simulate", "2024", option, given, "--out", str(tmp_path / "out"))
    assert code == 2
    assert says in plain(output)
    assert not (tmp_path / "out").exists()


@pytest.mark.drill
def test_a_change_is_shown_beside_the_ordinary_year(tmp_path: Path) -> None:
    code, output = command(
        "simulate",
        "2024",
        "--scale",
        "1/20000",
        "--what-if",
        "tax.requests-sent=+20%",
        "--out",
        str(tmp_path / "out"),
    )
    assert code == 0, output
    lines = (tmp_path / "out" / "comparison.csv").read_text().splitlines()
    figures = {line.split(",")[0]: line.split(",")[-4:] for line in lines}
    assert figures["tax.requests-sent"][:3] == ["422", "506", "84"]
    assert float(figures["peak.hour"][1]) >= float(figures["peak.hour"][0]) > 0
    assert all(row[0] == row[1] for name, row in figures.items() if name.startswith("income."))


@pytest.mark.drill
@pytest.mark.parametrize("published", [2023, 2024])
def test_a_thousandth_of_a_year(tmp_path: Path, published: int) -> None:
    folder = tmp_path / "out"
    code, output = command("simulate", str(published), "--scale", "1/1000", "--out", str(folder))
    assert code == 0, output
    report = report_of(folder, published, Fraction(1, 1000))
    assert off_by_one(report, Fraction(1, 1000)) == []
    assert report.bands[0].outside == []


@pytest.mark.drill
def test_one_message_in_a_thousand_lost_shows_in_the_rows(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    profile = "one-in-a-thousand-lost"
    code, output = command(
        "simulate", "2024", "--scale", "1/1000", "--faults", profile, "--out", str(folder)
    )
    assert code == 0, output
    rows = {line.row.id: line.counted for line in report_of(folder, 2024, Fraction(1, 1000)).lines}
    requests, reports = rows["tax.requests-sent"], rows["income.wage-reports-received"]
    assert requests is not None
    assert reports is not None
    assert 8_440 - 25 < requests < 8_440
    assert reports < 63_898
