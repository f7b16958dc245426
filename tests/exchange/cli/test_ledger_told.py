"""What is wrong with a ledger is told in one line with exit code 2, by every command that opens
one; a ledger of a newer version, of another program, damaged, empty, out of reach.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from exchange.cli import main
from exchange.storage.migrate import migrate_sqlite

COMMANDS = {
    "serve": ["serve", "--port", "0"],
    "serve by workers": ["serve", "--port", "0", "--workers", "2"],
    "serve at a pace": ["serve", "--port", "0", "--clock", "60x"],
    "verify": ["verify"],
    "statistics": ["statistics"],
}


def changed(statement: str) -> Callable[[Path], None]:
    """A ledger that somebody changed."""

    def make(path: Path) -> None:
        migrate_sqlite(path)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(statement)
            connection.commit()

    return make


def another_programs(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes(name TEXT)")
        connection.commit()


def damaged(path: Path) -> None:
    """Its first page after the header, where its tables are listed."""
    migrate_sqlite(path)
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996
    path.write_bytes(content)


def gone_but_for_its_log(path: Path) -> None:
    path.with_name(path.name + "-wal").write_bytes(b"what was written last")


WRONG = {
    "text": (lambda path: path.write_text("no database " * 1000), "no SQLite database"),
    "directory": (lambda path: path.mkdir(), "is a directory"),
    "newer": (changed("UPDATE alembic_version SET version_num='9001'"), "newer version"),
    "unknown revision": (changed("UPDATE alembic_version SET version_num='0000'"), "upgraded"),
    "another program's": (another_programs, "no ledger: it has other tables"),
    "damaged": (damaged, "damaged"),
    "gone but for its log": (gone_but_for_its_log, "ledger.db-wal beside it holds"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("wrong", WRONG)
def test_it_is_told_in_one_line(
    tmp_path: Path,
    command: str,
    wrong: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make, said = WRONG[wrong]
    path = tmp_path / "ledger.db"
    make(path)
    arguments = [*COMMANDS[command], "--ledger", f"sqlite:///{path}"]
    monkeypatch.setattr(sys, "argv", ["exchange", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    complaint = capfd.readouterr().err.strip().splitlines()
    assert len(complaint) == 1, complaint
    if path.exists() or command.startswith("serve"):
        assert said in complaint[0]
    else:
        assert "there is no ledger" in complaint[0]


@pytest.mark.parametrize("command", ["verify", "statistics"])
def test_nothing_is_made_of_an_empty_file_that_is_only_to_be_read(
    tmp_path: Path,
    command: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "ledger.db"
    path.touch()
    monkeypatch.setattr(
        sys, "argv", ["exchange", *COMMANDS[command], "--ledger", f"sqlite:///{path}"]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "holds nothing; `exchange serve` makes one" in capfd.readouterr().err
    assert path.stat().st_size == 0


@pytest.mark.parametrize("name", ["file/ledger.db", "missing/../file/deep/ledger.db"])
def test_a_place_that_no_ledger_can_have(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    arguments = ["serve", "--port", "0", "--ledger", f"sqlite:///{tmp_path / name}"]
    monkeypatch.setattr(sys, "argv", ["exchange", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert len(capfd.readouterr().err.strip().splitlines()) == 1
