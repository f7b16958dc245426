"""One delivery for each guard of what is recognised: what the channel knows is shown to be known
first, then a delivery that differs from it by what the guard is for is judged as if nothing were.
"""

from __future__ import annotations

import re

import pytest

from exchange.adapters.income_register.recognition.forms import SEEN_MIN
from exchange.adapters.income_register.spans import bounds, chunks_of, cut
from exchange.schemas.identifiers import CHECK_CHARACTERS, make_business_id
from tests.adapters.income_register.judging import (
    EMPLOYER,
    KNOWN,
    SOAP,
    delivery,
    is_known_header,
    judged,
    judged_anew,
    reports_left_out,
    rules_broken,
)

ENVELOPE = b'<s:Envelope xmlns:s="' + SOAP.encode() + b'"><s:Body>%b</s:Body></s:Envelope>'
REPORTS = 9


@pytest.fixture(scope="module", autouse=True)
def warm_cache() -> None:
    for seed in range(3):
        assert judged(delivery(seed, 200))[0]


def header_of(body: bytes) -> bytes:
    """The bytes that a header is known by."""
    return body[body.index(b"<DeliveryData>") : body.index(b"<Reports>") + len(b"<Reports>")]


def with_bad_creator(body: bytes) -> bytes:
    """The delivery with a creator whose business id has another check character."""
    changed = re.sub(rb"(<DeliveryDataCreator><Type>1</Type><Code>)[^<]*", rb"\g<1>1234567-8", body)
    assert changed != body
    return changed


@pytest.mark.parametrize("hidden", [b"<!-- %b -->", b"<?x %b ?>", b"<![CDATA[%b]]>"])
def test_a_known_header_that_is_hidden_before_the_real_one_is_not_taken_for_it(
    hidden: bytes,
) -> None:
    good = delivery(1)
    assert judged(good)[0]
    assert is_known_header(ENVELOPE % good)
    # In the place of one of the ancestors' start tags, so that there are as many as there should
    # be.
    bad = ENVELOPE % (hidden % header_of(good) + with_bad_creator(good))
    found = judged(bad)
    assert not found[0]
    assert "ir.business-id" in rules_broken(found) or found[2] == "type-unknown"
    assert found == judged_anew(bad)


def test_what_a_comment_hides_of_a_header_is_not_admitted() -> None:
    good = delivery(1)
    assert judged(good)[0]
    assert is_known_header(good)
    # What seems to be the start of the reports would end the header before its payer.
    cut_short = good.replace(b"<Payer>", b"<!--<Reports>--><Payer>")
    assert judged(cut_short)[0]
    payer = cut_short.index(b"<Payer>")
    bad = cut_short[:payer] + cut_short[payer:].replace(
        EMPLOYER.business_id.encode(), b"1234567-8", 1
    )
    found = judged(bad)
    assert "ir.business-id" in rules_broken(found)
    assert found == judged_anew(bad)


def known() -> bytes:
    """A delivery of wages all of whose reports are left out."""
    body = delivery(1001, REPORTS)
    for _ in range(SEEN_MIN):
        assert judged(body)[0]
    assert reports_left_out(body) == REPORTS
    return body


def test_an_earners_check_character_is_computed() -> None:
    body = known()
    code = re.search(rb"<IncomeEarnerIds><Id><Type>2</Type><Code>([^<]*)", body)
    assert code is not None
    wrong = CHECK_CHARACTERS[(CHECK_CHARACTERS.index(chr(code[1][-1])) + 1) % 31].encode()
    bad = body[: code.end() - 1] + wrong + body[code.end() :]
    found = judged(bad)
    assert "ir.personal-identity-code" in rules_broken(found)
    assert found == judged_anew(bad)


def of_companies(payer_too: bool) -> bytes:
    """A delivery of wages to companies; one of them may be the payer itself."""
    numbers = iter(range(2_100_000, 2_200_000))
    head, *reports = re.split(rb"(?=<Report>)", delivery(5, 60).partition(b"</Reports>")[0])
    plain = [report for report in reports if b"Absence" not in report]
    body = head + b"".join(plain) + b"</Reports></DeliveryData></r:WageReportsRequestToIR>"
    earner = re.compile(rb"(<IncomeEarnerIds><Id><Type>)2(</Type><Code>)[^<]*")
    codes = (make_business_id(next(numbers)).encode() for _ in range(1000))
    body = earner.sub(lambda match: match[1] + b"1" + match[2] + next(codes), body)
    names = re.compile(rb"<LastName>[^<]*</LastName><FirstName>[^<]*</FirstName>")
    body = names.sub(b"<CompanyName>Kuulas Oy</CompanyName>", body)
    if payer_too:
        last = list(re.finditer(rb"<IncomeEarnerIds><Id><Type>1</Type><Code>([^<]*)", body))[-1]
        body = body[: last.start(1)] + EMPLOYER.business_id.encode() + body[last.end(1) :]
    return body


def test_the_payer_is_no_earner_of_its_own() -> None:
    for _ in range(SEEN_MIN):
        assert judged(of_companies(payer_too=False))[3] == []
    body = of_companies(payer_too=True)
    abridged = KNOWN.abridged(body)
    assert abridged is not None
    assert EMPLOYER.business_id.encode() in abridged.codes, "its report is known but for the code"
    found = judged(body)
    assert "ir.earner-is-payer" in rules_broken(found)
    assert found == judged_anew(body)


def test_a_period_that_ends_before_it_starts_is_found() -> None:
    body = known()
    period = re.search(
        rb"<EarningPeriod><StartDate>[^<]*</StartDate><EndDate>([^<]*)</EndDate>", body
    )
    assert period is not None
    bad = body[: period.start(1)] + b"2026-01-01" + body[period.end(1) :]
    found = judged(bad)
    assert "ir.period-order" in rules_broken(found)
    assert found == judged_anew(bad)


SPELLED_OTHERWISE = {
    "a report with a space in its tag": (b"<Report><ReportData>", b"<Report ><ReportData>"),
    "an end tag with a space": (b"</Report><Report>", b"</Report ><Report>"),
}


@pytest.mark.parametrize("name", SPELLED_OTHERWISE)
def test_reports_spelled_otherwise_beside_known_ones_are_judged(name: str) -> None:
    old, new = SPELLED_OTHERWISE[name]
    body = known()
    at = body.index(old, body.index(b"</Report>"))
    respelled = body[:at] + new + body[at + len(old) :]
    amount = respelled.index(b"<Amount>", at) + len(b"<Amount>")
    bad = respelled[:amount] + b"-" + respelled[amount:]
    found = judged(bad)
    assert "ir.amount-negative" in rules_broken(found)
    assert found == judged_anew(bad)


def misled(body: bytes) -> dict[str, bytes]:
    """Deliveries whose reports can't be told from the bytes, by what hides them."""
    start, end = body.index(b"<Reports>"), body.index(b"</Reports>") + len(b"</Reports>")
    fine, head, tail = body[start:end], body[:start], body[end:]
    other = fine.replace(b"Report>", b"Report >").replace(b"Reports>", b"Reports >")
    first_end = body.index(b"</Report>") + len(b"</Report>")
    return {
        "a comment": body[:first_end] + b"<!-- </Report> -->" + body[first_end:],
        "a section of characters": head + b"<![CDATA[]]>" + fine + tail,
        "an instruction": body[:first_end] + b"<?x </Report>?>" + body[first_end:],
        "a character reference": body.replace(b"<LastName>", b"<LastName>&#65;", 1),
        "reports beside them": head + other + fine + tail,
        "reports before them": head + fine + other + tail,
        "a report's end before them": head + b"</Report >" + fine + tail,
        "a report in one tag before them": head + b"<Report />" + fine + tail,
        "a signature before them": head + b"<Signature/>" + fine + tail,
        "no report": head + b"<Reports></Reports>" + tail,
    }


@pytest.mark.parametrize("name", misled(delivery(1001, REPORTS)))
def test_what_cant_be_told_from_the_bytes_is_neither_abridged_nor_cut(name: str) -> None:
    body = known()
    assert bounds(body) is not None
    assert cut(body, large_bytes=0) is not None
    odd = misled(body)[name]
    assert bounds(odd) is None
    assert cut(odd, large_bytes=0) is None
    assert KNOWN.abridged(odd) is None


UNCUT = {
    "a signature among them": (b"</Report><Report>", b"</Report><Signature/><Report>"),
    "something after the last": (b"</Report></Reports>", b"</Report><x/></Reports>"),
    "a report whose references are not plain": (b"<ReportData>", b"<ReportData >"),
}


@pytest.mark.parametrize("name", UNCUT)
def test_reports_that_are_not_plain_are_not_cut(name: str) -> None:
    body = known()
    odd = body.replace(*UNCUT[name])
    assert odd != body
    assert bounds(odd) is not None
    assert cut(odd, large_bytes=0) is None


def test_reports_are_told_apart_only_where_all_are_between_the_same_tags() -> None:
    body = known()
    assert chunks_of(body, REPORTS) is not None
    assert chunks_of(body, REPORTS + 1) is None
    at = body.index(b"<Reports>")
    for outside in (b"<Report >x</x>", b"<x></Report >"):
        assert chunks_of(body[:at] + outside + body[at:], REPORTS) is None
    assert chunks_of(body.replace(b"</Reports>", b"<x/></Reports>"), REPORTS) is None


@pytest.mark.parametrize(
    ("name", "put", "last"),
    [
        (b"LastName", b"\xff\xfe", True),
        (b"LastName", b"\xed\xa0\x80", True),
        (b"ReportId", b"A-1", False),
    ],
)
def test_no_text_and_ids_used_twice(name: bytes, put: bytes, last: bool) -> None:
    good = delivery(1, 200)
    assert judged(good)[0]
    assert reports_left_out(good) > 1
    # (The first report of each form is judged whatever is known.)
    at = good.rindex(b"<%b>" % name) if last else 0
    bad = good[:at] + re.sub(b"<%b>[^<]*" % name, b"<%b>%b" % (name, put), good[at:])
    assert bad != good
    found = judged(bad)
    assert found[3], "something is wrong with it"
    assert found == judged_anew(bad)


STAY = (
    b"<StayPeriodsInFinland><Period><StartDate>2026-02-02</StartDate>"
    b"<EndDate>2026-02-20</EndDate></Period></StayPeriodsInFinland>"
)


@pytest.mark.parametrize("beside", [b"", STAY], ids=["alone", "beside a stay"])
def test_a_claim_from_before_the_employment_is_found(beside: bytes) -> None:
    head, *reports = re.split(rb"(?=<Report>)", delivery(5, 200).partition(b"</Reports>")[0])
    claims = [each.replace(b"<Absence>", beside + b"<Absence>") for each in reports]
    claims = [each for each in claims if b"<ReimbApp>" in each]
    body = head + b"".join(claims) + b"</Reports></DeliveryData></r:WageReportsRequestToIR>"
    for _ in range(SEEN_MIN):
        assert judged(body)[0]
    assert beside or reports_left_out(body) > 2
    at = body.rindex(b"<PaidAbsencePeriod><StartDate>")
    bad = body[:at] + re.sub(rb"(StartDate>)[^<]*", rb"\g<1>1999-01-04", body[at:], count=1)
    found = judged(bad)
    assert "ir.claim-before-employment" in rules_broken(found)
    assert found == judged_anew(bad)
