"""A large delivery is judged in pieces: the same verdict as whole, each fault where it stands, in a
fraction of the memory.
"""

from __future__ import annotations

import dataclasses
import datetime
import random
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureMethod
from signxml.signer import XMLSigner

from exchange.adapters.income_register import generate, parse, spans
from exchange.assembly import Exchange
from exchange.benchmarks.income_delivery import measure
from exchange.ports import Inbound
from exchange.settings import Settings
from tests.adapters.income_register.clients import UNSIGNED, key_and_certificate, raw

EMPLOYER, REPORTS = "employer.demo-oy", 350


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliveries of a quarter of a megabyte are cut."""
    monkeypatch.setattr(parse, "LARGE_BYTES", 250_000)
    monkeypatch.setattr(spans, "LARGE_BYTES", 250_000)
    monkeypatch.setattr(spans.cut, "__defaults__", (250_000,))


def delivery(exchange: Exchange, name: str) -> bytes:
    """A deferred delivery of 350 reports in an envelope."""
    partner = exchange.directory.get(EMPLOYER)
    assert partner is not None
    day = datetime.datetime.now(datetime.UTC).date()
    batch = generate.Batch(partner.business_id, partner.business_id, day, name, REPORTS, False)
    head = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>\n'
    return head + generate.wage_delivery(random.Random(3), batch) + b"</s:Body></s:Envelope>"


def spoilt(body: bytes, old: bytes, new: bytes, number: int) -> bytes:
    """The body with one occurrence of something replaced."""
    at = -1
    for _ in range(number):
        at = body.index(old, at + 1)
    return body[:at] + new + body[at + len(old) :]


async def outcome_of(folder: Path, body_of: Any) -> tuple[Any, list[Any]]:
    """What becomes of it, and its violations."""
    storage = {"url": f"sqlite:///{folder}/exchange.db"}
    exchange = Exchange(Settings(storage=storage, recognition={"enabled": False}, rules=UNSIGNED))
    await exchange.open(deliver=False)
    try:
        partner = exchange.directory.get(EMPLOYER)
        assert partner is not None
        body = body_of(exchange)
        outcome = await exchange.desk(exchange.channels["income-register"]).accept(
            Inbound(partner, body, "text/xml", "deferred")
        )
        detail = {key: value for key, value in outcome.envelope.detail.items() if key != "header"}
        return (outcome.kind, outcome.reason, detail), [
            dataclasses.replace(each) for each in outcome.violations
        ]
    finally:
        await exchange.close()


CHANGES: dict[str, tuple[bytes, bytes, int]] = {
    "nothing": (b"<Reports>", b"<Reports>", 1),
    "a rule": (b"<HoursPerWeek>", b"<HoursPerWeek>9", 300),
    "the schema": (b"<Employed>true</Employed>", b"<Emplyed>true</Emplyed>", 175),
    "a tag": (b"<Employed>", b"<Emplyed>", 175),
    "not well-formed": (b"</Transaction>", b"</Transactio>", 450),
    "one report twice": (b"-0350</ReportId>", b"-0001</ReportId>", 1),
    "a comment": (b"<Transactions>", b"<!-- x --><Transactions>", 250),
    "a reference": (b"<LastName>", b"<LastName>&#65;", 250),
    "a report in a report": (b"</IncomeEarner>", b"</IncomeEarner><Report></Report>", 250),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_pieces_and_whole_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    def body_of(exchange: Exchange) -> bytes:
        return spoilt(delivery(exchange, "P-1"), *CHANGES[change])

    in_pieces = await outcome_of(tmp_path / "pieces", body_of)
    monkeypatch.setattr(parse, "LARGE_BYTES", 1 << 30)
    whole = await outcome_of(tmp_path / "whole", body_of)
    assert in_pieces == whole


@pytest.mark.parametrize("way", ["EXCLUSIVE_XML_CANONICALIZATION_1_0", "CANONICAL_XML_1_0"])
@pytest.mark.parametrize("forged", [False, True])
async def test_the_signature_of_a_large_delivery_is_verified_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, forged: bool
) -> None:
    pem, certificate = key_and_certificate()
    signer = XMLSigner(
        signature_algorithm=SignatureMethod.RSA_SHA256, c14n_algorithm=CanonicalizationMethod[way]
    )

    def body_of(exchange: Exchange) -> bytes:
        envelope = etree.fromstring(delivery(exchange, "P-3"))
        done = raw(
            signer.sign(etree.fromstring(raw(envelope[0][0])), key=pem, cert=certificate.decode())
        )
        body = (
            b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
            + done
            + b"</s:Body></s:Envelope>"
        )
        assert spans.cut(body) is not None
        return spoilt(body, b"<HoursPerWeek>", b"<HoursPerWeek>1", 300) if forged else body

    in_pieces = await outcome_of(tmp_path / "pieces", body_of)
    assert (
        in_pieces[0][0],
        [each.rule for each in in_pieces[1] if each.severity == "error"][:1],
    ) == (("rejected", ["ir.signature"]) if forged else ("accepted", []))
    monkeypatch.setattr(parse, "LARGE_BYTES", 1 << 30)
    whole = await outcome_of(tmp_path / "whole", body_of)
    assert [each.rule for each in in_pieces[1]] == [each.rule for each in whole[1]]
    assert in_pieces[0][:2] == whole[0][:2]


def test_what_is_cut_gives_back_every_report_once(tmp_path: Path) -> None:
    exchange = Exchange(
        Settings(storage={"url": f"sqlite:///{tmp_path}/exchange.db"}, rules=UNSIGNED)
    )
    body = delivery(exchange, "P-2")
    cut = spans.cut(body)
    assert cut is not None
    names = [each[b"ReportId"] for each in cut.references()]
    assert names == [f"P-2-{index + 1:04d}".encode() for index in range(REPORTS)]
    assert (
        b"".join(piece[cut.start : len(piece) - (len(body) - cut.end)] for piece in cut)
        == body[cut.start : cut.end]
    )
    assert spans.cut(body[:200_000]) is None, "what is small is read as a whole"


async def test_a_large_delivery_takes_less_than_thrice_its_size() -> None:
    figures = await measure(4000, 1)
    assert figures.peak_mib < 3 * figures.megabytes + 30, figures
