"""Recognising plainly fine reports: never another verdict than the rules', whatever is changed in
reports or spliced between them.
"""

from __future__ import annotations

import datetime
import random
import re
import time
from collections.abc import Callable

import pytest
from lxml import etree

from exchange.adapters.income_register import generate, learned, learning, quick, rules
from exchange.adapters.income_register import parse as parsing
from exchange.adapters.income_register.identify import identify
from exchange.adapters.income_register.parse import parse
from exchange.journey.check import SOMEBODY
from exchange.ports import Context, Inbound
from exchange.schemas import directory
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.identifiers import make_business_id
from exchange.schemas.violation import Finding
from tests.schemas.income_register.grown import VALUES

NOW = int(datetime.datetime(2026, 3, 10, tzinfo=datetime.UTC).timestamp() * 1000)
DAY = datetime.date(2026, 3, 2)
PAYER = make_business_id(2_900_100)
EVERYBODY = directory.load()
LEAF = re.compile(rb">([^<>]+)</")
Mutation = Callable[[bytes, random.Random], bytes]


def findings(body: bytes) -> list[tuple[str, int | None, str]]:
    """What the rules find: rule, item, path."""
    parsed = parse(Inbound(SOMEBODY, body, "", "deferred"))
    found: list[Finding] = rules.rules(parsed, identify(parsed), Context(EVERYBODY, NOW))
    tree = parsed.root.getroottree()
    return sorted(
        (each.rule, each.item, tree.getpath(each.at) if each.at is not None else "")
        for each in found
    )


def thorough(body: bytes, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int | None, str]]:
    """The same with every report looked at."""
    with monkeypatch.context() as patched:
        patched.setattr(rules, "chunks_of", lambda *_: None)
        patched.setattr(parsing, "abridge", lambda *_: None)
        return findings(body)


def delivery(seed: int, reports: int, kind: str) -> bytes:
    """A delivery of wages, or of benefits of a kind."""
    batch = generate.Batch(PAYER, PAYER, DAY, f"Q-{seed}", reports, False)
    rng = random.Random(seed)
    return (
        generate.wage_delivery(rng, batch)
        if kind == "wages"
        else generate.benefit_delivery(rng, batch, kind)
    )


def revalue(body: bytes, rng: random.Random) -> bytes:
    """A value of another kind."""
    match = rng.choice(list(LEAF.finditer(body)))
    value = rng.choice(VALUES).replace("&", "&amp;").replace("<", "&lt;").encode()
    return body[: match.start(1)] + value + body[match.end(1) :]


def transplant(body: bytes, rng: random.Random) -> bytes:
    """A value of another element."""
    matches = list(LEAF.finditer(body))
    match, other = rng.choice(matches), rng.choice(matches)
    return body[: match.start(1)] + other[1] + body[match.end(1) :]


def respell(body: bytes, rng: random.Random) -> bytes:
    """A value written a little otherwise."""
    match = rng.choice(list(LEAF.finditer(body)))
    old = match[1]
    spelled = rng.choice(
        (
            b" " + old,
            b"-" + old,
            b"0" + old,
            old + b"--",
            b"&#49;",
            old[::-1],
            old[:-1],
            old + b"9",
            old + b"Z",
        )
    )
    return body[: match.start(1)] + spelled + body[match.end(1) :]


def splice(body: bytes, rng: random.Random) -> bytes:
    """An element gone, doubled, or put where another of some report stands."""
    root = etree.fromstring(body)
    elements = [
        element for element in root.find("DeliveryData/Reports").iter() if element.tag != "Reports"
    ]
    chosen, other = rng.choice(elements), rng.choice(elements)
    which = rng.random()
    if which < 0.3:
        chosen.getparent().remove(chosen)
    elif which < 0.6:
        chosen.addnext(etree.fromstring(etree.tostring(chosen)))
    elif other not in chosen.iter() and chosen not in other.iter():
        other.addnext(etree.fromstring(etree.tostring(chosen)))
    return etree.tostring(root)


def recode(body: bytes, rng: random.Random) -> bytes:
    """An income type or a flag that is another one's."""
    codes = list(re.finditer(rb"<TransactionCode>(\d+)</TransactionCode>", body))
    match = rng.choice(codes)
    code = rng.choice(
        (
            b"101",
            b"102",
            b"103",
            b"201",
            b"304",
            b"317",
            b"331",
            b"334",
            b"362",
            b"401",
            b"402",
            b"404",
            b"407",
            b"412",
            b"419",
        )
    )
    return body[: match.start(1)] + code + body[match.end(1) :]


def mutant(body: bytes, rng: random.Random) -> bytes:
    """One to three mutations; a document still."""
    while True:
        changed = body
        for _ in range(rng.randint(1, 3)):
            changed = rng.choice(MUTATIONS)(changed, rng)
            try:
                etree.fromstring(changed)
            except etree.XMLSyntaxError:
                break
        else:
            return changed


MUTATIONS: tuple[Mutation, ...] = (
    revalue,
    revalue,
    transplant,
    respell,
    respell,
    splice,
    splice,
    recode,
    recode,
)


@pytest.mark.parametrize("kind", ["wages", "insurer", "fund", "kela"])
def test_what_is_recognised_is_what_the_rules_find_nothing_in(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = learned.Memory()
    monkeypatch.setitem(learning.MEMORIES, kind == "wages", memory)
    rng = random.Random(kind)
    for seed in range(4):
        findings(delivery(seed, 200, kind))
    assert memory.shapes
    broken = 0
    for seed in range(120):
        body = mutant(delivery(1000 + seed, 6, kind), rng)
        found = findings(body)
        assert found == thorough(body, monkeypatch), body.decode()
        broken += bool(found)
    assert 20 < broken < 118


def test_most_reports_of_a_delivery_are_recognised() -> None:
    book_findings = findings(delivery(1, 800, "wages"))
    assert book_findings == []
    seen = []
    original = quick.Quick.learn

    def counted(self: quick.Quick, chunk: bytes) -> bool:
        seen.append(chunk)
        return original(self, chunk)

    quick.Quick.learn = counted  # type: ignore[method-assign]
    try:
        assert findings(delivery(1, 800, "wages")) == []
    finally:
        quick.Quick.learn = original  # type: ignore[method-assign]
    assert len(seen) < 80


def test_judging_reports_that_are_alike_costs_less_than_parsing_and_validating_them() -> None:
    """About half as much for wages where this was written; measured in processor time of the same
    run.
    """
    body = delivery(1, 1000, "wages")
    schema = Catalogue.load().schema("income-register.wage-reports")
    findings(body)

    def seconds(step: Callable[[], object]) -> float:
        spent = []
        for _ in range(5):
            started = time.process_time()
            step()
            spent.append(time.process_time() - started)
        return min(spent)

    parsed = parse(Inbound(SOMEBODY, body, "", "deferred"))
    identity, context = identify(parsed), Context(EVERYBODY, NOW)
    validated = seconds(lambda: schema.check(etree.fromstring(body)))
    judged = seconds(lambda: rules.rules(parsed, identity, context))
    assert judged < validated


def test_reports_that_are_spelled_otherwise_are_not_mistaken_for_others_outside() -> None:
    """Fine reports elsewhere in the document must not stand in for the ones that are judged."""
    for seed in range(3):
        findings(delivery(seed, 100, "wages"))
    body = delivery(7, 3, "wages")
    start, end = body.index(b"<Reports>"), body.index(b"</Reports>") + len(b"</Reports>")
    fine = body[start:end]
    bad = (
        fine.replace(b"<Amount>", b"<Amount>-")
        .replace(b"Report>", b"Report >")
        .replace(b"Reports>", b"Reports >")
    )
    signature = (
        b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:Object>%b</ds:Object></ds:Signature>'
        % fine
    )
    document = (
        body[:start] + bad + body[end:].replace(b"</DeliveryData>", b"</DeliveryData>" + signature)
    )
    head = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>%b</s:Header><s:Body>%b</s:Body></s:Envelope>'
    for attack in (document, head % (fine, body[:start] + bad + body[end:])):
        assert {rule for rule, *_ in findings(attack)} >= {"ir.amount-negative"}


def test_the_same_report_id_twice_is_found_however_the_two_are_judged() -> None:
    for seed in range(3):
        findings(delivery(seed, 100, "wages"))
    body = delivery(8, 4, "wages")
    ids = re.findall(rb"<ReportId>([^<]+)<", body)
    for first, second in ((0, 3), (1, 2)):
        doubled = body.replace(ids[second], ids[first])
        assert [(rule, item) for rule, item, _ in findings(doubled)] == [
            ("ir.report-repeated", second)
        ]
        odd = doubled.replace(b"<ReportData>", b"<ReportData ><!-- x -->", 1)
        assert ("ir.report-repeated", second) in [(rule, item) for rule, item, _ in findings(odd)]


def test_memory_is_bounded_and_numbers_are_never_given_twice() -> None:
    memory = learned.Memory()
    numbers = {memory.class_of(("x", value)) for value in range(learned.KNOWN_MAX + 50)}
    assert len(numbers) == learned.KNOWN_MAX + 50
    assert len(memory.classes) <= learned.KNOWN_MAX
    for value in range(3 * learned.SHAPES_MAX):
        part = b"<A%d>1</A%d>" % (value, value)
        for _ in range(learned.SEEN_MIN):
            memory.learn(b"%d" % value, part)
    assert sum(map(len, memory.shapes.values())) <= learned.SHAPES_MAX
