"""The warning about the WAL-reset fault: by version, and at a real start with two workers."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.storage.health.sqlite_version import wal_reset_fault


@pytest.mark.parametrize("version", [(3, 40, 1), (3, 46, 1), (3, 50, 6), (3, 51, 2), (3, 44, 5)])
def test_an_affected_version_is_told(version: tuple[int, ...]) -> None:
    said = wal_reset_fault(version)
    assert said is not None
    assert ".".join(map(str, version)) in said
    assert "3.51.3" in said
    assert "--workers 1" in said


@pytest.mark.parametrize("version", [(3, 51, 3), (3, 53, 0), (3, 44, 6), (3, 50, 7), (4, 0, 0)])
def test_a_repaired_version_is_not(version: tuple[int, ...]) -> None:
    assert wal_reset_fault(version) is None


@pytest.mark.parametrize("workers", [1, 2])
def test_only_a_start_with_several_workers_warns(workers: int, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "exchange", "serve", "--port", "0", "--workers", str(workers)],
        env={**os.environ, "EXCHANGE_STORAGE__URL": f"sqlite:///{tmp_path / 'exchange.db'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("exchange: http://")
    # The warning comes before any worker; a worker is given the time to see its signal handler in.
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    affected = wal_reset_fault(sqlite3.sqlite_version_info) is not None
    assert ("WAL-reset" in errors) == (affected and workers > 1), errors
