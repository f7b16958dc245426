"""Judges deliveries as the journey does: by a channel that has seen others before, and by one that
has not.
"""

from __future__ import annotations

import datetime
import random
from typing import Any

from exchange.adapters.income_register import generate, parse
from exchange.adapters.income_register.channel import declare
from exchange.adapters.income_register.recognition import RecognitionCache
from exchange.adapters.income_register.recognition.header import key_of
from exchange.journey.validate import Judge
from exchange.ports import Channel, Context, Inbound
from exchange.schemas import directory
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import Partner
from exchange.schemas.income_register.in_force import period_of

EVERYBODY = directory.load()
NOW = int(datetime.datetime(2026, 3, 3, tzinfo=datetime.UTC).timestamp() * 1000)
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
JUDGE = Judge(Catalogue.load())
#: What the channel of these tests has learned, and the same channel without it.
KNOWN = RecognitionCache()
CHANNEL, UNAIDED = declare(KNOWN), declare(None)


def _employer() -> Partner:
    found = EVERYBODY.get("employer.demo-oy")
    assert found is not None
    return found


EMPLOYER = _employer()


def inbound(body: bytes) -> Inbound:
    """A delivery that the employer sends."""
    return Inbound(EMPLOYER, body, "text/xml", "deferred")


def delivery(seed: int, reports: int = 1, kind: str = "wages") -> bytes:
    """A valid delivery of wages, or of benefits of a kind."""
    payer, day = EMPLOYER.business_id, datetime.date(2026, 3, 2)
    batch = generate.Batch(payer, payer, day, f"A-{seed}", reports, False)
    rng = random.Random(seed)
    return (
        generate.wage_delivery(rng, batch)
        if kind == "wages"
        else generate.benefit_delivery(rng, batch, kind)
    )


def judged(body: bytes, channel: Channel = CHANNEL) -> tuple[Any, ...]:
    """The verdict, every violation as the journey tells it, and the identity."""
    reading = JUDGE.read(channel, inbound(body))
    judgement = JUDGE.decide(channel, reading, Context(EVERYBODY, NOW))
    detail = {key: value for key, value in judgement.verdict.detail.items() if key != "known"}
    told = [each.as_dict() for each in judgement.violations]
    return judgement.verdict.accepted, detail, judgement.reason, told, reading.identity


def judged_anew(body: bytes) -> tuple[Any, ...]:
    """The same by a channel that recognises nothing."""
    return judged(body, UNAIDED)


def rules_broken(told: tuple[Any, ...]) -> set[str]:
    """The rules that a judgement names."""
    return {violation["rule"] for violation in told[3]}


def header_key(body: bytes, kind: str = "100") -> bytes | None:
    """The key of a header in the period of `delivery`."""
    data = parse.read_whole(inbound(body)).document.find("DeliveryData")
    return key_of(body, data, f"{kind} {period_of((2026, 3, 2)).number}")


def is_known_header(body: bytes, kind: str = "100") -> bool:
    """Whether the channel knows the header of a delivery."""
    return KNOWN.headers.find(header_key(body, kind)) is not None


def reports_left_out(body: bytes) -> int:
    """How many reports of a delivery the channel knows by the forms that they are written in."""
    abridged = parse.parse(inbound(body), KNOWN).abridged
    return sum(each is not None for each in abridged.references) if abridged is not None else 0
