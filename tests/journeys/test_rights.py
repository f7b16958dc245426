"""Whatever is asked for by id is answered to whom it belongs; to every other partner it is
what an id of nothing is.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from exchange.adapters import kelmu
from exchange.schemas.directory import Partner
from exchange.schemas.envelope import public_id
from tests.adapters.income_register.clients import PREFIX, raw
from tests.adapters.income_register.register.test_versions import EMPLOYER, delivery, status_request
from tests.adapters.income_register.register.test_versions import send as send_document
from tests.exchange.journey.way import BODY
from tests.journeys.running import Running, running
from tests.journeys.test_eessi import claim

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODYS = public_id(1)
ACKNOWLEDGE = "/luova/v1/mailbox/acknowledgements"
KEY_OF_DAY = "/population-register/api/v1/kirjausavain/{date}"
#: Sectors that have no permit of the population register's.
WITHOUT_PERMIT = {
    "bank",
    "eessi",
    "employer",
    "foreign-institution",
    "income-register",
    "population-register",
}
#: What operators ask and do about partners.
OF_PARTNERS = (
    ("GET", "/api/v1/partners/{id}"),
    *(
        ("POST", f"/api/v1/partners/{{id}}/{what}")
        for what in ("rotate", "remove", "pause", "resume")
    ),
)
STATEMENTS = ["social-care-statement", "service-needs-assessment"]
SAMPLES = Path(kelmu.__file__).parent / "samples/valid"


@dataclass(frozen=True)
class Question:
    """A call about an id: its endpoint, the call's method, path and body with the id in them, those
    whom it belongs to, and an id of the same form that nothing has.
    """

    endpoint: str
    id: str
    mine: tuple[str, ...]
    write: Callable[[str, Partner], tuple[str, str, bytes]]
    nothing: str = NOBODYS
    media_type: str = "application/json"
    #: Whether an answer costs a commit or a signature; then one partner of each sector asks.
    is_costly: bool = False


def by_path(path: str, method: str = "GET") -> Callable[[str, Partner], tuple[str, str, bytes]]:
    """A call whose path ends with the id."""
    return lambda wanted, _: (method, path.format(id=wanted, date=wanted), b"")


@dataclass(frozen=True)
class Held:
    """The ids of what the exchange holds: a Luova message and its delivery, an EESSI message by
    both ids and its case, a delivery of the register.
    """

    message: str
    delivery: str
    eessi: tuple[str, str]
    case: str
    register: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asked(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Running, list[Question]]]:
    """An exchange that holds something of each kind that has an id, and the questions about it."""
    async with running(tmp_path_factory.mktemp("rights")) as gateway:
        permitted = tuple(
            each.id for each in gateway.exchange.directory if each.sector not in WITHOUT_PERMIT
        )
        yield gateway, questions_about(await fill(gateway), permitted)


async def fill(gateway: Running) -> Held:
    """Send something of each kind."""
    of_json = {"Content_Type": "application/json"}
    births = {"X_Message_Type": "population.births", "X_Message_Id": "r-1", **of_json}
    _, _, body = await gateway.post("/luova/v1/messages", BODY, "dvv", **births)
    message = json.loads(body)["id"]
    opening = claim().opening_bytes
    _, _, body = await gateway.post(
        "/eessi/v1/messages", opening, "eessi.ee.ska", Content_Type="text/xml"
    )
    ids = json.loads(body)
    request = json.loads((SAMPLES / "kelmu.information-request--two-statements.json").read_text())
    status, _, body = await gateway.post(
        "/kelmu/v1/information-requests",
        json.dumps(request | {"county": "county.lappi"}),
        "kela.benefits",
        X_Message_Id="r-2",
        **of_json,
    )
    assert status == 202, body
    notice = json.loads((SAMPLES / "kelmu.notice--contact-request.json").read_text())
    status, _, body = await gateway.post(
        "/kelmu/v1/notices",
        json.dumps(notice | {"authority": "county.lappi"}),
        "kela.benefits",
        X_Message_Id="n-2",
        **of_json,
    )
    assert status == 202, body
    wages = bytes(raw(delivery(gateway, "R-3")))
    kept = await send_document(gateway, "WageReportService", "SendWageReport", wages, EMPLOYER)
    register = kept.findtext("StatusResponse/IRDeliveryId")
    assert register
    await gateway.settled()
    (row,) = await gateway.exchange.ledger.deliveries(int(message, 16))
    return Held(message, public_id(row.id), (ids["id"], ids["messageId"]), ids["caseId"], register)


def questions_about(held: Held, permitted: tuple[str, ...]) -> list[Question]:
    """A question for each address that takes an id; `permitted` are those who may ask the
    population register.
    """
    institutions = "eessi.ee.ska", "kela.international"
    own = {"/luova/v1/messages/{id}": held.message}
    found = [Question(path, wanted, ("dvv",), by_path(path)) for path, wanted in own.items()]
    for path, wanted in (
        ("/eessi/v1/messages/{id}", held.eessi[0]),
        ("/eessi/v1/messages/{id}", held.eessi[1]),
        ("/eessi/v1/cases/{id}", held.case),
    ):
        found.append(Question(path, wanted, institutions, by_path(path)))
    for path in ("/api/v1/messages/{id}", "/api/v1/messages/{id}/body"):
        found.append(Question(path, held.message, (), by_path(path)))
    for method, path in OF_PARTNERS:
        found.append(Question(path, "dvv", (), by_path(path, method)))
    # A key is nobody's own: it is told to whoever has a permit.
    found.append(Question(KEY_OF_DAY, "2026-03-02", permitted, by_path(KEY_OF_DAY), "2026-03-03"))
    found.append(Question(ACKNOWLEDGE, held.delivery, (), _acknowledgement))
    # (Once its owner has moved the notice, as another test has it do, it is the other county's.)
    counties = ("county.lappi", "county.kainuu")
    for path, wanted, mine, nothing, write in (
        ("information-requests/{id}/answers", "r-2", ("county.lappi",), "r-9", _kelmu_answer),
        ("information-requests/{id}/withdrawals", "r-2", ("kela.benefits",), "r-9", _withdrawal),
        ("notices/{id}/transfers", "n-2", counties, "n-9", _transfer),
    ):
        found.append(
            Question(f"/kelmu/v1/{path}", wanted, mine, write, nothing=nothing, is_costly=True)
        )
    for field, wanted, nothing in (
        ("DeliveryId", "R-3", "R-4"),
        ("IRDeliveryId", held.register, NOBODYS),
    ):
        found.append(
            Question(
                f"{PREFIX}/StatusService.svc",
                wanted,
                (EMPLOYER,),
                _status_of(field),
                nothing=nothing,
                media_type="text/xml",
                is_costly=True,
            )
        )
    return found


def _acknowledgement(wanted: str, _: Partner) -> tuple[str, str, bytes]:
    held = {"id": wanted, "lease": NOBODYS}
    return "POST", ACKNOWLEDGE, json.dumps({"deliveries": [held]}).encode()


def _kelmu_answer(wanted: str, partner: Partner) -> tuple[str, str, bytes]:
    given = {
        "information_request": wanted,
        "user": "sos1",
        "given": [{"statement": name, "known": False} for name in STATEMENTS],
    }
    return "POST", f"/kelmu/v1/information-requests/{wanted}/answers", json.dumps(given).encode()


def _withdrawal(wanted: str, partner: Partner) -> tuple[str, str, bytes]:
    sample = SAMPLES / "kelmu.information-request-withdrawal--settled.json"
    document = json.loads(sample.read_text())
    document |= {"information_request": wanted, "county": "county.lappi"}
    path = f"/kelmu/v1/information-requests/{wanted}/withdrawals"
    return "POST", path, json.dumps(document).encode()


def _transfer(wanted: str, partner: Partner) -> tuple[str, str, bytes]:
    document = json.loads((SAMPLES / "kelmu.notice-transfer--moved-away.json").read_text())
    body = json.dumps(document | {"notice": wanted}).encode()
    return "POST", f"/kelmu/v1/notices/{wanted}/transfers", body


def _status_of(field: str) -> Callable[[str, Partner], tuple[str, str, bytes]]:
    def write(wanted: str, partner: Partner) -> tuple[str, str, bytes]:
        document = status_request(partner.business_id, "100", f"<{field}>{wanted}</{field}>")
        body = (
            b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
            + document
            + b"</s:Body></s:Envelope>"
        )
        return "POST", f"{PREFIX}/StatusService.svc", body

    return write


async def answer(
    gateway: Running, question: Question, wanted: str, partner: Partner
) -> tuple[int, str, str]:
    """Status, media type and text, without what tells one call from another: the id asked
    for, ids and times of the answer, and the signatures over them; nor the line of the call
    that a refusal repeats.
    """
    method, path, body = question.write(wanted, partner)
    headers = {"X-API-Key": partner.key, "Content-Type": question.media_type}
    if question.media_type == "text/xml":
        headers["SOAPAction"] = "GetDeliveryDataStatus"
    async with gateway.session.request(
        method, gateway.url + path, data=body or None, headers=headers
    ) as response:
        text = (await response.text()).replace(wanted, "?")
    text = re.sub(r"<ds:Signature[ >].*</ds:Signature>", "", text, flags=re.DOTALL)
    text = re.sub(r"<v:source>.*?</v:source>", "", text, flags=re.DOTALL)
    text = re.sub(r"[0-9a-f]{32}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z", "?", text)
    return response.status, response.content_type, text


async def test_what_belongs_to_another_is_what_is_not_there(
    asked: tuple[Running, list[Question]],
) -> None:
    gateway, questions = asked
    told: list[str] = []
    for question in questions:
        everybody = list(gateway.exchange.directory)
        some = {partner.sector: partner for partner in everybody if partner.id not in question.mine}
        for partner in some.values() if question.is_costly else everybody:
            if partner.id in question.mine or question.endpoint.startswith("/api"):
                continue
            of_it = await answer(gateway, question, question.id, partner)
            of_nothing = await answer(gateway, question, question.nothing, partner)
            if of_it != of_nothing:
                told.append(f"{partner.id} {question.endpoint} {question.id}: {of_it} {of_nothing}")
    assert told == []


async def test_who_it_belongs_to_is_told(asked: tuple[Running, list[Question]]) -> None:
    """Else the test above would hold of an exchange that answers nobody."""
    gateway, questions = asked
    for question in questions:
        for partner_id in question.mine[:1]:
            partner = gateway.exchange.directory.get(partner_id)
            assert partner is not None
            of_it = await answer(gateway, question, question.id, partner)
            of_nothing = await answer(gateway, question, question.nothing, partner)
            assert of_it != of_nothing, question.endpoint
            # (Kela's question may have been answered by the county's stub before.)
            assert of_it[0] < 300 or "answered already" in of_it[2], of_it


async def test_a_partners_key_opens_nothing_of_the_operators(
    asked: tuple[Running, list[Question]], tmp_path: Path
) -> None:
    gateway, questions = asked
    async with running(tmp_path, operators={"open": False}) as shut:
        for question in questions:
            if question.endpoint.startswith("/api"):
                partner = gateway.exchange.directory.get("dvv")
                assert partner is not None
                status, _, _ = await answer(shut, question, question.id, partner)
                assert status == 401


async def test_every_endpoint_with_an_id_is_asked(asked: tuple[Running, list[Question]]) -> None:
    gateway, questions = asked
    of_channels = {
        endpoint.path
        for channel in gateway.exchange.channels.values()
        for endpoint in channel.endpoints
        if endpoint.public is None and "{" in endpoint.path
    }
    of_operators = {
        resource.canonical
        for resource in gateway.exchange.application().router.resources()
        # (Schemas are everybody's.)
        if resource.canonical.startswith("/api/v1/") and "{" in resource.canonical
    }
    assert of_channels | of_operators <= {question.endpoint for question in questions}
