"""The messages that are measured: made by the channels' own stubs, one of each kind; no server and no clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

import schemas
from benchmarks.driver import request
from exchange import discovery
from partners.stub import Flow, Situation
from schemas import directory
from schemas.call import Call

SOAP_BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"
SCHEMAS = Path(schemas.__file__).parent


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of message. `flow` picks the stub's flow by the start of its name, `fits` the sendings that count.

    `schemas` are the XSDs that the ceiling judges by (none for JSON: there the bare echo is the measure). `answered` says
    that the channel's stub must answer the exchange's call, for a synchronous channel; others get a bare 200.
    """

    name: str
    title: str
    channel: str
    flow: str
    fits: Callable[[Call], bool] = lambda call: True
    schemas: tuple[Path, ...] = ()
    answered: bool = False
    #: Requests prepared for a second of a run of the exchange; more than it can take.
    requests_per_second_max: int = 6_000

    def calls(self, now: int, seed: int, first_serial: int) -> Iterator[Call]:
        """Calls without end, each with a message id of its own."""
        everybody = directory.load()
        flow = self._flow(everybody)
        serial = first_serial
        while True:
            serial += 1
            sending = flow.make(Situation(random.Random(f"{seed}:{serial}"), now, serial, everybody))
            if self.fits(sending.call):
                yield sending.call

    def _flow(self, everybody: directory.Directory) -> Flow:
        for stub in discovery.stubs():
            if stub.channel == self.channel:
                for flow in stub.flows(everybody):
                    if flow.name.startswith(self.flow):
                        found: Flow = flow
                        return found
        raise LookupError(f"no flow {self.flow} on {self.channel}")

    def unwrapped(self, prepared: bytes) -> bytes:
        """A prepared request with the bare document in place of its SOAP envelope, for servers that know no SOAP."""
        _, _, body = prepared.partition(b"\r\n\r\n")
        if not self.schemas:
            return prepared
        wrapped = etree.fromstring(body).find(SOAP_BODY)
        return prepared if wrapped is None else request("/", {"Content-Type": "application/xml"}, etree.tostring(wrapped[0]))

    def requests(self, count: int, now: int, seed: int = 1, first_serial: int = 0) -> list[bytes]:
        """So many prepared requests."""
        calls = self.calls(now, seed, first_serial)
        return [request(call.path, dict(call.headers), call.body) for call, _ in zip(calls, range(count), strict=False)]


EESSI = SCHEMAS / "eessi"
INCOME = SCHEMAS / "income_register" / "wage_reports_to_ir.xsd"

CASES = (
    Case(
        "wage-report",
        "Wage report, one, real-time (SOAP)",
        "income-register",
        "income-register.wage-reports",
        lambda call: call.headers["SOAPAction"] == '"SendWageReport"',
        (INCOME,),
    ),
    Case(
        "wage-reports",
        "Wage reports, a deferred delivery (SOAP)",
        "income-register",
        "income-register.wage-reports",
        lambda call: call.headers["SOAPAction"] == '"SendWageReports"',
        (INCOME,),
    ),
    Case("luova-json", "Population changes over Luova (JSON)", "luova", "population.births"),
    Case("kelmu-query", "Kelmu query, the whole round trip (JSON)", "kelmu", "kelmu.api.pension.elo", answered=True),
    Case("eessi-sed", "EESSI SED in SBDH (XML)", "eessi", "H001 from Finland", schemas=(EESSI / "sbdh.xsd", EESSI / "H001.xsd")),
)
