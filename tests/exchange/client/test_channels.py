"""The functions of each channel against an exchange: what is sent arrives, what is refused is
raised with every violation.
"""

from __future__ import annotations

import datetime
import json
import random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from exchange.adapters.income_register import generate as reports
from exchange.client import (
    AsyncClient,
    Client,
    Denied,
    Push,
    Rejected,
    eessi,
    income_register,
    kelmu,
    luova,
)
from exchange.schemas.call import Reply, json_reply
from exchange.testing.embedded import Embedded
from tests.exchange.client.conftest import Make


def test_a_message_of_luova_is_stored_once_and_delivered(served: Embedded, make: Make) -> None:
    mine, births = served.partner("kela.core-data"), make("population.births")
    dvv = served.client(served.key_of("dvv"))
    receipt = dvv.call(luova.submit, "population.births", births.body, message_id="b-1")
    assert (receipt.message_id, receipt.duplicate, receipt.receivers) == (
        "b-1",
        False,
        ("kela.core-data",),
    )
    again = dvv.call(luova.submit, "population.births", births.body, message_id="b-1")
    assert (again.id, again.duplicate) == (receipt.id, True)
    (push,) = mine.pushes.await_received(where=lambda push: push.message_id == "b-1")
    assert (push.body, push.sender, push.message_type) == (births.body, "dvv", "population.births")
    state = dvv.call(luova.delivered, receipt.id)
    assert [each["receiver"] for each in state.deliveries] == ["kela.core-data"]


def test_a_refusal_is_raised_with_every_violation(served: Embedded, make: Make) -> None:
    dvv = served.client(served.key_of("dvv"))
    with pytest.raises(Rejected) as refused:
        dvv.call(luova.submit, "population.births", b"{}")
    assert (refused.value.status, refused.value.reason) == (422, "schema")
    assert len(refused.value.violations) == 3
    assert all(each.rule in str(refused.value) for each in refused.value.violations)
    births = make("population.births").body
    dvv.call(luova.submit, "population.births", births, message_id="b-2")
    with pytest.raises(Rejected) as reused:
        dvv.call(luova.submit, "population.births", births + b" ", message_id="b-2")
    assert (reused.value.status, reused.value.reason) == (409, "message-id-reused")
    with pytest.raises(Denied):
        served.client("nobody").call(luova.submit, "population.births", b"{}")


async def test_the_same_functions_with_await(served: Embedded, make: Make) -> None:
    async with AsyncClient(served.address, served.key_of("dvv")) as dvv:
        receipt = await luova.submit(dvv, "population.births", make("population.births").body)
        assert (await luova.state(dvv, receipt.id)).state == "accepted"


def test_letters_come_until_they_are_acknowledged(served: Embedded, make: Make) -> None:
    fund = served.partner("fund.mine", delivery="mailbox")
    kela, sent = served.client(served.key_of("kela.unemployment")), "unemployment.benefit-data"
    for number in range(3):
        message_id = f"letter-{number}"
        kela.call(luova.submit, sent, make(sent).body, receiver=fund.id, message_id=message_id)
    for letter in fund.client.each(luova.letters, lease_seconds=1):
        assert letter.message_id == "letter-0"
        break
    served.clock.advance(seconds=2)
    came = [letter.message_id for letter in fund.client.each(luova.letters)]
    assert came == ["letter-0", "letter-1", "letter-2"]
    assert list(fund.client.each(luova.letters)) == []
    kela.call(luova.submit, sent, make(sent).body, receiver=fund.id)
    letters = fund.client.call(luova.read, wait_seconds=5)
    fund.client.call(luova.extend, letters, 300)
    fund.client.call(luova.refuse, letters, "nobody here knows that person")
    assert fund.client.call(luova.read) == []


def test_kelmu_answers_a_query_and_a_county_answers_kela(served: Embedded, make: Make) -> None:
    def take(push: Push) -> Reply:
        return json_reply({"received": True}, 202)

    county = served.partner("county.pirkanmaa", answer=take)
    query = json.loads(make("kelmu.benefit-query").body)
    answer = county.client.call(kelmu.query, query)
    assert {each["person"] for each in answer.results} <= {query["person"]}
    assert answer.document["message_type"] == "kelmu.benefit-query"
    assert county.client.call(kelmu.query, query, by_hand=True).results == answer.results
    kela = served.client(served.key_of("kela.benefits"))
    asked = kela.call(kelmu.request_information, make("kelmu.information-request").body)
    (push,) = county.pushes.await_received(
        where=lambda push: push.path == "/kelmu/information-requests"
    )
    given = [{"statement": name, "known": False} for name in json.loads(push.body)["statements"]]
    request = push.headers["X-Information-Request"]
    document = {"information_request": request, "user": "u-1", "given": given}
    assert request == asked.message_id
    told = county.client.call(kelmu.answer_information_request, request, document)
    assert told.message_type == "kelmu.information-request-answer"


def test_a_document_of_eessi_is_acknowledged(served: Embedded, make: Make) -> None:
    body = make("eessi.a009").body
    sender, *receivers = (
        found for found in served.directory if found.eessi_id and found.eessi_id.encode() in body
    )
    if sender.country == "FI":
        sender, receivers = receivers[0], [sender]
    own = served.partner(receivers[0].id, answer=eessi.acknowledge(receivers[0].eessi_id))
    institution = served.client(sender.key)
    receipt = institution.call(eessi.send, body)
    assert receipt.sender == sender.eessi_id
    own.pushes.await_received(where=lambda push: push.body == body)
    served.settle()
    told = institution.call(eessi.message, receipt.message_id)
    assert "DELIVERED" in json.dumps(told).upper()
    assert receipt.case_id in json.dumps(institution.call(eessi.case, receipt.case_id))
    with pytest.raises(Rejected) as refused:
        served.client(served.key_of("dvv")).call(eessi.send, body)
    assert refused.value.violations


def _signed(document: bytes) -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mine")])
    since = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(since)
        .not_valid_after(since + datetime.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    return income_register.sign(document, key, certificate)


@pytest.mark.parametrize("count", [1, 2])
def test_signed_reports_are_taken_at_once_or_deferred(served: Embedded, count: int) -> None:
    employer = served.partner(f"employer.mine{count}", demands=["signature"])
    batch = reports.Batch(
        payer=employer.partner.business_id,
        sender=employer.partner.business_id,
        day=datetime.date.today(),
        delivery_id=f"mine-{count}",
        reports=count,
        real_time=count == 1,
    )
    document = reports.wage_delivery(random.Random(count), batch)
    with pytest.raises(Rejected) as unsigned:
        employer.client.call(income_register.send_wage_reports, document)
    assert unsigned.value.violations
    status = employer.client.call(income_register.send_wage_reports, _signed(document))
    assert status.delivery_id
    assert len(status.valid) == (1 if count == 1 else 0)


def test_a_soap_fault_is_a_problem(served: Embedded, make: Make) -> None:
    client: Client = served.client(served.key_of("employer.demo-oy"))
    document = make("income-register.wage-reports").body
    with pytest.raises(Rejected) as refused:
        client.call(income_register.send, "BenefitReportService", "SendBenefitReport", document)
    assert [each.rule for each in refused.value.violations] == ["ir.operation"]
