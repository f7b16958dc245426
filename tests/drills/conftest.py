"""The table of the drills: each hands in its row, the run prints them all and `make drills` writes
them as markdown.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from tests.drills.drill import Row

HEAD = ("drill", "acknowledged", "stored", "delivered", "counted", "repeated", "ready, s", "seen")
ROWS = pytest.StashKey[list[tuple[Any, ...]]]()
#: Where `make drills` leaves the table.
TABLE = Path("reports/drills.md")

Record = Callable[[Row], None]


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Hand in a drill's row; it travels with the test's report, also from another process."""

    def hand_in(row: Row) -> None:
        request.node.user_properties.append(("drill", astuple(row)))

    return hand_in


def markdown(rows: list[tuple[Any, ...]]) -> str:
    """The table."""
    lines = [HEAD, ("---", *["---:"] * 6, "---"), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(cell: Any) -> str:
    if isinstance(cell, float):
        return f"{cell:.1f}" if cell else ""
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


class Table:
    """Gathers the rows of all reports, and shows them when the run ends."""

    def __init__(self) -> None:
        self.rows: list[tuple[Any, ...]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the rows of a test that has ended."""
        if report.when == "teardown":
            self.rows += [tuple(value) for name, value in report.user_properties if name == "drill"]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table."""
        if not self.rows:
            return
        terminalreporter.write_sep("=", "drills")
        terminalreporter.write_line(markdown(self.rows))
        if "DRILLS" in os.environ:
            TABLE.parent.mkdir(exist_ok=True)
            TABLE.write_text(markdown(self.rows) + "\n", encoding="utf-8")
            terminalreporter.write_line(f"written to {TABLE}")


def pytest_configure(config: pytest.Config) -> None:
    """Gather rows where the reports come together, not in xdist's workers."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Table(), "drills-table")
