"""Who signs, over sockets: unsigned deliveries, certificates of another or that have ended, and
whose data may be asked for.
"""

from __future__ import annotations

import datetime
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureMethod
from signxml.signer import XMLSigner

from exchange.adapters import income_register
from exchange.adapters.income_register.endpoints.files import take
from exchange.adapters.income_register.partner import STUB
from exchange.assembly import checking
from exchange.partners.stub import Situation
from tests.adapters.income_register.clients import raw, signed
from tests.adapters.income_register.endpoints.test_services import (
    EMPLOYER,
    batch,
    invalidation_of,
    of_payer,
    sample,
    status_of,
)
from tests.adapters.income_register.register.test_versions import codes, delivery, send
from tests.journeys.running import Running, running

UNSIGNED, ENDED, ANOTHERS, NO_RIGHT = "IR1010", "IR1012", "IR1013", "IR1014"
SAMPLES = Path(income_register.__file__).parent / "samples" / "valid"
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[Running]:
    """An exchange as shipped: it refuses what is not signed."""
    async with running(tmp_path, rules={"unsigned_deliveries": "refuse"}) as started:
        yield started


def under(document: Any, business_id: str, since: Any = -DAY, until: Any = DAY) -> bytes:
    """The document signed under a certificate of a business id that holds for a time."""
    names = [x509.NameAttribute(NameOID.COMMON_NAME, business_id or "Somebody")]
    builder = x509.CertificateBuilder(x509.Name(names), x509.Name(names), KEY.public_key(), 7)
    made = builder.not_valid_before(NOW + since).not_valid_after(NOW + until)
    pem = made.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    signer = XMLSigner(
        signature_algorithm=SignatureMethod.RSA_SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    alone = etree.fromstring(raw(document))
    return raw(signer.sign(alone, key=KEY, cert=pem.decode(), always_add_key_value=False))


async def test_what_is_not_signed_is_refused_over_the_services(strict: Running) -> None:
    one = delivery(strict, "U-1")
    reply = await send(strict, "WageReportService", "SendWageReport", raw(one))
    assert (status_of(reply), codes(reply)) == ("4", [UNSIGNED])
    many = delivery(strict, "U-2", reports=2, real_time=False)
    reply = await send(strict, "WageReportService", "SendWageReports", raw(many))
    assert (status_of(reply), codes(reply)) == ("4", [UNSIGNED])
    owner = batch(strict, EMPLOYER, "-").payer
    invalidation = invalidation_of(owner, "U-3", "105", "U-1-0001")
    reply = await send(strict, "InvalidationService", "SendInvalidation", invalidation)
    assert (status_of(reply), codes(reply)) == ("4", [UNSIGNED])
    reply = await send(strict, "WageReportService", "SendWageReport", raw(signed(one)))
    assert status_of(reply) == "3"


async def test_a_file_needs_no_signature(strict: Running) -> None:
    partner = strict.exchange.directory.get(EMPLOYER)
    assert partner is not None
    desk = strict.exchange.desk(strict.exchange.channels["income-register"])
    body = raw(delivery(strict, "F-1", reports=2, real_time=False))
    feedback = etree.fromstring(await take("100_0001.xml", body, partner, desk))
    assert status_of(feedback) == "3"


@pytest.mark.parametrize(
    ("whose", "since", "until", "expected"),
    [
        ("own", -DAY, DAY, []),
        ("", -DAY, DAY, []),
        ("2900101-5", -DAY, DAY, [ANOTHERS]),
        ("own", -2 * DAY, -DAY, [ENDED]),
        ("own", DAY, 2 * DAY, [ENDED]),
        ("2900101-5", -2 * DAY, -DAY, [ENDED, ANOTHERS]),
    ],
)
async def test_the_certificate_is_the_creators_and_holds_today(
    strict: Running, whose: str, since: Any, until: Any, expected: list[str]
) -> None:
    document = delivery(strict, "C-1")
    own = document.findtext("DeliveryData/DeliveryDataCreator/Code")
    body = under(document, own if whose == "own" else whose, since, until)
    reply = await send(strict, "WageReportService", "SendWageReport", body)
    assert (status_of(reply), codes(reply)) == ("4" if expected else "3", expected)


async def test_the_stubs_sign_as_who_sends(strict: Running) -> None:
    everybody = strict.exchange.directory
    kinds = {flow.message_type: flow for flow in STUB.flows(everybody)}
    for number, flow in enumerate(kinds.values(), 1):
        now = strict.exchange.clock.now()
        made = flow.make(Situation(random.Random(number), now, number, everybody))
        assert b"<ds:X509Certificate>" in made.call.body
        status, reply = await strict.send(made.call)
        assert status == 200
        assert b"DeliveryDataStatus>4<" not in reply, reply[:1000]
    counted = await strict.counts("income-register")
    assert (len(kinds), counted["accepted"], "rejected" in counted) == (2, 2, False)


async def test_who_is_no_data_user_subscribes_to_its_own_reports_alone(strict: Running) -> None:
    owner = batch(strict, EMPLOYER, "-").payer
    everything = sample("subscriptions--all-wage-reports-daily", owner)
    for name, body, status, expected in (
        ("S-1", everything, "4", [NO_RIGHT]),
        ("S-2", of_payer(everything, "2900101-5"), "4", [NO_RIGHT]),
        ("S-3", of_payer(everything, owner), "2", []),
    ):
        document = etree.fromstring(body)
        document.find("DeliveryData/DeliveryId").text = name
        reply = await send(strict, "SubscriptionService", "SendSubscription", raw(signed(document)))
        assert (status_of(reply), codes(reply)) == (status, expected), name


@pytest.mark.parametrize(
    ("partner", "payer", "expected"),
    [(EMPLOYER, "own", 200), (EMPLOYER, "2900101-5", 500), ("kela.benefits", "2900101-5", 200)],
)
async def test_who_is_no_data_user_asks_for_its_own_reports_alone(
    strict: Running, partner: str, payer: str, expected: int
) -> None:
    found = strict.exchange.directory.get(partner)
    assert found is not None
    body = etree.fromstring(
        question(found.business_id, found.business_id if payer == "own" else payer)
    )
    envelope = (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        + raw(signed(body))
        + b"</s:Body></s:Envelope>"
    )
    status, _, reply = await strict.post(
        "/income-register/20170526/WageReportQueryService.svc",
        envelope,
        partner,
        SOAPAction="GetWageReportsOnePayer",
        Content_Type="text/xml",
    )
    assert (status, b"asked-without-right" in reply) == (expected, expected != 200), reply[:800]


def question(asker: str, payer: str) -> bytes:
    """A question for a payer's wage reports, unsigned."""
    document = etree.parse(
        str(SAMPLES / "income-register.data-request--wage-reports-of-one-earner.xml")
    )
    text = etree.tostring(document).decode()
    old = etree.fromstring(text)
    new = etree.Element(
        f"{{{etree.QName(old).namespace}}}WageReportsOnePayerRequestToIR", nsmap=old.nsmap
    )
    new.extend(old)
    for party in ("Owner", "Creator", "Sender"):
        new.find(f"DeliveryData{party}/Code").text = asker
    new.find("QueryDataType").text = "401"
    parameter = new.find("DataRequestParameters/IdCodeParameter")
    for name, value in (("ParameterType", "6"), ("IdType", "1"), ("IdCode", payer)):
        parameter.find(name).text = value
    return raw(new)


def test_validate_verifies_a_signature_that_is_there() -> None:
    document = etree.parse(str(SAMPLES / "income-register.wage-reports--deferred-two-reports.xml"))
    whole = signed(document.getroot())
    check = checking()
    # (Often enough that its reports are recognised.)
    for _ in range(6):
        assert check.check(raw(whole)).valid
    for changed in ("another", "another-one"):
        whole.find("DeliveryData/DeliveryId").text = changed
        told = check.check(raw(whole)).violations
        assert [each.rule for each in told if each.severity == "error"] == ["ir.signature"]


@pytest.mark.reference
def test_the_registers_own_signed_examples_are_valid_and_told_what_sending_would_refuse() -> None:
    """Their certificates have ended and are a test company's."""
    folder = Path(os.environ["EXCHANGE_REFERENCE"]) / "income-register" / "examples"
    check, seen = checking(), 0
    for path in sorted(folder.glob("*.xml")):
        told = check.check(path.read_bytes())
        assert told.valid, path
        rules = {each.rule for each in told.violations}
        assert {"ir.certificate-ended", "ir.certificate-not-creator"} <= rules, path
        assert "ir.production-environment" in rules, path
        seen += 1
    assert seen == 3
