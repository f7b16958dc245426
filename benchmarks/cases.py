"""The messages that are measured: made by the channels' own stubs, or as the public clients of the
register make them, one of each kind; no server and no clock.
"""

from __future__ import annotations

import datetime
import itertools
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lxml import etree
from pydantic import BaseModel

from exchange import discovery, schemas
from exchange.adapters.income_register import generate
from exchange.benchmarks.driver import request
from exchange.benchmarks.signing import SignedTemplate
from exchange.partners.stub import Flow, Situation
from exchange.schemas import directory
from exchange.schemas.call import JSON, Call
from exchange.schemas.directory import Partner
from exchange.schemas.persons import person
from exchange.schemas.population.models import Changes
from exchange.schemas.x_road import identifiers as x_road

SOAP_BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"
SCHEMAS = Path(schemas.__file__).parent


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of message. `flow` picks the stub's flow by the start of its name; `make`, where
    given instead, takes the time (milliseconds) and gives what makes a call of a serial number.

    `schemas` are the XSDs that the ceiling judges by (none for JSON: there the bare echo is the
    measure). `answered` says that the channel's stub must answer the exchange's call, for a
    synchronous channel; others get a bare 200. By `match` (an XSD or a model) other mock servers
    match the message; without, they are not measured.
    """

    name: str
    title: str
    channel: str
    flow: str = ""
    make: Callable[[int], Callable[[int], Call]] | None = None
    schemas: tuple[Path, ...] = ()
    answered: bool = False
    match: Path | type[BaseModel] | None = None
    #: Requests prepared for a second of a run of the exchange; more than it can take.
    requests_per_second_max: int = 6_000
    #: Whether the limit server knows what the channel demands; else the bare echo is the measure.
    limited: bool = True

    def calls(self, now: int, seed: int, first_serial: int) -> Iterator[Call]:
        """Calls without end, each with a message id of its own."""
        if self.make is not None:
            make = self.make(now)
            yield from (make(serial) for serial in itertools.count(first_serial + 1))
        everybody = directory.load()
        flow = self._flow(everybody)
        for serial in itertools.count(first_serial + 1):
            yield flow.make(
                Situation(random.Random(f"{seed}:{serial}"), now, serial, everybody)
            ).call

    def _flow(self, everybody: directory.Directory) -> Flow:
        for stub in discovery.stubs():
            if stub.channel == self.channel:
                for flow in stub.flows(everybody):
                    if flow.name.startswith(self.flow):
                        found: Flow = flow
                        return found
        raise LookupError(f"no flow {self.flow} on {self.channel}")

    def unwrapped(self, prepared: bytes) -> bytes:
        """A prepared request with the bare document in place of its SOAP envelope, for servers that
        know no SOAP.
        """
        _, _, body = prepared.partition(b"\r\n\r\n")
        if not self.schemas:
            return prepared
        wrapped = etree.fromstring(body).find(SOAP_BODY)
        return (
            prepared
            if wrapped is None
            else request("/", {"Content-Type": "application/xml"}, etree.tostring(wrapped[0]))
        )

    def requests(self, count: int, now: int, seed: int = 1, first_serial: int = 0) -> list[bytes]:
        """So many prepared requests."""
        calls = self.calls(now, seed, first_serial)
        return [
            request(call.path, dict(call.headers), call.body)
            for call, _ in zip(calls, range(count), strict=False)
        ]


EESSI = SCHEMAS / "eessi"
INCOME = SCHEMAS / "income_register" / "wage_reports_to_ir.xsd"

INCOME_CHANNEL = "income-register"
EMPLOYER = "employer.demo-oy"
#: Where the serial number goes in a delivery's id, and in its reports' ids, which begin with it.
MARKER = "00000000"


def _wages(now: int, reports: int) -> tuple[bytes, Callable[[bytes], Call]]:
    """A delivery whose ids hold the marker, and what sends a document as the employer's
    stub does.
    """
    employer = directory.load().get(EMPLOYER)
    assert employer is not None, EMPLOYER
    day = datetime.datetime.fromtimestamp(now / 1000, datetime.UTC).date()
    batch = generate.Batch(
        payer=employer.business_id,
        sender=employer.business_id,
        day=day,
        delivery_id=f"B{day:%Y%m%d}-{MARKER}",
        reports=reports,
        real_time=False,
    )
    document = generate.wage_delivery(random.Random(reports), batch)
    stub = next(stub for stub in discovery.stubs() if stub.channel == INCOME_CHANNEL)
    return document, lambda body: stub.submit(
        employer, "income-register.wage-reports", "", body, ""
    )


def delivery(reports: int) -> Callable[[int], Callable[[int], Call]]:
    """An unsigned delivery of so many wage reports."""

    def make(now: int) -> Callable[[int], Call]:
        document, call = _wages(now, reports)
        return lambda serial: call(document.replace(MARKER.encode(), b"%08d" % (serial % 10**8)))

    return make


def signed_delivery(reports: int) -> Callable[[int], Callable[[int], Call]]:
    """A signed one."""

    def make(now: int) -> Callable[[int], Call]:
        document, call = _wages(now, reports)
        template = SignedTemplate(document, MARKER.encode())
        return lambda serial: call(template.signed(b"%08d" % (serial % 10**8)))

    return make


def bulk_query(persons: int) -> Callable[[int], Callable[[int], Call]]:
    """A query about so many persons, as a pension institution sends it."""

    def make(now: int) -> Callable[[int], Call]:
        like = next(Case("", "", "kelmu", BULK_FLOW).calls(now, 1, 0))
        body = json.dumps({**json.loads(like.body), "persons": codes(now, persons)}).encode()
        return lambda serial: replace(
            like, body=body, headers={**like.headers, "X-Message-Id": f"b-{serial}"}
        )

    return make


def codes(now: int, count: int) -> list[str]:
    """Identity codes of so many people who live."""
    rng, day = random.Random(count), datetime.datetime.fromtimestamp(now / 1000, datetime.UTC)
    found: set[str] = set()
    while len(found) < count:
        found.add(person(rng, day.date()).personal_identity_code)
    return sorted(found)


def changes_query(persons: int, years: int) -> Callable[[int], Callable[[int], Call]]:
    """A town's question for changes of so many people since a key of so many years ago, which fill
    a page.
    """

    def make(now: int) -> Callable[[int], Call]:
        since = now // 1000 - years * 365 * 86_400
        listed = json.dumps(codes(now, persons), separators=(",", ":"))
        call = Call(
            "POST",
            "/population-register/api/v1/muutokset",
            {"Content-Type": JSON, "X-API-Key": _partner(TOWN).key},
            f'{{"viimeisinKirjausavain":{since},"hetulista":{listed}}}'.encode(),
        )
        return lambda _: call

    return make


def person_query(now: int) -> Callable[[int], Call]:
    """A town's question about a person to VTJkysely over X-Road, with a message id of its own."""
    town = _partner(TOWN)
    client = x_road.client(["FI-TEST", "MUN", town.business_id, town.id])
    service = x_road.service("FI-TEST/GOV/0245437-2/VTJkysely", "HenkilonTunnusKysely", "v1")
    (code,) = codes(now, 1)
    begin = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        f'xmlns:xrd="{x_road.XROAD}" xmlns:id="{x_road.IDENTIFIERS}"><s:Header>'
        f"{client.as_xml('xrd:client')}{service.as_xml('xrd:service')}<xrd:id>"
    )
    end = (
        "</xrd:id><xrd:userId>bench</xrd:userId><xrd:protocolVersion>4.0</xrd:protocolVersion>"
        '</s:Header><s:Body><HenkilonTunnusKysely xmlns="http://xml.vrk.fi/ws/vtj/vtjkysely/1">'
        "<request><SoSoNimi>Perussanoma 3</SoSoNimi><Loppukayttaja>bench</Loppukayttaja>"
        f"<Henkilotunnus>{code}</Henkilotunnus></request></HenkilonTunnusKysely></s:Body>"
        "</s:Envelope>"
    )
    headers = {"Content-Type": "text/xml; charset=utf-8", "X-API-Key": town.key}
    return lambda serial: Call("POST", "/x-road", headers, f"{begin}{serial}{end}".encode())


def _partner(name: str) -> Partner:
    found = directory.load().get(name)
    assert found is not None, name
    return found


TOWN, BULK_FLOW = "municipality.espoo", "kelmu.bulk.pension.elo"
#: Few, since one process plays the register, and 64 such queries wait for it at once.
BULK_PERSONS = 50

CASES = (
    Case(
        "wage-report",
        "Wage reports, six in a signed delivery (SOAP)",
        INCOME_CHANNEL,
        schemas=(INCOME,),
        make=signed_delivery(6),
        match=INCOME,
        requests_per_second_max=2_500,
    ),
    Case(
        "wage-reports",
        "Wage reports, a hundred in a delivery (SOAP)",
        INCOME_CHANNEL,
        schemas=(INCOME,),
        make=delivery(100),
        requests_per_second_max=500,
    ),
    Case(
        "luova-json",
        "Population changes over Luova (JSON)",
        "luova",
        "population.births",
        match=Changes,
    ),
    Case(
        "kelmu-query",
        "Kelmu query, the whole round trip (JSON)",
        "kelmu",
        "kelmu.api.pension.elo",
        answered=True,
    ),
    Case(
        "kelmu-bulk",
        f"Kelmu query about {BULK_PERSONS} persons (JSON)",
        "kelmu",
        make=bulk_query(BULK_PERSONS),
        answered=True,
        limited=False,
        requests_per_second_max=500,
    ),
    Case(
        "population-changes",
        "A page of 500 changes, of 600 persons (JSON)",
        "population-register",
        make=changes_query(600, 10),
        limited=False,
        requests_per_second_max=500,
    ),
    Case(
        "person-query",
        "A look-up of a person over X-Road (SOAP)",
        "population-register",
        make=person_query,
        limited=False,
        requests_per_second_max=4_000,
    ),
    Case(
        "eessi-sed",
        "EESSI SED in SBDH (XML)",
        "eessi",
        "H001 from Finland",
        requests_per_second_max=4_000,
        answered=True,
        schemas=(EESSI / "sbdh.xsd", EESSI / "H001.xsd"),
    ),
)
