"""The start beyond loopback: refused with what everybody knows, unless a setting says so by
name.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from exchange.cli.keys import partner_files
from exchange.cli.serving import exposure
from exchange.errors import SettingsError
from exchange.schemas.directory import DEFAULT_PATH, DirectoryFault
from exchange.settings import Settings

SHIPPED = "everybody knows the shipped keys"
UNGUARDED = "turns the guard against real persons off"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A directory with keys of its own."""
    path = tmp_path / "own.toml"
    path.write_text(partner_files(DEFAULT_PATH.read_text(encoding="utf-8"))[0], encoding="utf-8")
    return path


def settings(host: str, **sections: Any) -> Settings:
    return Settings(server={"host": host}, **sections)  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "somewhere", ""])
def test_beyond_loopback_what_everybody_knows_is_refused(host: str, own: Path) -> None:
    with pytest.raises(SettingsError, match=SHIPPED):
        exposure.check(settings(host))
    mine = {"directory": own}
    exposure.check(settings(host, partners=mine))
    exposure.check(settings(host, partners={"allow_shipped_keys": True}))
    with pytest.raises(SettingsError, match=UNGUARDED):
        exposure.check(settings(host, partners=mine, identity={"allow_real_persons": True}))
    meant = {"allow_real_persons": True, "allow_real_persons_beyond_loopback": True}
    exposure.check(settings(host, partners=mine, identity=meant))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_loopback_everything_may_start(host: str) -> None:
    exposure.check(settings(host, identity={"allow_real_persons": True}))


def test_one_shipped_key_in_a_copy_is_enough(own: Path) -> None:
    """It is the keys that everybody knows, not the file."""
    lines = DEFAULT_PATH.read_text(encoding="utf-8").splitlines()
    shipped = next(line for line in lines if line.startswith("key = "))
    text = own.read_text(encoding="utf-8").splitlines()
    first = next(number for number, line in enumerate(text) if line.startswith("key_sha256"))
    text[first] = shipped
    own.write_text("\n".join(text), encoding="utf-8")
    with pytest.raises(SettingsError, match="of 1 partners"):
        exposure.check(settings("0.0.0.0", partners={"directory": own}))


@pytest.mark.parametrize(
    "text", [None, "", "x", "[[partner]]\nid = 1\nkey_sha256 = [1]", "partner = 1"]
)
def test_a_directory_that_is_none_is_said_in_a_line(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "none.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DirectoryFault, match=r"none\.toml"):
        exposure.check(settings("127.0.0.1", partners={"directory": path}))


def test_the_command_says_so_in_one_line_and_ends_with_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "exchange", "serve", "--host", "0.0.0.0", "--port", "0"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, env={**os.environ}
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert SHIPPED in done.stderr
    assert not list(tmp_path.iterdir()), "nothing was made"
