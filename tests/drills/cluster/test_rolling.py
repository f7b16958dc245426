"""A rolling upgrade on a PostgreSQL server: beside a node of before the newest migration one of
this version starts, which migrates the ledger under load, and takes its place.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
from pathlib import Path

import pytest

from exchange.storage.postgresql_server.migrate import MIGRATIONS, newest_revision
from tests.drills.conftest import Record
from tests.drills.drill import REPEATED_MAX, drilling
from tests.drills.server import ROOT, Server
from tests.postgresql import LocalServer, name_of

pytestmark = pytest.mark.drill

_REVISION = "SELECT version_num FROM alembic_version"


def commits_before() -> list[str]:
    """The commit before the one with which the newest migration came, by the repository's history;
    none where there is no such history (then there is no drill).
    """
    newest = max((MIGRATIONS / "versions").glob("[0-9]*.py")).resolve().relative_to(ROOT)
    log = ["git", "log", "--diff-filter=A", "--format=%P", "-1", "--", str(newest)]
    try:
        told = subprocess.run(log, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    return told.split()[:1]


def sources_of(commit: str, folder: Path) -> Path:
    """The sources of a commit, unpacked."""
    folder.mkdir()
    archive = ["git", "archive", "--format=tar", commit]
    packed = subprocess.run(archive, cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", folder], input=packed, check=True)
    return folder


@pytest.mark.parametrize("commit", commits_before())
async def test_a_new_version_takes_the_place_of_the_one_before(
    commit: str, tmp_path: Path, postgresql: LocalServer, record: Record
) -> None:
    sources = await asyncio.to_thread(sources_of, commit, tmp_path / "older")
    older = {"PYTHONPATH": str(sources)}
    ledger = postgresql.database()
    (tmp_path / "new").mkdir()
    async with drilling(tmp_path, environment=older, ledger=ledger) as drill:
        old = drill.server
        before = postgresql.ask(_REVISION, name_of(ledger))
        assert before < newest_revision()
        partners = old.environment["EXCHANGE_PARTNERS__ADDRESS"]
        new = Server(tmp_path / "new", partners, ledger=ledger)
        drill.client.begin()
        await drill.client.until(50)
        try:
            drill.ready = [await new.start(drill.client.session)]
            drill.judged = [new.spent_seconds()]
            assert postgresql.ask(_REVISION, name_of(ledger)) == newest_revision()
            await drill.client.until(50)
            drill.client.url = new.url
            await drill.client.until(50)
            drill.client.url = old.url
            await drill.client.until(50)
            drill.client.url = new.url
            await old.signal(signal.SIGTERM)
            assert old.process is not None
            assert old.process.returncode == 0
            await drill.client.until(50)
            drill.server = new
            row = await drill.account(
                "a version takes the place of the one before",
                f"revision {before} to {newest_revision()} under load",
                2 * REPEATED_MAX,
            )
        finally:
            await new.clear()
    record(row)
