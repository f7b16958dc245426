"""What is wrong is refused alike by every face of Kelmu and the population register (plain, TLS,
X-Road): in the channel's own form, counted, and with nothing of a living person anywhere.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from lxml import etree
from yarl import URL

from exchange.adapters.kelmu.generate import pdf as pdf_letter
from exchange.schemas.call import JSON, Call
from exchange.schemas.directory import common_name_of
from exchange.schemas.x_road import identifiers, soap
from exchange.storage.partners.call_records import LedgerCallRecords
from tests.exchange.web.tls.certificates import Folder, client
from tests.journeys.counted.test_faces import over_x_road
from tests.journeys.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

KELMU, REGISTER = "/kelmu/v1", "/population-register/api/v1"
COUNTY, PENSION, TOWN = "county.pirkanmaa", "pension.elo", "municipality.espoo"
CODE, REAL = "140890-9423", "131052-308T"
QUERY: dict[str, Any] = {
    "person": CODE,
    "purpose": "social-services",
    "legal_ground": "1301/2014",
    "user": "koe",
    "benefits": ["pensions"],
    "data_groups": ["decision"],
    "from": "2026-01-01",
    "to": "2026-03-02",
}
BULK = {
    **{name: value for name, value in QUERY.items() if name != "person"},
    "purpose": "pension-determination",
    "legal_ground": "395/2006",
}
DOCUMENT = {
    "person": CODE,
    "matter": "basic-social-assistance",
    "document_kind": "other",
    "requested_by_client": True,
    "user": "koe",
}
ANSWER = {
    "information_request": "nobodys",
    "given": [{"statement": "social-care-statement", "known": False}],
    "user": "koe",
}
KEY = "viimeisinKirjausavain"


class Wrong(NamedTuple):
    """A call that is wrong, by whom, and the status that every face answers with."""

    name: str
    partner: str
    path: str
    body: bytes
    status: int = 400
    content_type: str = JSON


def without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}


def document_with(name: str, kind: str, content: bytes) -> tuple[bytes, str]:
    """A document with one file."""
    head = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\nContent-Type: {}\r\n\r\n'
    message = head.format("message", "", JSON).encode() + json.dumps(DOCUMENT).encode()
    file = head.format("file", f'; filename="{name}"', kind).encode() + content
    return message + b"\r\n" + file + b"\r\n--b--\r\n", "multipart/form-data; boundary=b"


def wrong_queries() -> Iterator[Wrong]:
    """Kelmu's questions."""
    path = f"{KELMU}/queries"
    for name, document, status in (
        ("no ground", without(QUERY, "legal_ground"), 400),
        ("no right", QUERY | {"data_groups": ["medicine-cost-ceiling"]}, 403),
        ("ground of another purpose", QUERY | {"legal_ground": "1290/2002"}, 403),
        ("check character", QUERY | {"person": "140890-9424"}, 400),
        ("living person", QUERY | {"person": REAL}, 400),
        ("living person in a note", QUERY | {"user": f"hetu {REAL}"}, 400),
        ("living person, hidden", QUERY | {"user": REAL.replace("-", "\u2010")}, 400),
        ("two persons", QUERY | {"person": [CODE, CODE]}, 400),
        ("a day that is none", QUERY | {"from": "2026-02-30"}, 400),
        ("a day of a week", QUERY | {"from": "2026-W01-1"}, 400),
        ("half a character", QUERY | {"user": "\ud800"}, 400),
    ):
        partner = TOWN if name == "no right" else COUNTY
        yield Wrong(name, partner, path, json.dumps(document).encode(), status)
    many = json.dumps(BULK | {"persons": [CODE] * 1_001}).encode()
    yield Wrong("1,001 persons", PENSION, f"{path}/bulk", many)
    form = json.dumps(BULK | {"persons": [CODE, "14089O-9423"]}).encode()
    yield Wrong("no form of a code", PENSION, f"{path}/bulk", form)
    yield Wrong("a key twice", COUNTY, path, b'{"person":"a",' + json.dumps(QUERY)[1:].encode())
    yield Wrong("nothing", COUNTY, path, b"")
    yield Wrong("deep", COUNTY, path, b"[" * 50_000)
    answers = f"{KELMU}/information-requests/nobodys/answers"
    yield Wrong("nobody's request", COUNTY, answers, json.dumps(ANSWER).encode())


def wrong_documents() -> Iterator[Wrong]:
    """Files."""
    letter = pdf_letter("Koe")
    for name, file_name, kind, content in (
        ("0 bytes", "a.pdf", "application/pdf", b""),
        ("declared as another kind", "a.png", "image/png", letter),
        ("of another kind", "a.exe", "application/octet-stream", b"MZ" + letter),
        ("broken off", "a.pdf", "application/pdf", letter[:-8]),
        ("living person in its name", f"{REAL}.pdf", "application/pdf", letter),
    ):
        body, content_type = document_with(file_name, kind, content)
        yield Wrong(name, COUNTY, f"{KELMU}/documents", body, 400, content_type)


def wrong_keys() -> Iterator[Wrong]:
    """Questions for changes and basic data."""
    listed: dict[str, Any] = {"hetulista": [CODE]}
    for name, text in (
        ("a key of the future", "99999999999"),
        ("a key beyond 64 bits", str(2**64)),
        ("a key of a thousand digits", "9" * 1_000),
        ("a key below 0", "-1"),
        ("a key with a fraction", "1.5"),
        ("a key with an exponent", "1e3"),
        ("a key that is no number", "NaN"),
        ("a key that is a text", '"7"'),
        ("a key twice", '7,"viimeisinKirjausavain":8'),
    ):
        body = f'{{"{KEY}":{text},"hetulista":["{CODE}"]}}'.encode()
        yield Wrong(name, TOWN, f"{REGISTER}/muutokset", body)
    basic = f"{REGISTER}/perustiedot"
    yield Wrong(
        "1,001 in perustiedot", TOWN, basic, json.dumps({"hetulista": [CODE] * 1_001}).encode()
    )
    yield Wrong("lists in a list", TOWN, basic, json.dumps({"hetulista": [[CODE]]}).encode())
    real = json.dumps({"hetulista": [CODE, REAL]}).encode()
    yield Wrong("living person listed", TOWN, basic, real, 403)
    other = json.dumps(listed).encode()
    yield Wrong("another media type", TOWN, basic, other, 415, "text/plain")


class Faces(NamedTuple):
    """The exchange, its certificates and its TLS address."""

    exchange: Running
    folder: Folder

    async def answer(self, face: str, partner_id: str, call: Call) -> tuple[int, Any, bytes]:
        """Status, headers and body of a call by a face."""
        partner = self.exchange.exchange.directory.get(partner_id)
        assert partner is not None
        base, shown, made = self.exchange.url, None, call
        headers = {**call.headers, "X-API-Key": partner.key}
        if face == "tls":
            base, headers = self.exchange.secure[0], dict(call.headers)
            shown = self.folder.shows(client(common_name_of(partner)))
        elif face == "x-road":
            channel = "kelmu" if call.path.startswith(KELMU) else "population-register"
            over = over_x_road(channel, partner, call)
            assert over is not None
            made, headers = over, dict(over.headers)
        async with self.exchange.session.request(
            made.method,
            URL(base + made.path, encoded=True),
            data=made.body,
            headers=headers,
            ssl=shown if shown is not None else True,
        ) as response:
            return response.status, response.headers, await response.read()

    async def rejected(self) -> int:
        """Messages that were counted as rejected."""
        rows = await self.exchange.exchange.ledger.totals(("kind",))
        return sum(count for (kind,), count, _, _ in rows if kind == "rejected")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def faces(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Faces]:
    """One exchange for all."""
    path = tmp_path_factory.mktemp("faces")
    folder = Folder(path)
    listener = {**folder.listener, "channels": ["kelmu", "population-register"]}
    async with running(path, listeners=[listener]) as exchange:
        yield Faces(exchange, folder)


#: Each call by one of the faces; every call by every face in the drill.
FACES = ("plain", "tls", "x-road")


@pytest.mark.parametrize(
    "together", [1, pytest.param(len(FACES), marks=pytest.mark.drill)], ids=["one", "all"]
)
async def test_what_is_wrong_is_refused_in_the_channels_form_and_counted(
    faces: Faces, together: int
) -> None:
    wrong = []
    calls = (*wrong_queries(), *wrong_documents(), *wrong_keys())
    turns = product(enumerate(calls), range(together))
    for each, face in ((call, FACES[(place + turn) % 3]) for (place, call), turn in turns):
        before = await faces.rejected()
        headers = {"Content-Type": each.content_type}
        call = Call("POST", each.path, headers, each.body)
        status, answered, body = await faces.answer(face, each.partner, call)
        told = json.loads(body)
        is_form = answered["Content-Type"].startswith("application/problem+json")
        rejected = await faces.rejected() - before
        if (status, is_form, rejected) != (each.status, True, 1) or not told["violations"]:
            wrong.append((face, each.name, status, rejected, body[:300]))
        assert REAL.encode() not in body
    assert wrong == []
    await nothing_of_a_living_person(faces)


HEADERS = ("X-Road-Id", "X-Road-UserId", "X-Road-Issue", "X-Road-Represented-Party")


async def test_a_living_person_beside_a_call_over_x_road_is_kept_nowhere(faces: Faces) -> None:
    town = faces.exchange.exchange.directory.get(TOWN)
    assert town is not None
    for header in HEADERS:
        path = f"{REGISTER}/kirjausavain/2026-03-02"
        call = Call("GET", path, {header: f"GOV/{REAL}" if "Party" in header else REAL}, b"")
        assert (await faces.answer("x-road", TOWN, call))[0] == 200
    for path in (f"{REGISTER}/kirjausavain/{REAL}", f"{REGISTER}/{REAL}"):
        status, _, body = await faces.answer("x-road", TOWN, Call("GET", path, {}, b""))
        assert status in (400, 404)
        assert REAL.encode() not in body
    client_of_town = identifiers.client(["FI-TEST", "MUN", town.business_id, town.id])
    nobody = identifiers.client(["FI-TEST", "MUN", REAL, REAL])
    service = identifiers.service("FI-TEST/GOV/0245437-2/VTJkysely", "HenkilonTunnusKysely", "v1")
    question = (
        '<HenkilonTunnusKysely xmlns="http://xml.vrk.fi/ws/vtj/vtjkysely/1"><request>'
        "<SoSoNimi>Perussanoma 3</SoSoNimi><Loppukayttaja>{user}</Loppukayttaja>"
        f"<Henkilotunnus>{CODE}</Henkilotunnus></request></HenkilonTunnusKysely>"
    )
    for asker, user, header_user in (
        (client_of_town, REAL, "koe"),
        (client_of_town, "koe", REAL),
        (nobody, "koe", "koe"),
    ):
        envelope = (
            f'<s:Envelope xmlns:s="{soap.SOAP}" xmlns:xrd="{identifiers.XROAD}" '
            f'xmlns:id="{identifiers.IDENTIFIERS}"><s:Header>{asker.as_xml("xrd:client")}'
            f"{service.as_xml('xrd:service')}<xrd:id>1</xrd:id><xrd:userId>{header_user}"
            "</xrd:userId><xrd:protocolVersion>4.0</xrd:protocolVersion></s:Header><s:Body>"
            f"{question.format(user=user)}</s:Body></s:Envelope>"
        )
        headers = {"Content-Type": "text/xml", "X-API-Key": town.key}
        url = f"{faces.exchange.url}/x-road"
        async with faces.exchange.session.post(url, data=envelope, headers=headers) as response:
            assert response.status == 200
            answered = etree.fromstring(await response.read())
        # (What stands in its own header comes back to who sent it, as X-Road has it.)
        (body,) = answered.iterfind(f"{{{soap.SOAP}}}Body")
        assert b"VTJHenkiloVastaussanoma" not in etree.tostring(body)
        assert REAL.encode() not in etree.tostring(body)
    await nothing_of_a_living_person(faces)


async def nothing_of_a_living_person(faces: Faces) -> None:
    """Neither in the ledger's files, nor in what is packed in them, nor in operational records."""
    exchange = faces.exchange.exchange
    await exchange.monitoring.flush()
    kept = await LedgerCallRecords(exchange.ledger).told(0, 1 << 62, (), 1 << 62)
    assert kept
    assert not any(REAL in "".join(map(str, each)) for each in kept)
    where = Path(str(exchange.ledger.where))
    for file in where.parent.glob(f"{where.name}*"):
        assert REAL.encode() not in file.read_bytes(), file.name
    packed = await exchange.ledger.read(
        lambda connection: connection.execute("SELECT message_id FROM body").fetchall()
    )
    for (message_id,) in packed:
        assert REAL.encode() not in (await exchange.ledger.body(message_id) or b"")
