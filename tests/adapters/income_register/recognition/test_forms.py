"""Recognising plainly fine reports: never another verdict than the rules', whatever is changed in
reports or spliced between them.
"""

from __future__ import annotations

import datetime
import random
import re

import pytest
from lxml import etree

from exchange.adapters.income_register import generate
from exchange.adapters.income_register.channel import declare
from exchange.adapters.income_register.identify import identify
from exchange.adapters.income_register.parse import Document
from exchange.adapters.income_register.recognition import RecognitionCache
from exchange.adapters.income_register.recognition.forms import (
    KNOWN_MAX,
    PATTERNS_MAX,
    SEEN_MIN,
    FormCache,
)
from exchange.journey.check import SOMEBODY
from exchange.ports import Channel, Context, Inbound
from exchange.schemas import directory
from exchange.schemas.identifiers import make_business_id
from tests.adapters.income_register.recognition.mutations import MUTATIONS

NOW = int(datetime.datetime(2026, 3, 10, tzinfo=datetime.UTC).timestamp() * 1000)
DAY = datetime.date(2026, 3, 2)
PAYER = make_business_id(2_900_100)
EVERYBODY = directory.load()
UNAIDED = declare(None)


def findings(body: bytes, channel: Channel) -> list[tuple[str, int | None, str]]:
    """What the rules find: rule, item, path."""
    parsed = channel.parse(Inbound(SOMEBODY, body, "", "check"))
    found = channel.rules(parsed, identify(parsed), Context(EVERYBODY, NOW))
    tree = parsed.root.getroottree()
    return sorted(
        (each.rule, each.item, tree.getpath(each.at) if each.at is not None else "")
        for each in found
    )


def delivery(seed: int, reports: int, kind: str) -> bytes:
    """A delivery of wages, or of benefits of a kind."""
    batch = generate.Batch(PAYER, PAYER, DAY, f"Q-{seed}", reports, False)
    rng = random.Random(seed)
    return (
        generate.wage_delivery(rng, batch)
        if kind == "wages"
        else generate.benefit_delivery(rng, batch, kind)
    )


def mutant(body: bytes, rng: random.Random) -> bytes:
    """One to three mutations; a document still."""
    while True:
        changed = body
        for _ in range(rng.randint(1, 3)):
            try:
                changed = rng.choice(MUTATIONS)(changed, rng)
                etree.fromstring(changed)
            except (etree.XMLSyntaxError, IndexError, ValueError, AttributeError):
                break
        else:
            return changed


@pytest.mark.parametrize("kind", ["wages", "insurer", "fund", "kela"])
def test_what_is_recognised_is_what_the_rules_find_nothing_in(kind: str) -> None:
    known = RecognitionCache()
    channel = declare(known)
    rng = random.Random(kind)
    for seed in range(3):
        findings(delivery(seed, 150, kind), channel)
    assert known.reports[kind == "wages"].patterns
    broken = 0
    for seed in range(60):
        body = mutant(delivery(1000 + seed, 9, kind), rng)
        found = findings(body, channel)
        assert found == findings(body, UNAIDED), body.decode()
        broken += bool(found)
    assert 10 < broken < 59


def test_most_reports_of_a_delivery_are_recognised() -> None:
    known = RecognitionCache()
    channel = declare(known)
    body = delivery(1, 800, "wages")
    assert findings(body, channel) == []
    assert findings(body, channel) == []
    abridged = known.abridged(body)
    assert abridged is not None
    assert len(abridged.judged) < 80


def test_a_delivery_that_needs_many_examples_is_not_judged_as_a_whole() -> None:
    channel = declare(RecognitionCache())
    parsed = channel.parse(Inbound(SOMEBODY, delivery(1, 1_400, "wages"), "", "check"))
    assert isinstance(parsed, Document)
    assert parsed.abridged is not None
    forms = len(parsed.abridged.forms)
    assert forms > 1_400 // 4, "one of each would be more than a quarter; some tell of others"
    assert channel.rules(parsed, identify(parsed), Context(EVERYBODY, NOW)) == []
    assert parsed.abridged is not None


def test_reports_that_are_spelled_otherwise_are_not_mistaken_for_others_outside() -> None:
    """Fine reports elsewhere in the document must not stand in for the ones that are judged."""
    channel = declare(RecognitionCache())
    for seed in range(3):
        findings(delivery(seed, 100, "wages"), channel)
    body = delivery(7, 3, "wages")
    start, end = body.index(b"<Reports>"), body.index(b"</Reports>") + len(b"</Reports>")
    fine = body[start:end]
    bad = (
        fine.replace(b"<Amount>", b"<Amount>-")
        .replace(b"Report>", b"Report >")
        .replace(b"Reports>", b"Reports >")
    )
    signature = (
        b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:Object>%b</ds:Object>'
        b"</ds:Signature>" % fine
    )
    document = (
        body[:start] + bad + body[end:].replace(b"</DeliveryData>", b"</DeliveryData>" + signature)
    )
    head = (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>'
        b"%b</s:Header><s:Body>%b</s:Body></s:Envelope>"
    )
    for attack in (document, head % (fine, body[:start] + bad + body[end:])):
        assert {rule for rule, *_ in findings(attack, channel)} >= {"ir.amount-negative"}


def test_the_same_report_id_twice_is_found_however_the_two_are_judged() -> None:
    channel = declare(RecognitionCache())
    for seed in range(3):
        findings(delivery(seed, 100, "wages"), channel)
    body = delivery(8, 4, "wages")
    ids = re.findall(rb"<ReportId>([^<]+)<", body)
    for first, second in ((0, 3), (1, 2)):
        doubled = body.replace(ids[second], ids[first])
        assert [(rule, item) for rule, item, _ in findings(doubled, channel)] == [
            ("ir.report-repeated", second)
        ]
        odd = doubled.replace(b"<ReportData>", b"<ReportData ><!-- x -->", 1)
        assert ("ir.report-repeated", second) in [
            (rule, item) for rule, item, _ in findings(odd, channel)
        ]


def test_memory_is_bounded_and_numbers_are_never_given_twice() -> None:
    cache = FormCache()
    numbers = {cache.class_of(("x", value)) for value in range(KNOWN_MAX + 50)}
    assert len(numbers) == KNOWN_MAX + 50
    assert len(cache.classes) <= KNOWN_MAX
    for value in range(3 * PATTERNS_MAX):
        part = b"<A%d>1</A%d>" % (value, value)
        for _ in range(SEEN_MIN):
            cache.admit(b"%d" % value, part)
    assert sum(map(len, cache.patterns.values())) <= PATTERNS_MAX
