"""A live exchange whose time passes faster than the wall's: over sockets, with partners at the same
pace, and never backwards.
"""

from __future__ import annotations

import datetime
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer

from exchange.cli.serving.clock_speed import factor_of, pace_over, wall_milliseconds
from exchange.storage.counters.rollups import Rollups
from exchange.storage.proof.verify import verify

FACTOR = 3600
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@contextmanager
def serving(ledger: Path) -> Iterator[str]:
    """An exchange at an hour a second; its address."""
    arguments = ["serve", "--port", "0", "--clock", f"{FACTOR}x", "--ledger", f"sqlite:///{ledger}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "exchange", *arguments],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        match = re.search(r"http://\S+:\d+", process.stdout.readline())
        assert match is not None
        yield match[0]
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_days_pass_in_seconds(tmp_path: Path) -> None:
    ledger = tmp_path / "live.db"
    with serving(ledger) as address:
        sending = [
            "partners",
            "--exchange",
            address,
            "--port",
            "0",
            "--rate",
            "20",
            "--duration",
            "4",
            "--channel",
            "kelmu",
        ]
        arguments = [sys.executable, "-m", "exchange", *sending, "--clock", f"{FACTOR}x"]
        sent = subprocess.run(
            arguments, env=ENVIRONMENT, check=False, timeout=120, capture_output=True, text=True
        )
        assert sent.returncode == 0, sent.stderr
        assert " 0 rejected" in sent.stderr
    with Rollups(ledger) as rollups:
        bounds = rollups.bounds()
        assert bounds is not None
        minutes = sorted({row[0] for row in rollups.sums(bounds[0], bounds[1] + 1)})
    assert minutes[-1] - minutes[0] > 2 * FACTOR / 60
    broken = [(each.name, each.examples) for each in verify(ledger).checks if each.broken]
    assert broken == []
    # The time goes on from what was counted, though the wall's is far behind.
    assert pace_over(ledger, FACTOR).since > minutes[-1] * 60_000
    assert minutes[-1] * 60_000 > wall_milliseconds()


def test_without_a_ledger_it_begins_now(tmp_path: Path) -> None:
    pace = pace_over(tmp_path / "none.db", 60)
    assert abs(pace.since - time.time() * 1000) < 60_000
    assert datetime.datetime.fromtimestamp(pace.clock().now() / 1000, datetime.UTC).year >= 2025


@pytest.mark.parametrize("text", ["0x", "-1", "fast", "nan", "x"])
def test_what_is_no_factor_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="60x"):
        factor_of(text)


def test_a_factor_may_have_its_sign_or_not() -> None:
    assert [factor_of(text) for text in ("60x", "60", "0.5x")] == [60, 60, 0.5]
