"""What is recovered, and what is withheld beside it, by payment date: whether the income type was
one at that time, and amounts that may not be negative.
"""

from __future__ import annotations

import re

import pytest

from exchange.adapters.income_register.channel import declare
from exchange.adapters.income_register.recognition import RecognitionCache
from tests.adapters.income_register.judging import judged, judged_anew
from tests.adapters.income_register.rules.test_years import OFTEN, errors_of, paid_on, with_line

RULE = "ir.recovered-type-not-in-force"
RECOVERED = (
    "<Transaction><TransactionBasic><TransactionCode>366</TransactionCode><Amount>10.00</Amount>"
    "<Recovery>true</Recovery></TransactionBasic><RecoveryData><RecoveryDate>{0}</RecoveryDate>"
    "<OrigPaymentPeriods>{1}</OrigPaymentPeriods></RecoveryData></Transaction>"
)
#: (In force since 2024.) Periods as payment date, start and end; in which of them it was not.
IN_MAY = ("2024-05-15", "2024-05-01", "2024-05-28")
IN_DECEMBER, BEFORE = ("", "2023-12-01", "2023-12-31"), ("2023-12-29", "2023-12-01", "2023-12-31")
PAID_AFTER, PARTLY = ("2024-01-01", "2023-12-01", "2023-12-31"), ("", "2023-12-15", "2024-01-01")
PERIODS = {
    "2025-01-17": [
        ([IN_MAY], []),
        ([PARTLY], []),
        ([PAID_AFTER], []),
        ([PAID_AFTER, IN_MAY], []),
        ([BEFORE], [0]),
        ([IN_DECEMBER], [0]),
        ([IN_MAY, BEFORE], [1]),
        # Not all payment dates are told: then it is the periods that count.
        ([PAID_AFTER, PARTLY], [0]),
    ],
    "2024-12-31": [
        ([IN_MAY], []),
        ([IN_DECEMBER], []),
        ([PAID_AFTER, IN_DECEMBER], []),
        ([BEFORE], [0]),
        ([IN_DECEMBER, BEFORE], [1]),
    ],
}
CASES = [(day, *case) for day, cases in PERIODS.items() for case in cases]


def recovered(day: str, periods: list[tuple[str, str, str]]) -> bytes:
    """A delivery each report of which recovers pay of these periods."""
    written = "".join(
        f"<OrigPaymentPeriod>{f'<PaymentDate>{paid}</PaymentDate>' if paid else ''}"
        f"<StartDate>{start}</StartDate><EndDate>{end}</EndDate></OrigPaymentPeriod>"
        for paid, start, end in periods
    )
    return with_line(paid_on(day), RECOVERED.format(day, written).encode())


@pytest.mark.parametrize(("day", "periods", "wrong"), CASES)
def test_a_recovered_type_was_one_at_that_time_whatever_was_recognised(
    day: str, periods: list[tuple[str, str, str]], wrong: list[int]
) -> None:
    body = recovered(day, periods)
    anew = judged_anew(body)
    paths = [each["path"] for each in anew[3] if each["rule"] == RULE]
    last = [int((re.findall(r"OrigPaymentPeriod\[(\d)\]$", path) or ["1"])[0]) for path in paths]
    assert sorted(set(last)) == [number + 1 for number in wrong]
    assert len(last) in (0, 6), "in each report"
    channel = declare(RecognitionCache())
    fine = [(IN_MAY if paid else PARTLY) for paid, *_ in periods]
    for _ in range(OFTEN):
        assert RULE not in {each["rule"] for each in judged(recovered(day, fine), channel)[3]}
    for _ in range(2):
        assert judged(body, channel) == anew


WITHHELD = (
    b"<Transaction><TransactionBasic><TransactionCode>%b</TransactionCode><Amount>%b</Amount>"
    b"<TaxTreatment>1</TaxTreatment></TransactionBasic><EarningPeriod><StartDate>2021-06-01"
    b"</StartDate><EndDate>2021-06-30</EndDate></EarningPeriod></Transaction>"
)
GIVEN_BACK = (
    b"<Transaction><TransactionBasic><TransactionCode>9112</TransactionCode><Amount>10.00</Amount>"
    b"<TaxTreatment>1</TaxTreatment><Recovery>true</Recovery>%b</TransactionBasic><EarningPeriod>"
    b"<StartDate>2021-06-01</StartDate><EndDate>2021-06-30</EndDate></EarningPeriod><RecoveryData>"
    b"<RecoveryDate>2021-12-31</RecoveryDate><OrigEarningPeriod><StartDate>2021-06-01</StartDate>"
    b"<EndDate>2021-06-30</EndDate></OrigEarningPeriod></RecoveryData></Transaction>"
)


@pytest.mark.parametrize(
    ("day", "code", "amount", "back", "refused"),
    [
        ("2022-01-01", b"1266", b"-1.00", GIVEN_BACK % b"", True),
        ("2022-01-01", b"1267", b"-0.01", GIVEN_BACK % b"", True),
        ("2022-01-01", b"1266", b"0.00", GIVEN_BACK % b"", False),
        ("2022-01-01", b"1268", b"-1.00", GIVEN_BACK % b"", False),
        ("2022-01-01", b"1266", b"-1.00", b"", False),
        ("2021-12-31", b"1266", b"-1.00", GIVEN_BACK % b"", False),
        (
            "2022-01-01",
            b"1267",
            b"-1.00",
            (GIVEN_BACK % b"<UnpromptedRefund>true</UnpromptedRefund>"),
            True,
        ),
    ],
)
def test_what_is_withheld_is_not_negative_where_something_is_given_back(
    day: str, code: bytes, amount: bytes, back: bytes, refused: bool
) -> None:
    body = with_line(paid_on(day, "fund"), WITHHELD % (code, amount) + back)
    assert errors_of(body) == ({"ir.amount-negative"} if refused else set())


@pytest.mark.parametrize(("day", "early"), [("2020-12-31", True), ("2021-01-01", False)])
def test_benefits_are_reported_since_2021(day: str, early: bool) -> None:
    for kind, refused in (("kela", early), ("wages", False)):
        assert ("ir.payment-date-early" in errors_of(paid_on(day, kind))) == refused
