"""The channel with the register's own schema package in place of the product's schemas: the same
verdicts, over the wire too.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from lxml import etree

from exchange.adapters import income_register
from exchange.assembly import checking
from exchange.settings import Settings
from tests.journeys.running import running

pytestmark = pytest.mark.reference

SAMPLES = Path(income_register.__file__).parent / "samples"
SERVICE = "/income-register/20170526/WageReportService.svc"


def package() -> Path:
    """The folder of the register's schemas."""
    return next(Path(os.environ["EXCHANGE_REFERENCE"]).rglob("IRCommonTypes.xsd")).parent


def test_every_sample_and_example_has_the_same_verdict_and_the_same_violations() -> None:
    ours = checking(Settings())
    theirs = checking(Settings(schemas={"official_income_register": package()}))
    paths = [*SAMPLES.glob("*/*.xml"), *(package().parent / "examples").glob("*.xml")]
    assert len(paths) > 30
    for path in sorted(paths):
        one, other = (judge.check(path.read_bytes()) for judge in (ours, theirs))
        assert one.valid == other.valid, path.name
        # How a facet is written differs (a range here, a list of months there); where it is broken
        # does not.
        places = [
            [(each.path, each.line, each.column) for each in checked.violations]
            for checked in (one, other)
        ]
        assert places[0] == places[1], path.name


async def test_the_channel_runs_with_it(tmp_path: Path) -> None:
    body = (
        SAMPLES / "valid" / "income-register.wage-reports--monthly-pay-with-car-benefit.xml"
    ).read_bytes()
    async with running(tmp_path, schemas={"official_income_register": package()}) as gateway:
        partner = gateway.exchange.directory.in_sector("employer")[0]
        sender = re.compile(rb"(?<=<DeliveryDataCreator>)\s+<Type>1</Type>\s+<Code>([^<]+)").search(
            body
        )
        assert sender is not None
        body = body.replace(sender[1], partner.business_id.encode())
        broken = body.replace(b"<Telephone>", b"<Phone>").replace(b"</Telephone>", b"</Phone>")
        employer = partner.id
        status, _, answer = await gateway.post(
            SERVICE, body, employer, SOAPAction='"SendWageReport"'
        )
        assert status == 200
        assert etree.fromstring(answer).findtext(".//DeliveryDataStatus") == "3"
        status, _, answer = await gateway.post(
            SERVICE, broken, employer, SOAPAction='"SendWageReport"'
        )
        assert status == 500
        assert b"xsd.element" in answer
        counts = await gateway.counts("income-register")
        assert (counts["received"], counts["accepted"], counts["rejected"]) == (2, 1, 1)
