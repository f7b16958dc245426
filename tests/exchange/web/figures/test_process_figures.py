"""What a process tells of itself: its commits of the last seconds, and the room on its disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from exchange.ports.rows import Written
from exchange.web.figures.process_figures import SECONDS, ProcessLooks


def test_commits_are_those_of_the_last_seconds(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    ledger.write_bytes(bytes(1000))
    ledger.with_name("ledger.db-wal").write_bytes(bytes(24))
    at, written = 0.0, Written(100, 1000, 9.0)
    looks = ProcessLooks(lambda: written, lambda: 7, ledger, True, lambda: at)
    first = looks.take()
    assert (first.commits_a_second, first.changes_a_commit, first.commit_milliseconds) == (
        *(0, None, None),
    )
    assert (first.held, first.ledger_bytes) == (7, 1024)
    assert first.free_bytes is not None
    assert 0 < first.free_bytes <= shutil.disk_usage(tmp_path).total
    at, written = 5.0, Written(110, 1040, 9.02)
    told = looks.take()
    assert (told.commits_a_second, told.changes_a_commit) == (2.0, 4.0)
    assert told.commit_milliseconds is not None
    assert abs(told.commit_milliseconds - 2.0) < 0.01
    at += SECONDS
    looks.take()
    at += SECONDS
    assert looks.take().changes_a_commit is None, "nothing was committed since"


def test_a_ledger_on_a_server_has_no_room_of_its_own() -> None:
    told = ProcessLooks(Written, lambda: 0, None, False, lambda: 0.0).take()
    assert (told.ledger_bytes, told.free_bytes, told.is_wall_clock) == (None, None, False)
