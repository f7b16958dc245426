"""Sandboxes by name: each with a ledger of its own, found again, started and stopped."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.cli.serving.sandboxes import LOOK_SECONDS, Sandbox, sandboxes
from exchange.errors import SettingsError

PARTNER = {"id": "fund.mine", "sector": "unemployment-fund"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose sandboxes are stopped in the end."""
    yield tmp_path
    for each in sandboxes(tmp_path):
        if each.address:
            each.stop()


def command(folder: Path, *arguments: str, code: int = 0) -> str:
    """What a command says."""
    done = subprocess.run(
        [sys.executable, "-m", "exchange", "sandbox", *arguments, "--folder", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done
    return (done.stdout or done.stderr).strip()


def add_partner(address: str) -> None:
    request = urllib.request.Request(
        f"{address}/api/v1/partners",
        json.dumps(PARTNER).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()


def knows_partner(address: str) -> bool:
    try:
        urllib.request.urlopen(f"{address}/api/v1/partners/{PARTNER['id']}", timeout=10).close()
    except urllib.error.HTTPError as error:
        assert error.code == 404
        return False
    return True


@pytest.mark.drill
def test_each_has_partners_and_a_ledger_of_its_own_and_keeps_them(folder: Path) -> None:
    mine, other = command(folder, "start", "mine"), command(folder, "start", "other")
    assert mine != other
    add_partner(mine)
    assert knows_partner(mine)
    assert not knows_partner(other)
    assert "is owned by process" in command(folder, "start", "mine", code=2)
    assert "stop it first" in command(folder, "remove", "mine", code=2)
    command(folder, "stop", "mine")
    listed = json.loads(command(folder, "list", "--json"))
    assert [each["address"] for each in listed] == ["", other]
    assert command(folder, "start", "mine", "--port", mine.rpartition(":")[2]) == mine
    assert knows_partner(mine)
    command(folder, "stop", "mine")
    command(folder, "remove", "mine")
    assert [each.folder.name for each in sandboxes(folder)] == ["other"]


@pytest.mark.drill
def test_one_that_was_killed_does_not_run(folder: Path) -> None:
    command(folder, "start", "mine")
    mine = Sandbox.named(folder, "mine")
    process = json.loads((mine.folder / "sandbox.json").read_text())["process"]
    os.kill(process, signal.SIGKILL)
    until = time.monotonic() + 10
    while mine.address:
        assert time.monotonic() < until, "it still seems to run"
        time.sleep(LOOK_SECONDS)
    assert command(folder, "start", "mine")


@pytest.mark.drill
def test_one_that_can_not_start_says_what_its_log_says(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "exchange.toml").write_text("[server]\nprot = 1\n")
    with pytest.raises(SettingsError, match=re.escape("nearest: server.port")):
        Sandbox.named(folder, "mine").start(0)
    assert [each.address for each in sandboxes(folder)] == [""]


@pytest.mark.parametrize("name", ["", "../other", "Mine", "a" * 41, "mine.toml"])
def test_what_can_be_no_name_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="no name of a sandbox"):
        Sandbox.named(folder, name)


def test_what_is_not_there_is_neither_stopped_nor_removed(folder: Path) -> None:
    nobody = Sandbox.named(folder, "nobody")
    with pytest.raises(SettingsError, match="does not run"):
        nobody.stop()
    with pytest.raises(SettingsError, match="there is no sandbox"):
        nobody.remove()
    assert not nobody.folder.exists()
