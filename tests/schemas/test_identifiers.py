"""Identifiers: against python-stdnum where it knows them, against the published test codes and
weights where it doesn't.
"""

from __future__ import annotations

import datetime
import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iban, iso11649
from stdnum.fi import alv, hetu

from exchange.schemas import guard
from exchange.schemas.identifiers import (
    ARTIFICIAL_NUMBERS,
    CENTURIES,
    CHECK_CHARACTERS,
    REAL_NUMBERS,
    is_business_id,
    is_creditor_reference,
    is_iban,
    is_personal_identity_code,
    make_business_id,
    make_creditor_reference,
    make_iban,
    make_personal_identity_code,
    parse_personal_identity_code,
)
from exchange.schemas.persons import person
from tests.schemas.codes import code_of, codes

#: Artificial persons' codes as published for testing (Digital and Population Data Services Agency).
PUBLISHED = (
    "010594Y9032", "020594X902N", "030594W903B", "040594V902Y", "050594U903M", "010516B903X", "020516C902J", "030516D9037",
    "010501E9032",
)  # fmt: skip
ANY_NUMBER = range(REAL_NUMBERS.start, ARTIFICIAL_NUMBERS.stop)


@pytest.mark.parametrize("text", PUBLISHED)
def test_the_published_artificial_codes_are_codes(text: str) -> None:
    found = parse_personal_identity_code(text)
    assert found is not None
    assert found.artificial
    assert found.sex == ("male" if int(text[9]) % 2 else "female")
    assert make_personal_identity_code(found.birth_date, found.individual_number, text[6]) == text


def test_a_text_that_may_be_as_long_as_a_body_is_not_kept() -> None:
    text = "9" * 100_000
    references = sys.getrefcount(text)
    assert not is_personal_identity_code(text)
    assert sys.getrefcount(text) == references


@given(codes(ANY_NUMBER))
def test_every_valid_code_is_one_and_says_what_it_says(text: str) -> None:
    found = parse_personal_identity_code(text)
    assert found is not None
    assert hetu.is_valid(text, allow_temporary=True)
    assert (found.birth_date.year // 100 * 100, found.individual_number) == (
        CENTURIES[text[6]],
        int(text[7:10]),
    )
    assert f"{found.birth_date:%d%m}{found.birth_date.year % 100:02d}" == text[:6]
    assert found.artificial != (found.individual_number in REAL_NUMBERS)


@settings(max_examples=200)
@given(
    codes(ANY_NUMBER),
    st.integers(0, 10),
    st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ+-a ä\n"),
)
def test_a_changed_code_is_what_stdnum_says(text: str, at: int, character: str) -> None:
    changed = text[:at] + character + text[at + 1 :]
    # stdnum also takes lower case and white space, which no message schema does.
    strict = changed == changed.upper() and not any(each.isspace() for each in changed)
    assert is_personal_identity_code(changed) == (
        strict and hetu.is_valid(changed, allow_temporary=True)
    )
    if changed[:10] == text[:10] and changed != text:
        assert not is_personal_identity_code(changed), "there is one check character only"


@pytest.mark.parametrize("number", [0, 1])
def test_the_numbers_000_and_001_are_nobodys(number: int) -> None:
    assert not is_personal_identity_code(code_of(datetime.date(1990, 1, 1), number, "-"))


def test_a_day_that_never_was() -> None:
    for date in ("290290", "310490", "000190", "010090", "011390"):
        check = CHECK_CHARACTERS[int(f"{date}900") % 31]
        assert not is_personal_identity_code(f"{date}-900{check}")
    check = CHECK_CHARACTERS[int("290200900") % 31]
    assert is_personal_identity_code(f"290200A900{check}")
    assert not is_personal_identity_code(f"290200-900{check}"), "1900 had no 29 February"


@given(
    st.dates(datetime.date(1800, 1, 1), datetime.date(2099, 12, 31)),
    st.sampled_from(ARTIFICIAL_NUMBERS),
)
def test_what_is_made_is_an_artificial_persons(born: datetime.date, number: int) -> None:
    text = make_personal_identity_code(born, number)
    found = parse_personal_identity_code(text)
    assert found is not None
    assert (found.birth_date, found.individual_number, found.artificial) == (born, number, True)
    assert not guard.in_text(text)


@given(st.integers(-5, 1_200).filter(lambda number: number not in ARTIFICIAL_NUMBERS))
def test_no_code_is_made_that_somebody_could_have(number: int) -> None:
    with pytest.raises(ValueError, match="900-999"):
        make_personal_identity_code(datetime.date(1990, 1, 1), number)


def test_a_character_of_another_century_makes_no_code() -> None:
    with pytest.raises(ValueError, match="1990"):
        make_personal_identity_code(datetime.date(1990, 1, 1), 900, "A")
    with pytest.raises(ValueError, match="1790"):
        make_personal_identity_code(datetime.date(1790, 1, 1), 900)


@settings(max_examples=30)
@given(st.integers(0, 2**32))
def test_every_generated_person_is_artificial(seed: int) -> None:
    day = datetime.date(2024, 5, 1)
    drawn = person(random.Random(seed), day)
    found = parse_personal_identity_code(drawn.personal_identity_code)
    assert found is not None
    assert (found.birth_date, found.sex, found.artificial) == (drawn.birth_date, drawn.sex, True)
    assert drawn == person(random.Random(seed), day)
    first, last = datetime.date(1990, 1, 1), datetime.date(1990, 1, 3)
    assert first <= person(random.Random(seed), day, first, last).birth_date <= last


@given(st.integers(0, 9_999_990))
def test_a_business_id_is_what_the_weights_and_stdnum_say(number: int) -> None:
    text = make_business_id(number)
    assert is_business_id(text)
    assert alv.is_valid(text)
    weighed = sum(
        int(digit) * weight for digit, weight in zip(text, (7, 9, 10, 5, 8, 4, 2), strict=False)
    )
    assert (weighed + int(text[-1])) % 11 == 0
    for digit in "0123456789".replace(text[-1], ""):
        assert not is_business_id(text[:-1] + digit)


@given(st.integers(0, 9_999_999))
def test_remainder_one_begins_no_business_id(number: int) -> None:
    digits = f"{number:07d}"
    weighed = sum(
        int(digit) * weight for digit, weight in zip(digits, (7, 9, 10, 5, 8, 4, 2), strict=True)
    )
    taken = [check for check in range(10) if is_business_id(f"{digits}-{check}")]
    assert taken == ([] if weighed % 11 == 1 else [(11 - weighed % 11) % 11])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "02462460",
        "0246246-0 ",
        "246246-0",
        "FI02462460",
        "0246246-O",
        "０246246-0",
        "0246246-0\n",
    ],
)
def test_the_form_of_a_business_id_is_strict(text: str) -> None:
    assert is_business_id("0246246-0")
    assert not is_business_id(text)


@pytest.mark.parametrize("number", [-1, 10_000_000])
def test_no_business_id_begins_with_other_than_seven_digits(number: int) -> None:
    with pytest.raises(ValueError, match="seven digits"):
        make_business_id(number)


@given(st.integers(0, 10**6), st.integers(0, 10**12))
def test_an_account_is_what_stdnum_says(bank: int, account: int) -> None:
    text = make_iban(bank, account)
    assert len(text) == 18
    assert is_iban(text)
    assert iban.is_valid(text, check_country=True)
    wrong = f"{(int(text[2:4]) + 1) % 100:02d}"
    assert not is_iban(text[:2] + wrong + text[4:])
    assert not is_iban(iban.format(text)), "spaces are for people"


@given(st.integers(0, 10**21 - 1))
def test_a_creditor_reference_is_what_stdnum_says(number: int) -> None:
    text = make_creditor_reference(number)
    assert is_creditor_reference(text) == iso11649.is_valid(text)
    assert is_creditor_reference(text)
    assert not is_creditor_reference(text.lower())


@given(st.from_regex(r"RF[0-9]{2}([0-9]{1,22}|[0-9A-Z]{1,22})", fullmatch=True))
def test_the_quick_way_of_creditor_references_takes_what_stdnum_takes_and_nothing_else(
    text: str,
) -> None:
    body = text[4:]
    with_right_digits = [f"RF{digits:02d}{body}" for digits in range(100)]
    for each in (text, *with_right_digits):
        assert is_creditor_reference(each) == iso11649.is_valid(each)


@pytest.mark.parametrize(
    "text",
    ["RF", "RF1", "RF18", "RF18 5390", "RF1\u06685390", "RF18539007547034\n", "RF1_539007547034"],
)
def test_what_is_no_creditor_reference(text: str) -> None:
    assert not is_creditor_reference(text)
