"""The password of a question to VTJkysely: taken out before anything is kept, however it is
written.
"""

from __future__ import annotations

import pytest

from exchange.adapters.population_register.person_query.endpoint import _without_password


def query(inside: str, encoding: str = "utf-8") -> bytes:
    return f"<a>{inside}<Loppukayttaja>koe</Loppukayttaja></a>".encode(encoding)


@pytest.mark.parametrize(
    "password",
    [
        "<Salasana>salainen</Salasana>",
        "<v:Salasana xmlns:v='urn:v'>salainen</v:Salasana>",
        "<Salasana><![CDATA[salainen]]></Salasana>",
        "<Salasana>x<!-- salainen -->y<![CDATA[salainen]]></Salasana>",
        "<Salasana\n>&#115;alainen</Salasana>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_password_is_taken_out_however_it_is_written(password: str, encoding: str) -> None:
    kept = _without_password(query(password, encoding)).decode(encoding)
    assert "alainen" not in kept
    assert "<Loppukayttaja>koe</Loppukayttaja>" in kept


@pytest.mark.parametrize(
    "inside", ["", "<Salasana/>", "<Salasana />", "<Salasanasta>a</Salasanasta>"]
)
def test_what_is_no_password_stays(inside: str) -> None:
    assert _without_password(query(inside)) == query(inside)


@pytest.mark.parametrize("piece", [b"<Salasana ", b"<Salasana>", b"<a:Salasana><![CDATA["])
def test_passwords_without_end_take_time_by_the_length_of_the_text(piece: bytes) -> None:
    """(With work by the square of it, this would take minutes.)"""
    assert _without_password(piece * 100_000).startswith(piece[:9])
