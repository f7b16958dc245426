"""What the register renders, read back: the first report of each delivery stands for those after
it, since what was valid when it came in is valid when it is handed on.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from exchange.adapters.income_register.document import (
    BENEFIT_REPORTS,
    PAYER_SUMMARY_REPORTS,
    SUBSCRIPTION_ENDPOINT,
    WAGE_REPORTS,
    items_of,
    own_schema,
)
from exchange.adapters.income_register.hand_out.document import Extraction, render
from exchange.adapters.income_register.hand_out.render import profiles, render_reports
from exchange.adapters.income_register.parse import first_of_each, parse
from exchange.adapters.income_register.signature.sign import sign_canonical, signing_key
from exchange.ports import Inbound
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import Partner
from exchange.schemas.xml import XmlSchema
from tests.adapters.income_register.hand_out.test_render import delivery, generated, wanted
from tests.schemas.income_register.grown import Grower
from tests.schemas.income_register.mutants import mutate

TYPES = (WAGE_REPORTS, BENEFIT_REPORTS, PAYER_SUMMARY_REPORTS)
GROWN, MUTANTS, VALID_MIN = 24, 400, 60
REGISTER = Partner("income-register", "Incomes Register", "tax")


def extracted(message_type: str, reports: list[bytes], profile: str = "everything") -> bytes:
    """A signed document of reports that are rendered already."""
    said = Extraction(
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
    return sign_canonical(render(said, reports), signing_key())


def taken_in(message_type: str) -> Iterator[bytes]:
    """Deliveries of reports that are valid by the schema of what comes in: whatever grows from it,
    and changes that it lets pass.
    """
    rng = random.Random(f"handed on {message_type}")
    schema, entry = own_schema(message_type), Catalogue.load().get(message_type)
    assert entry is not None
    grower = Grower(schema.path)
    grown = [
        grower.grow(root, rng, (0.1, 0.5, 0.9, 1.0)[number % 4])
        for root in entry.roots
        for number in range(GROWN)
    ]
    small = [document for document in grown if sum(1 for _ in document.iter()) < 600]
    for document in (*grown, *(mutate(rng.choice(small), rng) for _ in range(MUTANTS))):
        # Written and read again: a tree in memory can hold what no document can.
        written = etree.tostring(document)
        if schema.accepts(etree.fromstring(written)) and items_of(
            message_type, etree.fromstring(written)
        ):
            yield written


@pytest.mark.parametrize("message_type", TYPES)
def test_what_was_valid_when_it_came_in_is_valid_when_it_is_handed_on_whatever_the_profile_leaves(
    message_type: str,
) -> None:
    schema = own_schema(f"{message_type}-from-ir")
    checked = 0
    for body in taken_in(message_type):
        held = delivery(message_type, body)
        # References are the register's own, and a rule wants the ReportId.
        named = [each._replace(report_id=f"R-{each.place}") for each in wanted(held)]
        for profile in profiles():
            document = extracted(message_type, render_reports(held, named, profile), profile)
            assert not schema.check(etree.fromstring(document)), (
                f"{profile}: {body.decode()[:20000]}"
            )
        checked += 1
    assert checked >= VALID_MIN


def documents() -> Iterator[tuple[str, list[list[bytes]]]]:
    """Reports of several deliveries, by delivery."""
    by_type: dict[str, list[list[bytes]]] = {}
    for message_type, body in generated():
        held = delivery(message_type, body)
        held.envelope = replace(held.envelope, id=len(by_type.get(message_type, ())) + 1)
        by_type.setdefault(message_type, []).append(
            render_reports(held, wanted(held), "benefit-decision")
        )
    yield from by_type.items()


@pytest.mark.parametrize("message_type", TYPES)
def test_the_first_report_of_each_delivery_is_left(message_type: str) -> None:
    deliveries = dict(documents())[message_type]
    document = extracted(message_type, [report for reports in deliveries for report in reports])
    left = first_of_each(document)
    start, end = document.index(b"<Reports>"), document.index(b"</Reports>")
    assert (
        left
        == document[:start]
        + b"<Reports>"
        + b"".join(reports[0] for reports in deliveries)
        + document[end:]
    )
    assert first_of_each(left) == left


def is_accepted(schema: XmlSchema, document: bytes) -> bool:
    """Whether a schema finds nothing in what was read of the register's own document."""
    pieces = parse(Inbound(REGISTER, document, "application/xml", SUBSCRIPTION_ENDPOINT)).pieces
    assert pieces is not None
    return not any(schema.check(piece) for piece in pieces(schema))


def test_a_delivery_s_header_that_is_wrong_is_found_wherever_it_stands() -> None:
    deliveries = dict(documents())[WAGE_REPORTS]
    schema = own_schema(f"{WAGE_REPORTS}-from-ir")
    assert is_accepted(
        schema, extracted(WAGE_REPORTS, [report for reports in deliveries for report in reports])
    )
    for place in sorted({0, *range(1, len(deliveries), 4), len(deliveries) - 1}):
        broken = [
            [report.replace(b"</IRDeliveryId>", b"x</IRDeliveryId>") for report in reports]
            for reports in deliveries
        ]
        mixed = [*deliveries[:place], broken[place], *deliveries[place + 1 :]]
        assert not is_accepted(
            schema, extracted(WAGE_REPORTS, [report for reports in mixed for report in reports])
        )


def test_another_schema_reads_every_report(tmp_path: Path) -> None:
    deliveries = dict(documents())[WAGE_REPORTS]
    reports = [report for reports in deliveries for report in reports]
    reports[1] = reports[1].replace(b"<ReportStatus>", b"<ReportStatus>x")
    own = own_schema(f"{WAGE_REPORTS}-from-ir")
    assert is_accepted(own, extracted(WAGE_REPORTS, reports)), (
        "its own doesn't look at the second one"
    )
    for path in own.path.parent.glob("*.xsd"):
        shutil.copy(path, tmp_path)
    assert not is_accepted(XmlSchema(tmp_path / own.path.name), extracted(WAGE_REPORTS, reports))
