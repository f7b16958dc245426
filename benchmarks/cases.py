"""The messages that are measured: made by the channels' own stubs, one of each kind; no server and no clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import schemas
from benchmarks.driver import request
from exchange import discovery
from partners.stub import Flow, Situation
from schemas import directory
from schemas.call import Call

SCHEMAS = Path(schemas.__file__).parent


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of message. `flow` picks the stub's flow by the start of its name, `fits` the sendings that count.

    `schema` is the XSD that the ceiling judges by (None for JSON: there the bare echo is the measure).
    """

    name: str
    title: str
    channel: str
    flow: str
    fits: Callable[[Call], bool] = lambda call: True
    schema: Path | None = None
    #: What the sink answers when the exchange delivers.
    sink_answer: str = "{}"
    #: Requests prepared for a second of a run; more than any server here can take.
    requests_per_second_max: int = 12_000

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

    def requests(self, count: int, now: int, seed: int = 1, first_serial: int = 0) -> list[bytes]:
        """So many prepared requests."""
        calls = self.calls(now, seed, first_serial)
        return [request(call.path, dict(call.headers), call.body) for call, _ in zip(calls, range(count), strict=False)]


INCOME = SCHEMAS / "income_register" / "wage_reports_to_ir.xsd"

CASES = (
    Case(
        "wage-report",
        "Wage report, one, real-time (SOAP)",
        "income-register",
        "income-register.wage-reports",
        lambda call: call.headers["SOAPAction"] == '"SendWageReport"',
        INCOME,
    ),
    Case(
        "wage-reports",
        "Wage reports, a deferred delivery (SOAP)",
        "income-register",
        "income-register.wage-reports",
        lambda call: call.headers["SOAPAction"] == '"SendWageReports"',
        INCOME,
    ),
    Case("luova-json", "Population changes over Luova (JSON)", "luova", "population.births"),
    Case("kelmu-query", "Kelmu query, the whole round trip (JSON)", "kelmu", "kelmu.api.pension.elo"),
    Case("eessi-sed", "EESSI SED in SBDH (XML)", "eessi", "H001 from Finland"),
)
