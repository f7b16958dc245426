"""The tables of the drills, and of the hostile shapes: each hands in its row, the run prints them
all and `make drills` writes them as markdown.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from exchange.storage.postgresql_server.address import Server as Address
from tests.drills.drill import Row

#: What stands above the rows of each table.
HEADS = {
    "drills": (
        *("drill", "acknowledged", "stored", "delivered", "counted", "repeated", "ready, s"),
        "seen",
    ),
    "shapes": (
        *("message type", "shapes", "at 1 MB", "growth a doubling", "of"),
        "slowest sign of life, s",
    ),
}
#: Where `make drills` leaves the tables.
REPORTS = Path("reports")

Record = Callable[[Row], None]
#: A ledger on a server; None: one in a file of the drill's own.
Ledger = Address | None
#: Message type, number of shapes, of those at 1 MB, largest growth and its shape, slowest sign of
#: life in seconds.
RecordShapes = Callable[[tuple[str, int, int, float, str, float]], None]


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Hand in a drill's row; it travels with the test's report, also from another process."""

    def hand_in(row: Row) -> None:
        request.node.user_properties.append(("drills", astuple(row)))

    return hand_in


@pytest.fixture(params=["file", pytest.param("server", marks=pytest.mark.drill)])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """Each kind of ledger; the one on a server in `make drills` alone."""
    if request.param == "file":
        return None
    address: Address = request.getfixturevalue("postgresql").ledger()
    return address


#: The same for a drill whose promise is held against the clock: that of a ledger in a file.
BY_CLOCK = pytest.mark.parametrize(
    "ledger",
    [
        pytest.param("file", marks=pytest.mark.by_clock),
        pytest.param("server", marks=pytest.mark.drill),
    ],
    indirect=True,
)


@pytest.fixture
def record_shapes(request: pytest.FixtureRequest) -> RecordShapes:
    """Hand in the row of a message type's hostile shapes."""
    return lambda row: request.node.user_properties.append(("shapes", row))


def markdown(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """The table."""
    rule = ["---" if isinstance(cell, str) else "---:" for cell in rows[0]]
    lines = [head, rule, *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(cell: Any) -> str:
    if isinstance(cell, float):
        return f"{cell:.2f}" if cell else ""
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


class Tables:
    """Gathers the rows of all reports, and shows them when the run ends."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in HEADS}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the rows of a test that has ended."""
        if report.when == "teardown":
            for name, value in report.user_properties:
                if name in self.rows and isinstance(value, (tuple, list)):
                    self.rows[name].append(tuple(value))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the tables that have rows."""
        for name, rows in self.rows.items():
            if not rows:
                continue
            table = markdown(HEADS[name], rows)
            terminalreporter.write_sep("=", name)
            terminalreporter.write_line(table)
            if "DRILLS" in os.environ:
                written = REPORTS / f"{name}.md"
                REPORTS.mkdir(exist_ok=True)
                # `make drills` makes them anew, in several runs: the head stands there once.
                lines = table.splitlines()[2 if written.exists() else 0 :]
                with written.open("a", encoding="utf-8") as file:
                    file.writelines(f"{line}\n" for line in lines)
                terminalreporter.write_line(f"written to {written}")


def pytest_configure(config: pytest.Config) -> None:
    """Gather rows where the reports come together, not in xdist's workers."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Tables(), "drills-tables")
