"""A folder is looked through a part at a time: what came first is taken first, however much lies
there, and nothing is forgotten.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exchange.adapters.luova.files import FILES
from exchange.journey.files.listing import FileListing

NOW = 1_000_000.0


@pytest.fixture
def listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileListing:
    """Of an empty folder; five entries a look, four files kept."""
    monkeypatch.setattr("exchange.journey.files.listing.ENTRIES_AT_ONCE", 5)
    monkeypatch.setattr("exchange.journey.files.listing.KEPT_MAX", 4)
    return FileListing(tmp_path, FILES)


def leave(folder: Path, name: str, age_seconds: float) -> None:
    (folder / name).touch()
    os.utime(folder / name, (NOW - age_seconds, NOW - age_seconds))


def looked(listing: FileListing, times: int) -> list[str]:
    for _ in range(times):
        assert not listing.waiting, "nothing is told before all was looked at"
        listing.look(NOW)
    return [each.name for each in listing.waiting]


def test_the_oldest_of_many_are_taken_first_and_then_the_next(
    listing: FileListing, tmp_path: Path
) -> None:
    by_age = [f"a~{number * 7 % 12}.xml" for number in range(12)]
    for number, name in enumerate(by_age):
        leave(tmp_path, name, age_seconds=1000 - number)
    assert looked(listing, 3) == by_age[:4]
    for name in by_age[:4]:
        (tmp_path / name).unlink()
    listing.look(NOW)
    assert len(listing.waiting) == 4, "no look while something waits"
    listing.waiting.clear()
    assert looked(listing, 2) == by_age[4:8]


def test_of_many_that_are_never_taken_a_bounded_number_is_told_at_once(
    listing: FileListing, tmp_path: Path
) -> None:
    for number in range(8):
        leave(tmp_path, f"no-letter-{number}", 1000)
    assert looked(listing, 2) == []
    assert len(listing.unfit) == 4


def test_what_there_is_no_room_for_is_passed_over_while_others_wait(
    listing: FileListing, tmp_path: Path
) -> None:
    leave(tmp_path, "a~full.xml", 200)
    leave(tmp_path, "a~other.xml", 100)
    assert looked(listing, 1) == ["a~full.xml", "a~other.xml"]
    listing.no_room(listing.waiting.popleft())
    listing.waiting.clear()
    assert looked(listing, 1) == ["a~other.xml"]
    (tmp_path / "a~other.xml").unlink()
    listing.waiting.clear()
    assert looked(listing, 1) == []
    assert looked(listing, 1) == ["a~full.xml"], "it is tried again when nothing else waits"


def test_what_is_never_taken_is_told_once_while_it_lies_there(
    listing: FileListing, tmp_path: Path
) -> None:
    leave(tmp_path, "a.csv", 100)
    listing.look(NOW)
    (entry,) = listing.unfit
    listing.told(listing.unfit.popleft())
    for _ in range(2):
        listing.look(NOW)
        assert not listing.unfit
    (tmp_path / "a.csv").unlink()
    listing.look(NOW)
    leave(tmp_path, "a.csv", 100)
    listing.look(NOW)
    assert [each.name for each in listing.unfit] == [entry.name]


def test_a_folder_that_went_and_came_is_looked_through_anew(
    listing: FileListing, tmp_path: Path
) -> None:
    aside = tmp_path.with_name("aside")
    tmp_path.rename(aside)
    with pytest.raises(FileNotFoundError):
        listing.look(NOW)
    aside.rename(tmp_path)
    leave(tmp_path, "a~1.xml", 100)
    assert looked(listing, 1) == ["a~1.xml"]
