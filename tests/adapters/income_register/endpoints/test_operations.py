"""Every operation of every service by its SOAPAction and its document: what does not belong
together, and what comes with attachments, is a counted fault that says so.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lxml import etree

from exchange.adapters.income_register.document import NAMESPACE
from exchange.adapters.income_register.endpoints import soap, wsdl
from exchange.adapters.income_register.endpoints.request import operation_of
from exchange.assembly import Exchange
from exchange.ports import Refusal
from exchange.schemas.call import Call
from exchange.schemas.violation import Violation
from exchange.settings import Settings
from exchange.simulation.endpoints import InsideEndpoints
from tests.adapters.income_register.endpoints.test_services import EMPLOYER
from tests.adapters.income_register.hand_out.test_extraction import Hand, Straight

OPERATIONS = [
    (service, operation) for service, every in wsdl.SERVICES.items() for operation in every
]
ENVELOPE = (
    b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%b</s:Body>'
    b"</s:Envelope>"
)
RELATED = 'multipart/related; boundary="b"; type="%s"; start="<root>"'
#: What an xop:Include can name: a file, a part that is not there, its own part, one of which there
#: are two, one that is large.
HREFS = ("file:///etc/hostname", "cid:none", "cid:root", "cid:two", "cid:large")
INCLUDE = '<x:Include xmlns:x="http://www.w3.org/2004/08/xop/include" href="%s"/>'
PARTS = b"--b\r\nContent-Type: %b\r\nContent-ID: <root>\r\n\r\n%b\r\n--b--\r\n"


def document(root: str) -> bytes:
    """A document of that root in its namespace, with nothing in it, in an envelope."""
    name = f'<d:{root} xmlns:d="{NAMESPACE}{wsdl.DOCUMENTS[root][0]}"/>'
    return ENVELOPE % name.encode()


@dataclass
class Caller:
    """Calls services as the employer, and keeps how many calls there were."""

    exchange: Exchange
    inside: InsideEndpoints
    calls: int = field(default=0)

    async def faults(self, service: str, body: bytes, **headers: str) -> list[str]:
        """The rules that a call breaks, told in a SOAP fault of the caller's."""
        partner = self.exchange.directory.get(EMPLOYER)
        assert partner is not None
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"X-API-Key": partner.key, "Content-Type": "text/xml", **named}
        reply = await self.inside.call(Call("POST", f"/20170526/{service}.svc", sent, body))
        self.calls += 1
        fault = etree.fromstring(reply.body).find(".//{*}Fault")
        assert (reply.status, fault is not None) == (500, True), reply.body[:500]
        assert fault is not None
        assert str(fault.findtext("faultcode")).endswith(":Client")
        rules = [str(each.text) for each in fault.iter("{urn:exchange:violations}rule")]
        assert rules, reply.body
        return rules


@pytest.fixture
async def caller(tmp_path: Path) -> AsyncIterator[Caller]:
    exchange = Exchange(
        Settings(storage={"url": f"sqlite:///{tmp_path}/exchange.db"}),
        clock=Hand("2026-03-02T08:00:00+02:00"),
        transport=Straight(),
    )
    await exchange.open(deliver=False)
    inside = InsideEndpoints(
        exchange.channels.values(), exchange.desk, exchange.directory, exchange.requests
    )
    made = Caller(exchange, inside)
    yield made
    totals = await exchange.ledger.totals(("kind",))
    counted = {kind: count for (kind,), count, *_ in totals}
    assert (counted["received"], counted["rejected"]) == (made.calls, made.calls)
    await exchange.close()


def test_an_operation_is_told_by_its_action_in_every_form_or_by_its_document() -> None:
    for service, operation in OPERATIONS:
        name, body = operation.name, document(operation.request)
        for action in (
            f'"{name}"',
            name,
            f' "urn:x/{name}" ',
            f"http://x/y/{name}",
            '""',
            "",
            None,
        ):
            headers = {} if action is None else {"SOAPAction": action}
            call = Call("POST", "/", headers, body)
            assert operation_of(call, wsdl.SERVICES[service]) == operation, (service, action)


@pytest.mark.parametrize(
    ("action", "body", "told"),
    [
        ("Strange", b"", "Strange"),
        ("", ENVELOPE % b'<d:OddRequestToIR xmlns:d="urn:x"/>', "OddRequestToIR"),
        ("", b"", "(none)"),
    ],
)
def test_what_a_service_has_not_is_told_by_name(action: str, body: bytes, told: str) -> None:
    for service in wsdl.SERVICES.values():
        found = operation_of(Call("POST", "/", {"SOAPAction": action}, body), service)
        assert isinstance(found, Violation)
        assert found.message.startswith(f"unknown operation {told}; ")


@pytest.mark.parametrize(("status", "code"), [(499, "Client"), (500, "Server"), (503, "Server")])
def test_a_refusal_says_whose_it_is(status: int, code: str) -> None:
    reply = soap.refuse(Refusal("busy", status, "later"))
    assert (reply.status, f"<faultcode>soap:{code}</faultcode>".encode() in reply.body) == (
        status,
        True,
    )


async def test_an_action_that_the_service_has_not_is_a_fault(caller: Caller) -> None:
    for service, operation in OPERATIONS:
        own = {each.name for each in wsdl.SERVICES[service]}
        others = {each.name for _, each in OPERATIONS} - own
        name, body = operation.name, document(operation.request)
        for action in (
            min(others),
            name.lower(),
            f"'{name}'",
            f"{name}/",
            f'"{name}" "x"',
            "x" * 99,
        ):
            rules = await caller.faults(service, body, SOAPAction=action)
            assert rules == ["ir.operation"], (service, action)


async def test_a_right_action_with_another_document_is_a_fault(caller: Caller) -> None:
    roots = [each for each in wsdl.DOCUMENTS if "Log" not in each]
    for number, (service, operation) in enumerate(OPERATIONS):
        taken = operation.request
        others = [each for each in roots if each != taken]
        # (All of them for one operation, and of each service the next ones.)
        for other in others if number == 0 else others[number::9]:
            found = await caller.faults(service, document(other), SOAPAction=operation.name)
            assert found == ["ir.operation"], (service, other)
        hidden = b"<!-- <%b > -->" % taken.encode() + document(others[-1])
        far = document(others[-1]).replace(b"<s:Body>", b" " * (1 << 20) + b"<s:Body>")
        for body in (
            hidden,
            far,
            ENVELOPE % b"",
            document(taken).replace(b"/2017/1/", b"/2018/1/"),
        ):
            rules = await caller.faults(service, body, SOAPAction=operation.name)
            assert rules in (["ir.operation"], ["type.unknown"]), (service, body[:80])
        assert await caller.faults(service, hidden) == ["ir.operation"], "nor without an action"


async def test_attachments_are_refused_by_name(caller: Caller) -> None:
    for service, operation in OPERATIONS:
        for kind in ("text/xml", "application/xop+xml"):
            body = PARTS % (kind.encode(), document(operation.request))
            for action in ({"SOAPAction": operation.name}, {}):
                rules = await caller.faults(service, body, Content_Type=RELATED % kind, **action)
                assert rules == ["soap.attachments"], service


async def test_what_an_include_names_is_never_read(caller: Caller) -> None:
    """Beside parts it is refused with them; in a document alone it is an element too many."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0)
        for href in (f"http://127.0.0.1:{other.getsockname()[1]}/x", *HREFS):
            inside = f">{INCLUDE % href}</d:Echo>".encode()
            envelope = document("Echo").replace(b"/>", inside, 1)
            parts = b"".join(
                b"--b\r\nContent-Type: text/plain\r\nContent-ID: <%b>\r\n\r\n%b\r\n" % part
                for part in ((b"two", b"1"), (b"two", b"2"), (b"large", b"x" * 3_000_000))
            )
            body, kind = parts + PARTS % (b"application/xop+xml", envelope), "application/xop+xml"
            rules = await caller.faults("EchoService", body, Content_Type=RELATED % kind)
            assert rules == ["soap.attachments"], href
            assert "xsd.element-missing" in await caller.faults("EchoService", envelope), href
        with pytest.raises(BlockingIOError):
            other.accept()
