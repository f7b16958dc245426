"""What is kept of texts that senders choose: nothing of any length, however many they send; names of
XML are let go of.
"""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.adapters.income_register.findings import read_day
from exchange.adapters.income_register.signature import verify
from exchange.schemas import xml
from exchange.schemas.identifiers import is_personal_identity_code
from exchange.schemas.positions import Lines

LONG = 100_000
TIMES = 50
STATM = Path("/proc/self/statm")

KEPT: dict[str, Callable[[str], object]] = {
    "a code": is_personal_identity_code,
    "a day among white space": lambda text: read_day(text.replace("x", " ") + "2026-01-02"),
    "a day that is none": read_day,
    "a certificate": verify._key_of_certificate,
    "a modulus": lambda text: verify._key_of_value(text, "AQAB"),
    "an exponent": lambda text: verify._key_of_value("AQAB", text),
}


@pytest.mark.parametrize("name", KEPT)
def test_no_long_text_is_kept(name: str) -> None:
    look = KEPT[name]
    look("x" * LONG)
    tracemalloc.start()
    try:
        for number in range(TIMES):
            look(f"{number}{'x' * LONG}")
        now, _most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert now < 5 * LONG


def test_a_day_is_read_among_any_white_space() -> None:
    assert read_day(" " * LONG + "2026-01-02\n") == read_day("2026-01-02") == (2026, 1, 2, False)
    assert read_day("-999999999-12-31+14:00") is not None


@pytest.mark.skipif(not STATM.exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_names_of_documents_are_let_go_of(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    size = 1_000_000
    monkeypatch.setattr(xml, "NAMES_BYTES_MAX", 2 * size)
    grown: list[int] = []

    def read() -> None:
        kept = xml.parse(b"<kept><inside a='1'/></kept>")
        for number in range(8):
            xml.parse(names(number, size).encode(encoding))
        before = resident_bytes()
        for number in range(8, 48):
            xml.parse(names(number, size).encode(encoding))
        grown.append(resident_bytes() - before)
        # A document goes on to be what it was, also inside one that was read since.
        later = xml.parse(b"<later/>")
        later.append(kept[0])
        assert later.find("inside[@a='1']") is not None

    # In a thread of its own: no other test's documents are held by its names.
    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert grown[0] < 15 * size, "of 40 million bytes of names"


def names(number: int, size: int) -> str:
    """A document of that many bytes of names that no other has."""
    elements = "".join(f"<n{number}_{each}_{'x' * 980}/>" for each in range(size // 1_000))
    return f"<names>{elements}</names>"


def resident_bytes() -> int:
    """The memory of this process that is in use."""
    return int(STATM.read_text().split()[1]) * 4096


def test_a_line_takes_no_more_than_a_number() -> None:
    text = "\n" * LONG
    tracemalloc.start()
    try:
        lines = Lines(text)
        now, _most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert now < 12 * LONG
    assert lines.at(LONG)[:2] == (LONG + 1, 1)
