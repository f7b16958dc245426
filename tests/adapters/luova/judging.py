"""The first steps of the way for Luova and without a ledger: read and judge a message of a partner;
no assertion.
"""

from __future__ import annotations

import datetime
from typing import Any

from exchange.adapters.luova.channel import CHANNEL
from exchange.journey.validate import Judge, Judgement, Reading
from exchange.ports import Context, Destination, Inbound
from exchange.schemas import directory
from exchange.schemas.catalogue import Catalogue

DIRECTORY = directory.load()
JUDGE = Judge(Catalogue.load())
NOON = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)
NOW = int(NOON.timestamp() * 1000)
NOTHING_NEW = b'{"viimeisinKirjausavain":1,"muutokset":[],"ajanTasalla":true}'


def inbound(body: bytes = NOTHING_NEW, partner: str = "dvv", **hints: str) -> Inbound:
    """A message as the submit endpoint hands it on; `type` and `id` have defaults, an empty
    hint is one that was left out.
    """
    found = DIRECTORY.get(partner)
    assert found is not None, partner
    said = {"type": "population.changes", "id": "m-1"} | hints
    return Inbound(
        found,
        body,
        "application/json",
        "api",
        {name: text for name, text in said.items() if text or name in ("type", "id")},
    )


def judge(message: Inbound, now: int = NOW) -> tuple[Reading, Judgement]:
    """What the journey makes of it, routing left out."""
    reading = JUDGE.read(CHANNEL, message)
    return reading, JUDGE.decide(CHANNEL, reading, Context(DIRECTORY, now))


def rules_of(message: Inbound, now: int = NOW) -> list[str]:
    """The rules that it breaks."""
    return [violation.rule for violation in judge(message, now)[1].violations]


def route(message: Inbound) -> list[Destination]:
    """Where it goes, by what the journey hands to `route`."""
    reading, judgement = judge(message)
    assert reading.parsed is not None
    assert reading.identity is not None
    return list(CHANNEL.route(reading.parsed, reading.identity, judgement.verdict, DIRECTORY))


def detail(message: Inbound) -> dict[str, Any]:
    """What is kept with an accepted message."""
    return judge(message)[1].verdict.detail
