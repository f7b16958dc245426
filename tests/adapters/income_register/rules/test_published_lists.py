"""The code lists and income types against the register's own documents, as text: every code, every
control rule, nothing more.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from exchange.schemas.income_register.in_force import period_of

pytestmark = pytest.mark.reference

#: The documents are of 2022.
OF_2022 = period_of((2022, 9, 1))
LISTS, WAGE_INCOME = OF_2022.lists, OF_2022.wage_income

#: Of the register's lists, those that no message of ours holds, or whose codes are words.
NOT_CODES = {
    "QueryDataSchemaVersion",
    "IncludeAllVersions",
    "AttachmentType",
    "ProductionEnvironment",
    "ExcludeSubstitutePayer",
}


def text(name: str) -> str:
    """A document as text."""
    return next(Path(os.environ["EXCHANGE_REFERENCE"]).rglob(name)).read_text(encoding="utf-8")


def published_lists() -> dict[str, set[str]]:
    """The lists by name, from the headings (`1.20 Ilmoituksen tila (ReportStatus)`) and the lines
    that begin with a code.
    """
    body = text("koodistot-2022.txt").partition("\n1 KOODISTOT")[2]
    lists: dict[str, set[str]] = {}
    current = ""
    for line in body.splitlines():
        if heading := re.match(r"1\.\d+ .*\((\w+) ?\) *$", line):
            current = heading[1]
            lists[current] = set()
        elif current and (code := re.match(r"(\d{1,5}|[A-Z]{2}) +\S", line)):
            lists[current].add(code[1])
    return lists


def rows(table: str) -> str:
    """The rows of a table, each in one line, without the headers of pages."""
    lines = [
        line
        for line in table.replace("\f", "\n").splitlines()
        if line.strip() and "Koodistot – Tulolajit 2022" not in line
    ]
    return re.sub(r"\n(?![1-4]\d\d )", " ", "\n".join(lines))


def test_every_list_has_the_published_codes() -> None:
    published = published_lists()
    assert len(published) > 55
    for name, codes in published.items():
        if name not in NOT_CODES:
            assert LISTS[name] == codes, name


def test_every_income_type_has_the_published_control_rules() -> None:
    body = text("palkat-koodistot-tulolajit-2022.txt")
    overview, _, rules = body.partition("1.1 Tulolajin koodi (TransactionCode) \n")[2].partition(
        "1.2 Tulolajien ohjaussäännöt \n"
    )
    rules, _, separate = rules.partition("2 TYÖNANTAJAN ERILLISILMOITUS \n")
    codes = re.findall(r"^([1-4]\d\d) .*?((?: +X)+) *$", rows(overview), re.MULTILINE)
    assert {code for code, _ in codes} == set(WAGE_INCOME)
    for code, marks in codes:
        income = WAGE_INCOME[code]
        assert marks.count("X") == 1 + income.negative + income.no_recovery, code
    yes = re.findall(
        r"^([1-4]\d\d) .*?((?:(?:Kyllä|Ei) +){3}(?:Kyllä|Ei))( +X)?", rows(rules), re.MULTILINE
    )
    assert {code for code, *_ in yes} == set(WAGE_INCOME)
    for code, insured, allowed in yes:
        income = WAGE_INCOME[code]
        assert {
            letter for letter, word in zip("PAUH", insured.split(), strict=True) if word == "Kyllä"
        } == set(income.insured), code
        assert bool(allowed) == income.insurance_data, code
    assert set(re.findall(r"^(\d{3}) ", separate, re.MULTILINE)) == LISTS["SummaryTransactionCode"]


def test_reporting_methods_follow_the_hundreds() -> None:
    ways = {"1": "total", "2": "itemised", "3": "separate", "4": "separate"}
    assert all(income.way == ways[code[0]] for code, income in WAGE_INCOME.items())
