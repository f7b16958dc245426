"""Reports cut out of a delivery's bytes are those that its tree gives, and what is not written
plainly is left to the tree.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from exchange.adapters import income_register
from exchange.adapters.income_register import generate
from exchange.adapters.income_register.document import (
    BENEFIT_REPORTS,
    PAYER_SUMMARY_REPORTS,
    WAGE_REPORTS,
    items_of,
    unwrap,
)
from exchange.adapters.income_register.hand_out.document import Extraction, render
from exchange.adapters.income_register.hand_out.render import by_bytes, by_tree, is_plain, profiles
from exchange.adapters.income_register.register.stored_delivery import StoredDelivery, Wanted
from exchange.adapters.income_register.signature.sign import sign, sign_canonical, signing_key
from exchange.schemas.envelope import Envelope
from tests.adapters.income_register.clients import check_reply, raw

SAMPLES = Path(income_register.__file__).parent / "samples" / "valid"
DAY = datetime.date(2026, 3, 2)
PROFILES = sorted(profiles())


def delivery(message_type: str, body: bytes, without: tuple[int, ...] = ()) -> StoredDelivery:
    """A stored delivery of which some reports were rejected."""
    names = [each.report_id for each in items_of(message_type, unwrap(etree.fromstring(body)))]
    detail = {
        "header": {
            "DeliveryDataType": "100",
            "DeliveryDataOwner": [["Type", "1"], ["Code", "2900101-5"]],
        },
        "valid": [[place, name, 1, ""] for place, name in enumerate(names) if place not in without],
        "invalid": [
            [place, name, "", "", []] for place, name in enumerate(names) if place in without
        ],
    }
    envelope = Envelope(
        7,
        "income-register",
        message_type,
        "somebody",
        "D",
        1_772_400_000_123,
        "text/xml",
        "deferred",
        detail=detail,
    )
    return StoredDelivery(envelope, body)


def wanted(held: StoredDelivery) -> list[Wanted]:
    """All that was accepted."""
    return [Wanted(place, name, version) for place, name, version, _ in held.valid]


def generated() -> Iterator[tuple[str, bytes]]:
    """Deliveries with whatever the generator puts into reports."""
    batch = generate.Batch("2900101-5", "2900101-5", DAY, "D-1", 60, False)
    for seed in range(6):
        yield WAGE_REPORTS, generate.wage_delivery(random.Random(seed), batch)
    for kind in ("fund", "insurer", "kela"):
        yield BENEFIT_REPORTS, generate.benefit_delivery(random.Random(kind), batch, kind)
    yield PAYER_SUMMARY_REPORTS, generate.separate_delivery(random.Random(1), batch)


def samples() -> Iterator[tuple[str, bytes]]:
    """The samples of deliveries, without their white space."""
    names = {
        "wage-reports--": WAGE_REPORTS,
        "benefit-reports--": BENEFIT_REPORTS,
        "payer-summary-reports--": PAYER_SUMMARY_REPORTS,
    }
    for start, message_type in names.items():
        for path in sorted(SAMPLES.glob(f"income-register.{start}*.xml")):
            yield (
                message_type,
                raw(
                    etree.fromstring(
                        path.read_bytes(),
                        etree.XMLParser(remove_blank_text=True, remove_comments=True),
                    )
                ),
            )


@pytest.mark.parametrize("profile", PROFILES)
def test_bytes_and_tree_give_the_same(profile: str) -> None:
    cut = 0
    for message_type, body in [*generated(), *samples()]:
        held = delivery(message_type, body, (3,))
        found = by_bytes(held, wanted(held), profile)
        assert found in (None, by_tree(held, wanted(held), profile))
        cut += found is not None
    assert cut >= 10, "what the generator writes is written plainly"


def spelled(body: bytes) -> dict[str, bytes]:
    """The same delivery as others would write it."""
    spaced = etree.tostring(etree.fromstring(body), pretty_print=True)
    name = b"<LastName>"
    return {
        "spaced": spaced,
        "comment": body.replace(name, b"<!-- a comment -->" + name, 1),
        "in a comment": body.replace(name, name + b"<!--x-->", 1),
        "character data": body.replace(name, name + b"<![CDATA[&<]]>", 1),
        "references": body.replace(name, name + b"&#65;&amp;&quot;&lt;&gt;", 1),
        "greater than": body.replace(name, name + b"a>b", 1),
        "quotes": body.replace(name, name + b"\"'", 1),
        "lines": body.replace(name, name + b"a\r\nb\tc", 1),
        "in tags": body.replace(b"<LastName>", b"<LastName  >", 1).replace(
            b"</LastName>", b"</LastName\n>", 1
        ),
        "empty": body.replace(b"<FirstName>", b"<Other/><FirstName>", 1),
        "envelope": b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        + body
        + b"</s:Body></s:Envelope>",
        "declared": b'<?xml version="1.0" encoding="UTF-8"?>\n' + body,
        "letters": body.replace(name, name + "Åäö – ".encode(), 1),
    }


BODY = generate.wage_delivery(
    random.Random(11), generate.Batch("2900101-5", "2900101-5", DAY, "D-1", 4, False)
)


@pytest.mark.parametrize("place", (0, 3, 7))
@pytest.mark.parametrize("form", spelled(BODY))
def test_one_of_many_reports_is_the_same_however_the_delivery_is_written(
    form: str, place: int
) -> None:
    batch = generate.Batch("2900101-5", "2900101-5", DAY, "D-1", 8, False)
    held = delivery(WAGE_REPORTS, spelled(generate.wage_delivery(random.Random(12), batch))[form])
    only = [wanted(held)[place]]
    found = by_bytes(held, only, "benefit-decision")
    assert found in (None, by_tree(held, only, "benefit-decision"))
    assert (
        found is not None or place == 0 or "comment" in form or form in ("spaced", "character data")
    )


@pytest.mark.parametrize("form", spelled(BODY))
@pytest.mark.parametrize("profile", PROFILES)
def test_however_a_delivery_is_written_the_reports_are_the_same(form: str, profile: str) -> None:
    held = delivery(WAGE_REPORTS, spelled(BODY)[form])
    found = by_bytes(held, wanted(held), profile)
    tree = by_tree(held, wanted(held), profile)
    assert found in (None, tree)
    assert (found is not None) == (form in ("envelope", "declared", "letters"))


@pytest.mark.parametrize("profile", PROFILES)
def test_names_of_namespaces_that_have_no_canonical_form_are_left_out(profile: str) -> None:
    plain = delivery(WAGE_REPORTS, BODY)
    odd = BODY.replace(b"<Reports>", b'<Reports xmlns:p="u1">', 1)
    held = delivery(WAGE_REPORTS, odd.replace(b"<LastName>", b'<LastName xmlns:q="u2">', 1))
    assert held.body.count(b"xmlns:") == BODY.count(b"xmlns:") + 2
    assert by_bytes(held, wanted(held), profile) in (None, by_tree(held, wanted(held), profile))
    assert by_tree(held, wanted(held), profile) == by_tree(plain, wanted(plain), profile)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_rendered_document_is_its_own_canonical_form_and_valid(profile: str) -> None:
    for message_type, body in [*generated()][-3:]:
        held = delivery(message_type, body)
        reports = by_tree(held, wanted(held), profile)
        extraction = Extraction(
            message_type,
            "300",
            "0" * 32,
            1_772_400_000_123,
            profile,
            (0, 1),
            "main",
            "part",
            ("1" * 32, "2" * 32),
        )
        document = render(extraction, reports)
        assert etree.tostring(etree.fromstring(document), method="c14n", exclusive=True) == document
        signed: Any = sign_canonical(document, signing_key())
        assert signed == sign(document, signing_key())
        check_reply(etree.fromstring(signed))


@pytest.mark.parametrize(
    "text", ["<a>x y</a>", "<a>&amp;&lt;&gt;</a>", "<a><b>ä</b></a>", "<a>1/2</a>"]
)
def test_plain_bytes_are_canonical(text: str) -> None:
    body = text.encode()
    assert is_plain(body)
    assert etree.tostring(etree.fromstring(body), method="c14n") == body


@pytest.mark.parametrize("text", ["<a/>", "<a><b/><c></c></a>", "<a >x</a>", "<a> <b></b></a>"])
def test_other_bytes_are_not_plain(text: str) -> None:
    assert not is_plain(text.encode())


LEASED = b"<ForeignLeasedWork>%s</ForeignLeasedWork>"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"</Transactions>", b"</Transactions>" + LEASED % b"<Addresses>x</Addresses>"),
        (b"</Transactions>", b"</Transactions>" + LEASED % b"" + b"<Other>" + LEASED % b"" + b"</Other>"),
        (b"<Report><ReportData>", b"<Report><Other>x</Other><ReportData>"),
    ],
)  # fmt: skip
def test_what_a_profile_leaves_out_of_a_report_stands_nowhere_else_in_one(
    before: bytes, after: bytes
) -> None:
    body = BODY.replace(before, after, 1)
    assert body != BODY
    held = delivery(WAGE_REPORTS, body)
    tree = by_tree(held, wanted(held), "benefit-decision")
    assert by_bytes(held, wanted(held), "benefit-decision") in (None, tree)
