"""What the generators write: the same for the same seed, artificial persons, lengths that fit their
periods.
"""

from __future__ import annotations

import datetime
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.adapters.eessi.generate.messages import history
from exchange.adapters.eessi.generate.sed_blocks import duration
from exchange.adapters.eessi.generate.seds import CONTENTS
from exchange.schemas import guard

DAY = datetime.date(2026, 3, 2)
DATES = st.dates(datetime.date(1940, 1, 1), datetime.date(2030, 12, 31))


@pytest.mark.parametrize("sed", sorted(CONTENTS))
def test_a_history_is_about_one_person_in_one_case_and_ends_with_its_sed(sed: str) -> None:
    messages = history(random.Random(5), DAY, sed)
    assert messages == history(random.Random(5), DAY, sed)
    letters = [letter for letter, _ in messages]
    assert letters[-1].sed == sed
    assert len({letter.case_id for letter in letters}) == 1
    assert (
        len({letter.message_id for letter in letters})
        == len({letter.set_id for letter in letters})
        == len(letters)
    )
    assert [letter.created_at for letter in letters] == sorted(
        letter.created_at for letter in letters
    )
    assert {letter.created_at.date() for letter in letters} == {DAY}
    assert not any(guard.real_person_in(content) for _, content in messages)


@given(DATES, st.integers(0, 20_000))
def test_a_length_leads_from_the_first_day_past_the_last(start: datetime.date, days: int) -> None:
    end = start + datetime.timedelta(days=days)
    length = {name: int(str(value)) for name, value in duration(start.isoformat(), end.isoformat())}
    assert 0 <= length["months"] <= 11
    assert 0 <= length["days"] <= 31
    about = length["years"] * 365.2425 + length["months"] * 30.436875 + length["days"]
    assert abs(about - (days + 1)) <= 4


@pytest.mark.parametrize(
    "start, end, length",
    [
        ("2000-01-01", "2000-12-31", (1, 0, 0)),
        ("2000-01-15", "2000-01-15", (0, 0, 1)),
        ("2000-02-29", "2001-02-28", (1, 0, 1)),
        ("2001-01-31", "2001-02-28", (0, 1, 1)),
    ],
)
def test_a_whole_year_is_a_year(start: str, end: str, length: tuple[int, int, int]) -> None:
    assert tuple(int(str(value)) for _, value in duration(start, end)) == length
