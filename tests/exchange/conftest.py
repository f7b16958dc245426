"""A ledger with a made-up year of counters, and the report of it, made once for all tests that read
one.
"""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from exchange.assembly import statistics_report
from exchange.statistics.report import Report
from tests.exchange.statistics.synthetic_year import write_year

SCALE = 0.001
YEAR = (datetime.date(2024, 1, 1), datetime.date(2025, 1, 1))


@pytest.fixture(scope="session")
def year_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger file of 2024 at 1/1000."""
    path = tmp_path_factory.mktemp("year") / "exchange.db"
    write_year(path, 2024, SCALE)
    return path


@pytest.fixture(scope="session")
def year_report(year_ledger: Path) -> Report:
    """The report of that year."""
    return statistics_report(year_ledger, 2024, *YEAR, scale=SCALE)
