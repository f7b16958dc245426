"""Keys are new each time, and files of them are their owner's alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.web.access.new_keys import new_key, write_private


def test_a_key_is_new_and_tells_whose_it_is() -> None:
    keys = {new_key("partner") for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("exchange-partner-") and len(key) >= 60 for key in keys)


def test_a_private_file_is_its_owners_and_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(b"a longer one from before")
    path.chmod(0o644)
    write_private(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_can_not_be_written_leaves_the_file_before(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(b"before")
    (tmp_path / "key.pem.new").mkdir()
    with pytest.raises(IsADirectoryError):
        write_private(path, b"new")
    assert path.read_bytes() == b"before"
