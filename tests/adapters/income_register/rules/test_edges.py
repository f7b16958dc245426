"""Values at the edge of what can be: the last day on which pay is taken in ahead, texts that are no
integers, check digits.
"""

from __future__ import annotations

import datetime
import re

import pytest
from lxml import etree

from exchange.adapters.income_register import parse
from exchange.adapters.income_register.findings import Book, Day
from exchange.adapters.income_register.identify import identify
from exchange.adapters.income_register.rules.field import check_fields
from exchange.adapters.income_register.rules.judge import rules
from exchange.ports import Context
from exchange.schemas.catalogue import Catalogue
from tests.adapters.income_register.judging import (
    EVERYBODY,
    JUDGE,
    NOW,
    UNAIDED,
    delivery,
    inbound,
    judged_anew,
)
from tests.adapters.income_register.rules.test_generated_months import month
from tests.adapters.income_register.rules.test_years import paid_on


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2026-11-16T21:59:59", "2026-12-31"),
        # In Finland it is midnight (in November two hours before it is UTC's).
        ("2026-11-16T22:00:00", "2027-01-01"),
        ("2026-05-31T20:59:59", "2026-07-15"),
        ("2026-05-31T21:00:00", "2026-07-16"),
        ("2024-01-15T12:00:00", "2024-02-29"),
    ],
)
def test_pay_is_reported_45_finnish_days_ahead_and_no_more(now: str, last: str) -> None:
    moment = datetime.datetime.fromisoformat(f"{now}+00:00")
    day_after = datetime.date.fromisoformat(last) + datetime.timedelta(days=1)
    for day, refused in ((last, False), (str(day_after), True)):
        body = re.sub(rb"<Timestamp>[^<]*", f"<Timestamp>{now}Z".encode(), paid_on(day))
        context = Context(EVERYBODY, int(moment.timestamp() * 1000))
        judgement = JUDGE.decide(UNAIDED, JUDGE.read(UNAIDED, inbound(body)), context)
        told = {each.rule for each in judgement.violations if each.severity == "error"}
        assert told == ({"ir.payment-date-late"} if refused else set()), day


#: What an integer's element may hold and no rule may stumble over.
NO_INTEGERS = ("\u00b2", "\u0663", "9" * 5_000, "--1", "-", "1_000", "0x10", "\u2212" + "1")


@pytest.mark.parametrize("kind", ["wages", "kela", "separate"])
def test_what_is_no_integer_ends_no_rule(kind: str) -> None:
    body = month(2026, 2, kind)[0]
    tags = sorted(set(re.findall(rb"<(\w+)>\d{1,9}</", body)))
    assert len(tags) > 5
    for tag in tags:
        for value in NO_INTEGERS:
            broken = re.sub(
                rb"<%b>\d{1,9}</" % tag, b"<%b>%b</" % (tag, value.encode()), body, count=1
            )
            parsed = parse.parse(inbound(broken))
            rules(parsed, identify(parsed), Context(EVERYBODY, NOW))


@pytest.mark.parametrize("party", ["DeliveryDataCreator", "DeliveryDataSender"])
def test_an_identifier_of_the_header_has_its_check_digit(party: str) -> None:
    opening = f"<{party}><Type>1</Type><Code>"
    head, _, tail = delivery(1).decode().partition(opening)
    digit = int(tail[8])
    wrong = f"{head}{opening}{tail[:8]}{(digit + 1) % 10}{tail[9:]}".encode()
    (told,) = [each for each in judged_anew(wrong)[3] if each["rule"].endswith(".business-id")]
    assert told["path"].endswith(f"/{party}/Code")


def lists_of_identifiers() -> set[str]:
    """The elements that hold several identifiers of one party, by the schemas of what is sent."""
    folder = Catalogue.load().get("income-register.wage-reports").folder
    schemas = [*folder.glob("*_to_ir.xsd"), folder / "wage_earner_and_pay.xsd"]
    return {
        str(name)
        for path in schemas
        for name in etree.parse(path).xpath("//*[@type='ir:Ids']/@name")
    }


@pytest.mark.parametrize("name", sorted(lists_of_identifiers()))
def test_several_identifiers_of_any_party_are_of_different_types_since_2026(name: str) -> None:
    one = "<Id><Type>6</Type><Code>{}</Code><CountryCode>SE</CountryCode></Id>"
    part = etree.fromstring(f"<P><{name}>{one.format(1)}{one.format(2)}</{name}></P>")
    told = []
    for day in (Day(2025, 12, 31), Day(2026, 1, 1)):
        book = Book(wages=True)
        book.pay_on(day)
        check_fields(book, part)
        told.append({finding.rule for finding in book.findings})
    assert told == [set(), {"ir.identifier-type-repeated"}]
