"""`exchange doctor` names what keeps an exchange from starting, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import os
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from exchange.cli.serving import doctor
from exchange.cli.serving.doctor import Finding, examine
from exchange.settings import Settings
from exchange.storage.migrate import newest_revision
from exchange.storage.ownership import own
from exchange.storage.postgresql_server.address import Server
from exchange.storage.postgresql_server.migrate import newest_revision as newest
from tests.postgresql import LocalServer, name_of


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        ports = [each.getsockname()[1] for each in (one, two)]
    monkeypatch.setenv("EXCHANGE_SERVER__PORT", str(ports[0]))
    monkeypatch.setenv("EXCHANGE_PARTNERS__ADDRESS", f"http://127.0.0.1:{ports[1]}")


def missing() -> list[str]:
    """What is missing, as told."""
    return [f"{each.what}: {each.told}" for each in examine() if each.state == "missing"]


def test_nothing_is_missing_where_everything_is_there(tmp_path: Path) -> None:
    assert missing() == []
    assert not list(tmp_path.iterdir())
    names = [each.what for each in examine()]
    assert names == sorted(set(names), key=names.index)


def test_each_thing_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("EXCHANGE_SERVER__PORT", str(port))
        (told,) = missing()
        assert f"port: port {port} is taken by" in told
        assert "server.port" in told
    monkeypatch.delenv("EXCHANGE_SERVER__PORT")
    (tmp_path / "newer.db").touch()
    with sqlite3.connect(tmp_path / "newer.db") as connection:
        connection.execute("CREATE TABLE alembic_version(version_num TEXT)")
        connection.execute("CREATE TABLE message(id)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    connection.close()
    (tmp_path / "mine.toml").write_text("[[partner]]\nid = 'a'\nname = 'A'\nsector = 'bnak'\n")
    (tmp_path / "exchange.toml").write_text(
        "[server]\nhost = '192.0.2.1'\n[storage]\nurl = 'sqlite:///newer.db'\n"
        "[partners]\nmore = ['mine.toml']\n"
    )
    said = missing()
    assert any(each.startswith("partners: mine.toml:1: a: sector") for each in said), said
    assert any(
        each.startswith("ledger: the ledger newer.db is of a newer version") for each in said
    ), said
    (tmp_path / "exchange.toml").write_text("[server]\nhots = '::1'\n")
    assert missing() == ["settings: server.hots: no such setting (nearest: server.host)"]


@pytest.mark.parametrize(
    ("known", "told"),
    [("0001", f"; 0001 is carried over to {newest_revision()} at the start"), (None, "")],
    ids=["an older ledger", "one of this version"],
)
def test_a_ledger_that_will_be_carried_over_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: str | None, told: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        connection.execute("CREATE TABLE alembic_version(version_num TEXT)")
        connection.execute("CREATE TABLE message(id)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (known or newest_revision(),))
        connection.commit()
    monkeypatch.setenv("EXCHANGE_STORAGE__URL", f"sqlite:///{tmp_path / 'ledger.db'}")
    (found,) = [each for each in examine() if each.what == "ledger"]
    assert found == Finding("ledger", "ok", f"{tmp_path / 'ledger.db'}{told}")


def test_a_ledger_that_can_not_be_written_or_is_in_use_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(url: str) -> str:
        (found,) = [
            each for each in examine(Settings(storage={"url": url})) if each.what == "ledger"
        ]
        return found.told if found.state == "missing" else ""

    (tmp_path / "file").write_text("text")
    assert f"{tmp_path / 'file'} is no folder" in told(f"sqlite:///{tmp_path / 'file' / 'a.db'}")
    assert "file is not a database" in told(f"sqlite:///{tmp_path / 'file'}")
    url = f"sqlite:///{tmp_path / 'a.db'}"
    with own(tmp_path / "a.db", "exchange serve", 0):
        assert "a.db is owned by process" in told(url)
    assert told(url) == ""
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path / "file")  # (root may all)
    assert f"{tmp_path / 'file'} can't be written" in told(f"sqlite:///{tmp_path / 'file'}")


def test_an_address_that_can_not_be_bound_is_told() -> None:
    settings = Settings(server={"host": "192.0.2.1"}, partners={"address": "http://192.0.2.1"})
    found = {each.what: each for each in examine(settings)}
    assert found["port"].state == "missing"
    assert "192.0.2.1:" in found["port"].told
    assert found["port of the stubs"].told == "the stubs are elsewhere: 192.0.2.1"


def test_a_ledger_on_a_server_is_looked_at_there(postgresql: LocalServer) -> None:
    def found(where: Server) -> Finding:
        return doctor._ledger(Settings(storage={"url": where.url}))

    kept, new = postgresql.ledger(), postgresql.database()
    lost = "fsync=off: a commit may be lost with its machine"
    assert found(kept) == Finding("ledger", "note", f"{kept}, of revision {newest()}; {lost}")
    postgresql.ask("UPDATE alembic_version SET version_num='0004'", name_of(kept))
    assert f"0004, which is carried over to {newest()} at the start" in found(kept).told
    assert found(new) == Finding("ledger", "note", f"{new} will be made; {lost}")
    assert not postgresql.ask(
        "SELECT tablename FROM pg_tables WHERE schemaname='public'", name_of(new)
    )
    assert found(Server(postgresql.url("nowhere"))).state == "missing"


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["aiohttp>=3", "no-such-thing>=1.0; python_version>'3'", "nor-this; extra == 'test'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: wanted)
    finding: Finding = doctor._packages()
    assert finding.state == "missing"
    assert "install no-such-thing," in finding.told
