"""A delivery that is abridged has the verdict that it has as written: mutants of values, tags and
bytes, signatures, every free value's type.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureMethod
from signxml.signer import XMLSigner

from exchange.adapters.income_register import parse
from exchange.adapters.income_register.document import own_schema
from exchange.adapters.income_register.hand_out.render import is_plain
from exchange.adapters.income_register.recognition import pattern
from exchange.adapters.income_register.recognition.forms import SEEN_MIN
from exchange.adapters.income_register.spans import REPORTS_END, REPORTS_START
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.xml import XmlSchema
from tests.adapters.income_register.clients import key_and_certificate, raw
from tests.adapters.income_register.judging import (
    KNOWN,
    SOAP,
    delivery,
    inbound,
    judged,
    judged_anew,
    reports_left_out,
)
from tests.adapters.income_register.recognition.mutations import MUTATIONS, lengthen, redate, spoil

XS = "{http://www.w3.org/2001/XMLSchema}"
ENVELOPE = b'<s:Envelope xmlns:s="' + SOAP.encode() + b'"><s:Body>%b</s:Body></s:Envelope>'
KINDS = ("wages", "kela")
WAYS = ("EXCLUSIVE_XML_CANONICALIZATION_1_0", "CANONICAL_XML_1_0")
PEM, CERTIFICATE = key_and_certificate()


@pytest.fixture(scope="module", autouse=True)
def warm_cache() -> None:
    for kind in KINDS:
        for seed in range(3):
            assert judged(delivery(seed, 200, kind))[0]


def is_abridged(body: bytes) -> bool:
    return reports_left_out(body) > 0


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_mutant_has_the_same_verdict_abridged_and_as_written(kind: str, wrapped: bool) -> None:
    rng = random.Random(f"{kind} {wrapped}")
    changes: tuple[Callable[[bytes, random.Random], bytes], ...] = (
        *MUTATIONS,
        spoil,
        spoil,
        lengthen,
        redate,
    )
    abridged = broken = 0
    for seed in range(60):
        body = delivery(1000 + seed % 7, 9, kind)
        for _ in range(rng.randint(0, 2)):
            try:
                body = rng.choice(changes)(body, rng)
            except (etree.XMLSyntaxError, IndexError, ValueError, AttributeError):
                break
        body = ENVELOPE % body if wrapped else body
        abridged += is_abridged(body) if b"<ReportId>" in body and not _malformed(body) else 0
        found = judged(body)
        assert found == judged_anew(body), body
        broken += not found[0]
    assert abridged > 13
    assert 13 < broken < 57


def _malformed(body: bytes) -> bool:
    try:
        etree.fromstring(body)
    except etree.XMLSyntaxError:
        return True
    return False


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_in_known_shapes_is_plain_if_nothing_is_between_its_elements(kind: str) -> None:
    rng = random.Random(kind)
    spaces = (b" ", b"\n", b"\t", b"  ")
    told = {True: 0, False: 0}
    for seed in range(150):
        body = delivery(2000 + seed % 7, 9, kind)
        for _ in range(rng.randint(0, 3)):
            # Between elements everywhere alike: a pattern of its own, to be admitted.
            name = rng.choice(
                (
                    b"</ReportId>",
                    b"<ReportData>",
                    b"</TransactionCode>",
                    b"<IncomeEarnerIds>",
                    b"</IncomeEarnerIds>",
                )
            )
            body = (
                body.replace(name, name + rng.choice(spaces))
                if rng.random() < 0.5
                else spoil(body, rng)
            )
        if _malformed(body):
            continue
        for _ in range(SEEN_MIN):
            abridged = KNOWN.abridged(body)
        if abridged is not None and not abridged.judged:
            start, end = body.index(REPORTS_START) + len(REPORTS_START), body.rindex(REPORTS_END)
            assert is_plain(body, start, end, known=True) == is_plain(body, start, end), body
            told[is_plain(body, start, end)] += 1
    assert min(told.values()) > 10, told


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_digested_is_what_is_judged(way: str, wrapped: bool, kind: str) -> None:
    signer = XMLSigner(
        signature_algorithm=SignatureMethod.RSA_SHA256, c14n_algorithm=CanonicalizationMethod[way]
    )
    rng = random.Random(f"{way} {wrapped} {kind}")
    # Spaces between reports, and one report that isn't in a known form, are part of what is signed.
    document = (
        delivery(77, 12, kind)
        .replace(b"</Report>", b"</Report>\n  ")
        .replace(b"<LastName>", b"<LastName >", 1)
    )
    body = raw(signer.sign(etree.fromstring(document), key=PEM, cert=CERTIFICATE.decode()))
    body = ENVELOPE % body if wrapped else body
    assert is_abridged(body)
    assert judged(body)[0]
    assert judged(body) == judged_anew(body)
    digits = [
        match.start(1)
        for match in re.finditer(rb">[^<>]*?(\d)[^<>]*</", body[: body.index(b"Signature")])
    ]
    for at in rng.sample(digits, 8):
        changed = body[:at] + (b"7" if body[at : at + 1] != b"7" else b"8") + body[at + 1 :]
        found = judged(changed)
        assert not found[0]
        assert found == judged_anew(changed)
    moved = body.replace(b"</Report>\n  <Report>", b"</Report>\n <Report>", 1)
    assert moved != body
    assert "ir.signature" in [each["rule"] for each in judged(moved)[3]]


def _declared() -> Iterator[tuple[str, str, str]]:
    """(name, parent's name or type, type) of each element with a simple type in the schemas of
    reports.
    """
    for name in (
        "wage_reports_to_ir.xsd",
        "wage_earner_and_pay.xsd",
        "benefit_reports_to_ir.xsd",
        "types.xsd",
    ):
        for element in etree.parse(
            str(Catalogue.load().get(parse.WAGE_REPORTS).folder / name)
        ).iter(f"{XS}element"):
            kind = element.get("type", "")
            if kind.startswith(("xs:", "ir:Text", "ir:Decimal", "ir:RegisterId")):
                holder = next(
                    each
                    for each in element.iterancestors(
                        f"{XS}element", f"{XS}complexType", f"{XS}group"
                    )
                    if each.get("name")
                )
                yield element.get("name"), holder.get("name"), kind


def _patterns() -> list[tuple[bytes, str]]:
    found = []
    for name, holder, kind in _declared():
        if holder in ("Profession", "PlaceOfBusiness") and name == "Code":
            found.append((pattern._CODE, kind))
        elif name.encode() in pattern._FREE and holder not in ("ContactPerson",):
            found.append((pattern._FREE[name.encode()], kind))
    return sorted(
        {
            *found,
            (pattern._text(pattern._POLICY_BYTES_MAX, b"55"), "ir:Text11"),
            (pattern._PERSON, "ir:Text30"),
        }
    )


@pytest.mark.parametrize(("pattern", "kind"), _patterns())
def test_what_a_free_value_may_be_is_valid_by_the_schema(pattern: bytes, kind: str) -> None:
    schema = etree.XMLSchema(
        etree.fromstring(
            f'<xs:schema xmlns:xs="{XS[1:-1]}" xmlns:ir="urn:exchange:income-register:types">'
            "<xs:import namespace="
            '"urn:exchange:income-register:types" schemaLocation="types.xsd"/><xs:element '
            f'name="V" type="{kind}"/></xs:schema>',
            base_url=str(Catalogue.load().get(parse.WAGE_REPORTS).folder / "x.xsd"),
        )
    )
    matches = re.compile(b"<V>(" + pattern + b")</V>").fullmatch
    texts = st.text(st.characters(codec="utf-8", exclude_characters="<"), max_size=210).map(
        str.encode
    )
    numbers = st.from_regex(r"[+-]?[0-9]{1,14}(\.[0-9]{1,3})?", fullmatch=True).map(str.encode)
    dates = st.from_regex(r"(17|18|19|20|21|22)[0-9]{2}-[01][0-9]-[0-3][0-9]", fullmatch=True).map(
        str.encode
    )
    like = st.from_regex(re.compile(re.sub(rb"\(\?=.*?<\)", b"", pattern)), fullmatch=True)
    kept = 0

    @settings(max_examples=120, deadline=None, database=None, derandomize=True)
    @given(like | texts | numbers | dates)
    def holds(value: bytes) -> None:
        nonlocal kept
        element = b"<V>%b</V>" % value
        if matches(element) and shapes_text(element):
            kept += 1
            assert schema.validate(etree.fromstring(element)), value
            assert etree.tostring(etree.fromstring(element), method="c14n") == element

    holds()
    assert kept > 2


def shapes_text(element: bytes) -> bool:
    """What `abridge` asks of all bytes: UTF-8 without what is no character."""
    try:
        element.decode()
    except UnicodeDecodeError:
        return False
    return b"\xef\xbf\xbe" not in element and b"\xef\xbf\xbf" not in element


def test_schemas_have_what_putting_reports_together_rests_on() -> None:
    """Sequences only, unbounded or once, one element for reports and one for transactions,
    no keys.
    """
    for name, *_ in (
        ("wage_reports_to_ir.xsd",),
        ("wage_earner_and_pay.xsd",),
        ("benefit_reports_to_ir.xsd",),
    ):
        root = etree.parse(str(Catalogue.load().get(parse.WAGE_REPORTS).folder / name)).getroot()
        assert not list(
            root.iter(
                *(
                    f"{XS}{each}"
                    for each in ("choice", "all", "any", "key", "keyref", "unique", "attribute")
                )
            )
        )
        assert {
            each.get("maxOccurs", "1") for each in root.iter(f"{XS}element", f"{XS}sequence")
        } <= {"1", "unbounded"}
        names = [each.get("name") for each in root.iter(f"{XS}element")]
        assert all(
            names.count(each) <= 1 for each in ("Report", "Reports", "Transaction", "Transactions")
        )


@pytest.mark.parametrize("kind", KINDS)
def test_another_schema_judges_what_is_left_out_too(kind: str, tmp_path: Path) -> None:
    document = parse.parse(inbound(delivery(1001, 9, kind)), KNOWN)
    assert document.abridged is not None
    assert document.pieces is not None
    own = own_schema(document.message_type)
    folder = tmp_path / "package"
    shutil.copytree(own.path.parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for schema, reports in (
        (own, len(document.abridged.left)),
        (XmlSchema(folder / own.path.name), 9),
    ):
        (piece,) = document.pieces(schema)
        assert sum(1 for _ in piece.iter("Report")) == reports
