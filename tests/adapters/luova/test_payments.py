"""Tests of payment messages: sums and counts that agree, accounts and references, and what is found
when they do not.
"""

from __future__ import annotations

import datetime
import functools
import random
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from exchange.adapters.luova.families.payments.generate import (
    PAYMENTS,
    credit_transfers,
    reference_check,
)
from exchange.adapters.luova.families.payments.partner import MESSAGES_2024
from exchange.adapters.luova.families.payments.rules import (
    FINDINGS_MAX,
    _accounts,
    _cents,
    _is_iban,
    _sum,
    is_reference_number,
)
from exchange.assembly import checking
from exchange.schemas.identifiers import is_creditor_reference, is_iban
from exchange.schemas.violation import Violation
from exchange.statistics import rows

DAY = datetime.date(2024, 5, 2)


judge = functools.cache(checking)


def check(body: bytes) -> list[Violation]:
    return judge().check(body, "payments.credit-transfers").violations


def rules_of(body: bytes) -> list[str]:
    return [violation.rule for violation in check(body)]


@given(st.integers(1, 60), st.integers(0, 2**32), st.integers(0, 5))
def test_what_is_generated_adds_up_and_holds_valid_accounts_and_references(
    count: int, seed: int, bank: int
) -> None:
    generated = credit_transfers(random.Random(seed), DAY, seed, count, bank)
    text = generated.body.decode()
    amounts = [Decimal(amount) for amount in re.findall(r'Ccy="EUR">([0-9.]+)<', text)]
    assert len(amounts) == generated.items == count
    assert re.findall(r"<NbOfTxs>(\d+)<", text) == [str(count)] * 2
    assert {Decimal(total) for total in re.findall(r"<CtrlSum>([0-9.]+)<", text)} == {sum(amounts)}
    assert all(map(is_iban, re.findall(r"<IBAN>(\w+)<", text)))
    for reference in re.findall(r"<Ref>(\w+)<", text):
        assert (
            is_creditor_reference(reference)
            if reference.startswith("RF")
            else is_reference_number(reference)
        )


def test_the_mean_size_of_a_message_is_the_published_one() -> None:
    published = {
        row.id: row.published[2024] for row in rows.load().rows if row.section == "payments"
    }
    assert published["payments.messages-sent"] == MESSAGES_2024
    payments = published["payments.payments-in-messages"]
    assert isinstance(payments, int)
    assert round(payments / MESSAGES_2024) == sum(PAYMENTS) / 2


@given(st.from_regex(r"[1-9][0-9]{2,18}", fullmatch=True))
def test_one_check_digit_makes_a_reference_number(number: str) -> None:
    valid = [digit for digit in "0123456789" if is_reference_number(number + digit)]
    assert valid == [str(reference_check(number))]


@pytest.mark.parametrize("text", ["", "123", "12٣4", "1" * 21, "12-4", "RF18"])
def test_what_is_no_reference_number(text: str) -> None:
    assert not is_reference_number(text)


def test_a_published_reference_number_is_one() -> None:
    assert is_reference_number(
        "1232"
    )  # the shortest there is: weights 7, 3, 1 of 123 give 28, so the check digit is 2


def test_ids_of_the_largest_message_and_the_highest_serial_number_fit() -> None:
    assert check(credit_transfers(random.Random(1), DAY, 2**63 - 1, PAYMENTS[1]).body) == []


def test_one_digit_of_an_account_changed_is_found_where_it_stands() -> None:
    text = credit_transfers(random.Random(1), DAY, 1, 20).body.decode()
    at = [match.start() for match in re.finditer("<IBAN>", text)][7] + len("<IBAN>FI12000")
    broken = text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :]
    [violation] = check(broken.encode())
    assert (violation.rule, violation.item) == ("payments.iban", 6)
    assert violation.path.endswith("/CdtTrfTxInf[7]/CdtrAcct/Id/IBAN")
    assert violation.line == 2
    assert violation.column == text[:at].rpartition("\n")[2].rindex("<IBAN>") + 1


def test_an_account_of_another_country_is_judged_by_its_own_rules() -> None:
    body = credit_transfers(random.Random(1), DAY, 1, 1).body
    parts = re.split(rb"(?<=<CdtrAcct><Id><IBAN>)\w+", body)
    assert rules_of(b"EE382200221020145685".join(parts)) == []
    assert rules_of(b"EE382200221020145686".join(parts)) == ["payments.iban"]
    assert rules_of(b"FI9999".join(parts)) == ["payments.iban"]


def test_sums_are_exact_however_they_are_written() -> None:
    body = credit_transfers(random.Random(1), DAY, 1, 1).body
    amount = re.search(rb'Ccy="EUR">([0-9.]+)<', body)[1]  # type: ignore[index]
    assert rules_of(body.replace(amount, b"12.5")) == []
    assert rules_of(body.replace(b'"EUR">' + amount, b'"EUR">12.5')) == ["payments.control-sum"] * 2
    assert rules_of(body.replace(b"<CtrlSum>" + amount + b"</CtrlSum>", b"")) == []


def test_a_message_full_of_faults_is_judged_to_a_limit() -> None:
    body = credit_transfers(random.Random(1), DAY, 1, 500).body
    broken = re.sub(rb"<EndToEndId>[^<]+<", b"<EndToEndId>same<", body)
    violations = check(broken)
    assert len(violations) == FINDINGS_MAX
    assert {violation.rule for violation in violations} == {"payments.end-to-end-id"}
    assert rules_of(re.sub(rb"<EndToEndId>[^<]+<", b"<EndToEndId>NOTPROVIDED<", body)) == []


def of_two_instructions(body: bytes) -> bytes:
    """The same message with its instruction twice, without the message's own count and sum."""
    text = re.sub(
        rb"<NbOfTxs>\d+</NbOfTxs><CtrlSum>[0-9.]+</CtrlSum>(?=<InitgPty>)",
        b"<NbOfTxs>6</NbOfTxs>",
        body,
    )
    start, end = text.index(b"<PmtInf>"), text.index(b"</PmtInf>") + len(b"</PmtInf>")
    return text[:end] + text[start:]


def test_an_id_that_an_earlier_instruction_has_is_found_at_the_later_one() -> None:
    violations = check(of_two_instructions(credit_transfers(random.Random(1), DAY, 1, 3).body))
    assert [(each.rule, each.item) for each in violations] == [
        ("payments.end-to-end-id", item) for item in (3, 4, 5)
    ]


@given(
    st.lists(
        st.sampled_from(
            ["0.01", "12.50", "12.5", "7", "+3.00", "99999999999999999.00", "1_0.00", "-", ""]
        ),
        max_size=6,
    )
)
def test_a_sum_is_the_same_whether_amounts_are_reckoned_at_once_or_one_by_one(
    texts: list[str],
) -> None:
    amounts = [etree.fromstring(f"<a>{text}</a>") for text in texts]
    cents = [_cents(amount) for amount in amounts]
    expected = None if None in cents else sum(each for each in cents if each is not None)
    assert _sum(amounts) == expected


@given(
    st.lists(st.from_regex(r"FI(0[0-9]|9[0-9]|[1-8][0-9])[0-9]{14}", fullmatch=True), max_size=3),
    st.booleans(),
)
def test_accounts_are_judged_the_same_at_once_or_one_by_one(
    ibans: list[str], foreign: bool
) -> None:
    right = ["FI2112345600000785", *(["EE382200221020145685"] if foreign else [])]
    accounts = [etree.fromstring(f"<a>{text}</a>") for text in right + ibans]
    assert [finding.at.text for finding in _accounts(accounts)] == [
        text for text in ibans if not _is_iban(text)
    ]
    assert [finding.at.text for finding in _accounts(accounts[: len(right)])] == []


def test_check_digits_that_nobody_gives_out_are_wrong_even_where_the_remainder_is_right() -> None:
    bank = "12345600000785"
    agreeing = [
        f"FI{digits:02d}{bank}" for digits in range(100) if int(f"{bank}1518{digits:02d}") % 97 == 1
    ]
    assert agreeing == ["FI21" + bank]
    for rest in ("00", "01", "99"):
        body = next(
            text
            for text in (f"{number:014d}" for number in range(1000))
            if int(f"{text}1518{rest}") % 97 == 1
        )
        assert [
            finding.rule for finding in _accounts([etree.fromstring(f"<a>FI{rest}{body}</a>")])
        ] == ["payments.iban"]


@pytest.mark.parametrize(
    ("sent", "executed"),
    [
        ("2024-12-20", "2024-12-27"),  # not on the eve of Christmas, nor on the holidays
        ("2024-06-19", "2024-06-24"),  # the eve of Midsummer
        ("2024-03-27", "2024-04-02"),  # Good Friday to Easter Monday
        ("2024-04-29", "2024-05-02"),  # May Day
        ("2024-05-04", "2024-05-07"),  # a message of a Saturday
    ],
)
def test_nothing_is_paid_on_a_day_on_which_no_bank_works(sent: str, executed: str) -> None:
    generated = credit_transfers(random.Random(1), datetime.date.fromisoformat(sent), 1, 3)
    assert f"<ReqdExctnDt><Dt>{executed}</Dt>" in generated.body.decode()
    assert check(generated.body) == []


@pytest.mark.parametrize(
    ("day", "next_one"), [("2024-12-24", "2024-12-27"), ("2024-12-21", "2024-12-23")]
)
def test_a_payment_for_such_a_day_is_a_warning_that_names_the_next_bank_day(
    day: str, next_one: str
) -> None:
    body = credit_transfers(random.Random(1), datetime.date(2024, 12, 20), 1, 3).body
    (found,) = check(body.replace(b"<Dt>2024-12-27</Dt>", f"<Dt>{day}</Dt>".encode()))
    assert (found.rule, found.severity, found.expected, found.found) == (
        "payments.bank-day",
        "warning",
        next_one,
        day,
    )
