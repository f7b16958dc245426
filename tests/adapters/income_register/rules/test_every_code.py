"""Every row of the tables of codes, the day before its first payment date, on it, on its last and
the day after; the tables are read again here, and against the register's own where those are at
hand.
"""

from __future__ import annotations

import csv
import datetime
import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from exchange.adapters.income_register.findings import Book, Day
from exchange.adapters.income_register.rules.field import _BY_NAME, _BY_PARENT, check_fields
from exchange.schemas import income_register
from exchange.schemas.income_register.codes import (
    BENEFIT_INCOME,
    ERRORS_BY_CODE,
    FIRST_DAY,
    LAST_DAY,
)
from tests.adapters.income_register.judging import judged_anew
from tests.adapters.income_register.rules.test_years import (
    EARNER_END,
    LINE,
    TYPE,
    absent,
    errors_of,
    paid_on,
    with_earner,
    with_line,
)

FOLDER = Path(income_register.__file__).parent
Row = dict[str, Any]
DAY = datetime.timedelta(days=1)


def table(name: str, key: str) -> list[Row]:
    return list(tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))[key])


CODES, GROWING = table("changes.toml", "code"), table("changes.toml", "growing")
WAGES = {str(row["code"]): row for row in table("wage_income_types.toml", "wage_income_types")}
BENEFITS = {
    str(row["code"]): row for row in table("benefit_income_types.toml", "benefit_income_types")
}
LISTS: dict[str, list[Any]] = tomllib.loads((FOLDER / "codes.toml").read_text("utf-8"))["lists"]


def holds(row: Row, day: datetime.date) -> bool:
    return bool(row.get("since", day) <= day <= row.get("until", day))


def edges(*rows: Row) -> list[datetime.date]:
    """The days on which rows begin to hold or end, and those next to them, since pay is reported."""
    days = {datetime.date(2019, 1, 1)}
    for row in rows:
        if "since" in row:
            days |= {row["since"] - DAY, row["since"]}
        if "until" in row:
            days |= {row["until"], row["until"] + DAY}
    return sorted(day for day in days if day.year >= 2019)


def expected(name: str, code: str, rows: list[Row], day: datetime.date) -> str:
    """How a code is told on a day: `rows` are those of the list that name it."""
    if rows:
        return "" if all(holds(row, day) for row in rows) else "error"
    grown = (row for row in GROWING if row["list"] == name and holds(row, day))
    return "warning" if any(row["first"] <= int(code) <= row["last"] for row in grown) else "error"


def unknown(body: bytes, rule: str) -> dict[str, str]:
    """How severely which codes are told to be unknown."""
    told = judged_anew(body)[3]
    return {each["found"]: each["severity"] for each in told if each["rule"] == rule}


@pytest.mark.parametrize("day", edges(*WAGES.values(), *GROWING), ids=str)
def test_every_income_type_of_wages_on_its_days(day: datetime.date) -> None:
    more = ["100", "369", "399", "400", "421", "999"]
    lines = b"".join(LINE % code.encode() for code in (*WAGES, *more))
    told = unknown(one_report(with_line(paid_on(str(day)), lines)), "ir.transaction-code-unknown")
    for code in (*WAGES, *more):
        rows = [WAGES[code]] if code in WAGES else []
        assert told.get(code, "") == expected("TransactionCode", code, rows, day), code


def one_report(body: bytes) -> bytes:
    """A delivery with its first report alone."""
    reports = re.findall(rb"<Report>.*?</Report>", body)
    return re.sub(rb"<Reports>.*</Reports>", b"<Reports>%b</Reports>" % reports[0], body)


@pytest.mark.parametrize("day", edges(*BENEFITS.values()), ids=str)
def test_every_income_type_of_benefits_on_its_days(day: datetime.date) -> None:
    given = one_report(paid_on(str(day), "kela"))
    line = re.search(rb"<Transaction>.*?</Transaction>", given)
    assert line is not None
    more = ["1426", "999", "10000"]
    lines = b"".join(
        re.sub(rb"(<TransactionCode>)\d+", rb"\g<1>%b" % code.encode(), line[0])
        for code in (*BENEFITS, *more)
    )
    told = unknown(with_line(given, lines), "ir.transaction-code-unknown")
    for code, row in BENEFITS.items():
        assert told.get(code, "") == expected("", code, [row], day), code
    # (The register's list is longer than what is public of it.)
    assert [told.get(code) for code in more] == ["warning", "error", "error"]


def places(name: str) -> list[str]:
    """Where the codes of a list stand: an element, or one in another."""
    alone = [f"<{tag}>%s</{tag}>" for tag, of in _BY_NAME.items() if of == name]
    return alone + [
        f"<{around}><{tag}>%s</{tag}></{around}>"
        for (tag, around), of in _BY_PARENT.items()
        if of == name
    ]


@pytest.mark.parametrize("day", edges(*CODES, *GROWING), ids=str)
def test_every_code_of_a_list_on_its_days(day: datetime.date) -> None:
    seen = 0
    for name, codes in LISTS.items():
        integers = [str(code) for code in codes if str(code).isdigit()]
        more = [str(max(map(int, integers), default=0) + 1), "987"]
        for place in places(name):
            every = [*map(str, codes), *(each for each in more if each not in integers)]
            book = Book(wages=True)
            book.pay_on(Day(day.year, day.month, day.day))
            inside = "".join(place % code for code in every)
            check_fields(book, etree.fromstring(f"<Report>{inside}</Report>"))
            told = {each.found: each.severity for each in book.findings}
            for code in every if integers else map(str, codes):
                rows = [row for row in CODES if (row["list"], str(row["code"])) == (name, code)]
                known = [*rows, {}] if code in map(str, codes) else []
                assert told.get(code, "") == expected(name, code, known, day), (name, code)
            seen += len(every)
    assert seen > 300


def claim(body: bytes, cause: bytes, inside: bytes, on: bytes = b"") -> bytes:
    """Each earner absent with pay for a cause (on the payment date, or on that day), with something
    in the period's data.
    """
    day = on or re.search(rb"<PaymentDate>([^<]*)", body)[1]  # type: ignore[index]
    period = (
        b"<Absence><AbsenceRepStartDate>%b</AbsenceRepStartDate><AbsenceRepEndDate>%b"
        b"</AbsenceRepEndDate><PaidAbsence><PaidAbsencePeriods><PaidAbsencePeriod><StartDate>%b"
        b"</StartDate><EndDate>%b</EndDate><AbsenceDays>1</AbsenceDays><CauseCode>%b</CauseCode>"
        b"<Amount>1.00</Amount>%b</PaidAbsencePeriod></PaidAbsencePeriods></PaidAbsence></Absence>"
        % (*((day,) * 4), cause, inside)
    )
    return body.replace(b"</Transactions></Report>", b"</Transactions>" + period + b"</Report>")


KIND = (
    b"<ReimbApp><ReimbPayment><PaymentType>%b</PaymentType><PaymentRef>1</PaymentRef>"
    b"</ReimbPayment></ReimbApp>"
)
DEDUCTION = (
    b"<Deductions><Deduction><DeductionTransactionCode>9106</DeductionTransactionCode>"
    b"<DeductionType>%b</DeductionType><Amount>1.00</Amount><OrigBenefitEarningPeriod>"
    b"<StartDate>2021-06-01</StartDate><EndDate>2021-06-30</EndDate></OrigBenefitEarningPeriod>"
    b"<RemittancePeriod><StartDate>2021-06-01</StartDate><EndDate>2021-06-30</EndDate>"
    b"</RemittancePeriod></Deduction></Deductions>"
)
#: How a code of each list whose codes have dates is put into a delivery, and the rule that it
#: breaks.
WRITTEN: dict[str, tuple[str, str, Callable[[bytes, bytes], bytes]]] = {
    "IncomeEarnerType": (
        "wages",
        "ir.code-unknown",
        lambda body, code: with_earner(body, TYPE % code),
    ),
    "PaidAbsenceCauseCode": (
        "wages",
        "ir.absence-cause-unknown",
        lambda body, code: claim(body, code, b""),
    ),
    "UnpaidAbsenceCauseCode": ("wages", "ir.code-unknown", absent),
    "ReimbPaymentType": (
        "wages",
        "ir.claim-type-unknown",
        lambda body, code: claim(body, b"23", KIND % code),
    ),
    "CBACode": (
        "wages",
        "ir.code-unknown",
        lambda body, code: body.replace(
            EARNER_END,
            b"<IncomeEarnerOther><CBACode>%b</CBACode></IncomeEarnerOther>" % code + EARNER_END,
        ),
    ),
    "DeductionType": (
        "fund",
        "ir.code-unknown",
        lambda body, code: body.replace(b"</Transaction>", DEDUCTION % code + b"</Transaction>", 1),
    ),
}


@pytest.mark.parametrize("row", CODES, ids=lambda row: f"{row['list']} {row['code']}")
def test_every_code_with_dates_in_a_delivery(row: Row) -> None:
    kind, rule, write = WRITTEN[row["list"]]
    code = str(row["code"])
    for day in edges(row)[1:]:
        before = paid_on(str(day), kind)
        body = write(before, code.encode())
        assert body != before
        assert not any(each.startswith("xsd.") for each in errors_of(body)), "it is by the schema"
        told = unknown(body, rule)
        assert told.get(code, "") == ("" if holds(row, day) else "error"), day


@pytest.mark.reference
def test_benefit_income_types_are_those_of_the_registers_table() -> None:
    path = Path(os.environ["EXCHANGE_REFERENCE"]) / "income-register" / "benefit-income-types.tsv"
    with path.open(encoding="utf-8") as lines:
        theirs = {
            row["code"]: row for row in csv.DictReader(lines, delimiter="\t") if row["code"] != "?"
        }
    ours = {code: each for code, each in BENEFIT_INCOME.items() if each.basis == "published"}
    assert set(theirs) == set(ours)
    for code, row in theirs.items():
        each = ours[code]
        english = row["name_en"].removesuffix(" [our translation]")
        assert (each.fi, each.sv, each.en) == (row["name_fi"], row["name_sv"], english), code
        notes = row["rules_and_notes"]
        assert each.unit == ("BenefitUnit mandatory" in notes), code
        assert each.no_recovery == ("UnjustEnrichment, Recovery" in notes), code
        ends = re.fullmatch(r"\d{4}-\d\d-\d\d", row["valid_to"])
        assert str(each.until) == (row["valid_to"] if ends else str(LAST_DAY)), code
        # (No benefit is reported that was paid before 2021: rule payment-date-early.)
        since = "2021-01-01" if each.since == FIRST_DAY else str(each.since)
        assert row["valid_from"] in ("", since), code


@pytest.mark.reference
def test_the_registers_own_error_codes_are_those_of_its_table_in_three_languages() -> None:
    path = Path(os.environ["EXCHANGE_REFERENCE"]) / "income-register" / "ir-error-codes.tsv"
    with path.open(encoding="utf-8") as lines:
        theirs = {row["code"]: row for row in csv.DictReader(lines, delimiter="\t")}
    ours = {code: each for code, each in ERRORS_BY_CODE.items() if not code.startswith("IR")}
    assert set(theirs) == set(ours)
    for code, row in theirs.items():
        each = ours[code]
        of_payer = row["level"].startswith("delivery")
        assert each.level == ("payment" if of_payer else "item"), code
        assert len({each.fi, each.sv, each.en}) == 3, code
