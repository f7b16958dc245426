"""`exchange operators` and `exchange keys`: keys are shown once, and only their hashes are kept."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exchange.cli import app
from exchange.errors import ExchangeError, OperatorError, SettingsError
from exchange.schemas.directory import digest_of, load

KEY = re.compile(r"exchange-(?:operator|partner)-[\w-]{43}")


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger of its own, in a folder without settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXCHANGE_STORAGE__URL", f"sqlite:///{tmp_path / 'ledger.db'}")
    return tmp_path / "ledger.db"


def run(*arguments: str, given: str = "") -> str:
    """What a command prints; what it says is wrong is raised."""
    result = CliRunner().invoke(app, list(arguments), input=given)
    if isinstance(result.exception, ExchangeError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_an_operator_comes_rotates_and_goes(ledger: Path) -> None:
    key = KEY.findall(run("operators", "add", "ann", "--role", "admin"))[0]
    listed = run("operators", "list")
    assert re.search(r"ann +admin +20\d\d-", listed)
    assert key not in listed
    other = KEY.findall(run("operators", "rotate", "ann"))[0]
    assert run("operators", "list").count("20") >= 2
    run("operators", "drop-old-key", "ann")
    with closing(sqlite3.connect(ledger)) as connection:
        digests = [row[0] for row in connection.execute("SELECT digest FROM operator_key")]
        dump = "\n".join(connection.iterdump())
        what = [row[0] for row in connection.execute("SELECT what FROM audit ORDER BY id")]
    assert digests == [digest_of(other)]
    assert key not in dump
    assert other not in dump
    assert what == ["operator-add", "operator-rotate", "operator-drop-old-key"]
    last = KEY.findall(run("operators", "rotate", "ann", "--at-once"))[0]
    with closing(sqlite3.connect(ledger)) as connection:
        assert connection.execute("SELECT digest FROM operator_key").fetchall() == [
            (digest_of(last),)
        ]
    run("operators", "remove", "ann")
    assert "ann" not in run("operators", "list")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "ann"), "there is an operator 'ann'"),
        (("add", "bob", "--role", "king"), "viewer, operator, admin"),
        (("add", "open"), "can't be an operator's name"),
        (("add", "a b"), "can't be an operator's name"),
        (("rotate", "bob"), "no operator 'bob'"),
        (("drop-old-key", "bob"), "no operator 'bob'"),
        (("remove", "bob"), "no operator 'bob'"),
    ],
)
def test_what_is_wrong_is_said(ledger: Path, arguments: tuple[str, ...], said: str) -> None:
    run("operators", "add", "ann")
    with pytest.raises(OperatorError, match=said):
        run("operators", *arguments)


def test_a_partners_key_and_its_hash() -> None:
    printed = run("keys", "make")
    key = KEY.findall(printed)[0]
    assert f'key_sha256 = ["{digest_of(key).hex()}"]' in printed
    assert run("keys", "hash", given=key + "\n") in printed
    with pytest.raises(SettingsError, match="at least 32"):
        run("keys", "hash", given="short\n")


def test_keys_for_everybody_are_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    assert "it opens the page" in run("keys", "init", str(folder))
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(files) == {"directory.toml", "stubs.toml", "admin.key"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder, *folder.iterdir()))
    kept, played, shipped = load(folder / "directory.toml"), load(folder / "stubs.toml"), load()
    assert kept.digests() == played.digests()
    assert kept.digests().isdisjoint(shipped.digests())
    assert len(kept.digests()) == len(shipped.digests()) == len(shipped)
    for partner in played:
        found = kept.by_key(partner.key)
        assert found is not None
        assert (found.id, found.key, found.callback_secret) == (
            partner.id,
            "",
            partner.callback_secret,
        )
        assert partner.callback_secret != shipped.get(partner.id).callback_secret  # type: ignore[union-attr]
    assert "it opens the page" in run("keys", "init", str(folder))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    run("operators", "remove", "admin")
    run("operators", "add", "ann")
    assert "it opens nothing" in run("keys", "init", str(folder))
