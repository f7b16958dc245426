"""What documents are called by themselves: a MsgId, a certificate's id, set and version, an
answer's question; over a real ledger.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from exchange.adapters.luova.channel import CHANNEL
from exchange.assembly import Exchange, checking
from exchange.ports import Inbound, Outcome
from exchange.ports.ledger import Old
from exchange.settings import Settings
from exchange.storage.proof.verify import verify
from tests.conformance.samples import ROOT
from tests.exchange.journey.way import Script

FAMILIES = ROOT / "luova" / "families"
PAYMENT = (
    FAMILIES / "payments/samples/valid/payments.credit-transfers--one-payment.xml"
).read_bytes()
REQUEST = next((FAMILIES / "tax/samples/valid").glob("tax.request--*")).read_bytes()
RESPONSE = next((FAMILIES / "tax/samples/valid").glob("tax.response--*")).read_bytes()


class Luova:
    """A running exchange, and its channel Luova."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange

    async def send(self, sender: str, kind: str, body: bytes, name: str, **hints: str) -> Outcome:
        """What becomes of a message."""
        partner = self.exchange.directory.get(sender)
        assert partner is not None
        said = {"type": kind, "id": name, **hints}
        inbound = Inbound(partner, body, "text/xml", "api", said)
        return await self.exchange.acceptance.accept(CHANNEL, inbound)

    async def pay(self, name: str, receiver: str, body: bytes = PAYMENT) -> Outcome:
        sender = next(each for each in self.exchange.directory if each.sector == "kela")
        kind = "payments.credit-transfers"
        return await self.send(sender.id, kind, body, name, receiver=receiver)

    async def certify(self, name: str, body: bytes) -> Outcome:
        sender = next(each for each in self.exchange.directory if each.sector == "healthcare")
        return await self.send(sender.id, "certificates.document", body, name)

    def bank(self, number: int) -> str:
        banks = [each.id for each in self.exchange.directory if each.sector == "bank"]
        return banks[number]


@asynccontextmanager
async def running(folder: Path, deliver: bool = False, **settings: object) -> AsyncIterator[Luova]:
    path = folder / "ledger.db"
    made = Settings(storage={"url": f"sqlite:///{path}"}, **settings)  # type: ignore[arg-type]
    exchange = Exchange(made, transport=Script())
    await exchange.open(deliver=deliver)
    try:
        yield Luova(exchange)
    finally:
        await exchange.close()
    assert not [check for check in verify(path).checks if check.broken]


def told(outcome: Outcome) -> list[str]:
    return [each.rule for each in outcome.violations if each.rule != "payments.bank-day"]


async def test_a_message_id_of_payments_is_used_once_between_two_parties(tmp_path: Path) -> None:
    async with running(tmp_path) as luova:
        assert (await luova.pay("a", luova.bank(0))).kind == "accepted"
        assert (await luova.pay("a", luova.bank(0))).kind == "duplicate"
        changed = await luova.pay("a", luova.bank(0), PAYMENT + b"\n")
        assert (changed.reason, told(changed)) == ("message-id-reused", ["message-id.reused"])
        again = await luova.pay("b", luova.bank(0))
        assert (again.kind, told(again)) == ("rejected", ["payments.message-id"])
        assert again.violations[0].path.endswith("GrpHdr/MsgId")
        assert again.violations[0].line > 1
        assert (await luova.pay("c", luova.bank(1))).kind == "accepted", "another bank's"
        other = PAYMENT.replace(b"<MsgId>", b"<MsgId>x", 1)
        assert (await luova.pay("d", luova.bank(0), other)).kind == "accepted"


async def test_an_identity_is_forgotten_with_its_message(tmp_path: Path) -> None:
    async with running(tmp_path, deliver=True) as luova:
        first, ledger = certificate("1.2.3.1", 1), luova.exchange.ledger
        assert (await luova.pay("a", luova.bank(0))).kind == "accepted"
        assert (await luova.certify("a", first)).kind == "accepted"
        assert told(await luova.pay("b", luova.bank(0))) == ["payments.message-id"]
        while any((await ledger.waiting_by_channel()).values()):
            await asyncio.sleep(0.01)
        everything = Old(1 << 62, 1 << 62)
        assert (await ledger.drop(everything, everything, 100)).messages == 3
        assert (await luova.pay("b", luova.bank(0))).kind == "accepted"
        assert told(await luova.certify("b", first)) == []


def certificate(document: str, number: int, replaced: str = "", of_set: str = "1.2.3") -> bytes:
    """A certificate with that id and version, which replaces the one with that id."""
    body = next(
        (FAMILIES / "certificates/samples/valid").glob("certificates.document--*")
    ).read_text()
    body = re.sub(r"(?s)<relatedDocument.*?</relatedDocument>", "", body)
    body = re.sub(r'<id root="[^"]*"/>', f'<id root="{document}"/>', body, count=1)
    body = re.sub(r'<setId root="[^"]*"/>', f'<setId root="{of_set}"/>', body, count=1)
    body = re.sub(r'<versionNumber value="[^"]*"/>', f'<versionNumber value="{number}"/>', body)
    if replaced:
        parent = (
            f'<relatedDocument typeCode="RPLC"><parentDocument><id root="{replaced}"/>'
            f'<setId root="{of_set}"/><versionNumber value="{number - 1}"/></parentDocument>'
            "</relatedDocument>"
        )
        body = re.sub(r"<localHeader ", parent + "<localHeader ", body, count=1)
    return body.encode()


async def test_a_certificate_is_known_by_id_set_and_version(tmp_path: Path) -> None:
    async with running(tmp_path) as luova:
        first = certificate("1.2.3.1", 1)
        assert told(await luova.certify("a", first)) == []
        assert (await luova.certify("a", first)).kind == "duplicate"
        assert told(await luova.certify("b", first)) == ["certificates.document-id"]
        known = await luova.certify("c", certificate("1.2.3.9", 1))
        assert told(known) == ["certificates.version-known"]
        assert known.violations[0].expected == "2 or more"
        wrong = await luova.certify("d", certificate("1.2.3.2", 2, "1.2.3.7"))
        assert told(wrong) == ["certificates.replaced"]
        assert wrong.violations[0].expected == "1.2.3.1"
        right = certificate("1.2.3.3", 3, "1.2.3.2")
        assert told(await luova.certify("e", right)) == []
        late = await luova.certify("f", certificate("1.2.3.2", 2, "1.2.3.1"))
        assert (late.kind, told(late)) == ("accepted", ["certificates.version-old"])
        assert late.violations[0].expected == "4 or more"
        other = certificate("1.2.4.1", 1, of_set="1.2.4")
        assert told(await luova.certify("g", other)) == []


REPLACEMENT = certificate("1.2.3.2", 2, "1.2.3.1")


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (certificate("1.2.3.2", 2, "1.2.3.2"), "certificates.replaced"),
        (REPLACEMENT.replace(b'"1"/></parent', b'"2"/></parent'), "certificates.version"),
        (REPLACEMENT.replace(b'"1"/></parent', b'"7"/></parent'), "certificates.version"),
    ],
)
def test_a_replacement_is_of_an_earlier_document(body: bytes, rule: str) -> None:
    assert body != REPLACEMENT
    assert [each.rule for each in checking().check(body).violations] == [rule]
    assert checking().check(REPLACEMENT).valid


@pytest.mark.parametrize(
    ("own", "replaced", "attribute"),
    [
        ('"1.2.3" extension="a"', '"1.2.3" extension="b"', "extension"),
        ('"1.2.3"', '"1.2.3" extension="b"', "extension"),
        ('"1.2.3" extension="a"', '"1.2.3"', "root"),
        ('"1.2.3" extension="a"', '"1.2.4" extension="a"', "root"),
    ],
)
def test_a_set_is_its_root_and_its_extension(own: str, replaced: str, attribute: str) -> None:
    body, _, rest = certificate("1.2.3.2", 2, "1.2.3.1").partition(b'<setId root="1.2.3"/>')
    of_own = f"<setId root={own}/>".encode()
    same = rest.replace(b'<setId root="1.2.3"/>', of_own)
    assert checking().check(body + of_own + same).valid
    other = rest.replace(b'<setId root="1.2.3"/>', f"<setId root={replaced}/>".encode())
    [found] = checking().check(body + of_own + other).violations
    assert found.rule == "certificates.set"
    assert found.path.endswith(f"parentDocument/setId/@{attribute}")


@pytest.mark.parametrize("spelled", ["+2", " 2 ", "02", "2000000000", "2.0", "0", "٢"])
def test_a_version_has_one_spelling(spelled: str) -> None:
    """Else `+2` would need no document that it replaces, and be none of the versions known."""
    body = certificate("1.2.3.2", 2).decode()
    body = body.replace('versionNumber value="2"', f'versionNumber value="{spelled}"')
    found = checking().check(body.encode()).violations
    assert any(each.rule.startswith("xsd.") for each in found)


async def test_long_ids_that_begin_alike_are_different(tmp_path: Path) -> None:
    async with running(tmp_path) as luova:
        for number in range(2):
            extension = f'1.2.3" extension="{"x" * 200}{number}'
            body = certificate(extension, 1, of_set=extension)
            assert told(await luova.certify(f"a{number}", body)) == []


@pytest.mark.parametrize(
    ("severe", "kind"), [("refuse", "rejected"), ("warn", "accepted"), ("off", "accepted")]
)
async def test_an_answer_to_nobodys_question(tmp_path: Path, severe: str, kind: str) -> None:
    async with running(tmp_path, rules={"unasked_answers": severe}) as luova:
        rules = [] if severe == "off" else ["luova.question"]
        for number, hints in enumerate(({}, {"conversation": "q-1"})):
            unasked = await luova.send(
                "tax-administration", "tax.response", RESPONSE, f"early-{number}", **hints
            )
            assert (unasked.kind, told(unasked)) == (kind, rules)
        asked = await luova.send("kela.tax", "tax.request", REQUEST, "q-1")
        assert asked.kind == "accepted"
        answer = await luova.send(
            "tax-administration", "tax.response", RESPONSE, "in-time", conversation="q-1"
        )
        assert (answer.kind, told(answer)) == ("accepted", [])


async def test_a_question_of_another_type_is_none(tmp_path: Path) -> None:
    async with running(tmp_path, rules={"unasked_answers": "refuse"}) as luova:
        query = next((FAMILIES / "pension/samples/valid").glob("pension.work-history-query--*"))
        sent = await luova.send("kela.tax", "pension.work-history-query", query.read_bytes(), "q")
        assert sent.kind == "accepted", sent.violations
        answer = await luova.send(
            "tax-administration", "tax.response", RESPONSE, "a", conversation="q"
        )
        assert told(answer) == ["luova.question"]
        assert "tax.request" in answer.violations[0].expected


async def test_only_who_was_asked_answers(tmp_path: Path) -> None:
    valid = FAMILIES / "pension/samples/valid"
    query = next(valid.glob("pension.accident-data-query--*")).read_bytes()
    data = next(valid.glob("pension.accident-data--*")).read_bytes()
    async with running(tmp_path, rules={"unasked_answers": "refuse"}) as luova:
        asker = next(
            each.id
            for each in luova.exchange.directory
            if each.business_id and each.business_id.encode() in query
        )
        sent = await luova.send(asker, "pension.accident-data-query", query, "q")
        assert sent.kind == "accepted", sent.violations
        hints = {"receiver": asker, "conversation": "q"}
        other = await luova.send("kela.pensions", "pension.accident-data", data, "a", **hints)
        assert told(other) == ["luova.question"]
        asked = await luova.send("kela.accident-data", "pension.accident-data", data, "b", **hints)
        assert (asked.kind, told(asked)) == ("accepted", [])
