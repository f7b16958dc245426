"""The first steps of the way for Kelmu and without a ledger: read and judge a message of an
organisation; no assertion.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any

from exchange.adapters.kelmu.channel import CHANNEL
from exchange.journey.validate import Judge, Judgement, Reading
from exchange.ports import Context, Inbound, Remembered
from exchange.schemas import directory
from exchange.schemas.catalogue import Catalogue

DIRECTORY = directory.load()
JUDGE = Judge(Catalogue.load())
NOW = int(datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC).timestamp() * 1000)
QUERY: Mapping[str, Any] = {
    "person": "140890-9423",
    "purpose": "supplementary-social-assistance",
    "legal_ground": "1412/1997 14 §",
    "user": "anna.k",
    "benefits": ["basic-social-assistance", "general-housing-allowance"],
    "data_groups": ["decision", "payments"],
    "from": "2025-09-01",
    "to": "2026-03-02",
}
COUNTY, PENSIONS, KELA = "county.pirkanmaa", "pension.elo", "kela.benefits"


def judge(
    document: Any,
    partner: str = COUNTY,
    message_type: str = "kelmu.benefit-query",
    known: Mapping[str, Remembered] | None = None,
    **hints: str,
) -> tuple[Reading, Judgement]:
    """What the journey makes of it, storing and routing left out."""
    found = DIRECTORY.get(partner)
    assert found is not None, partner
    said = {"type": message_type, "id": "q-1"} | {
        name.replace("_", "-"): text for name, text in hints.items()
    }
    reading = JUDGE.read(
        CHANNEL, Inbound(found, json.dumps(document).encode(), "application/json", "api", said)
    )
    return reading, JUDGE.decide(CHANNEL, reading, Context(DIRECTORY, NOW, known or {}))


def rules_of(
    document: Any, partner: str = COUNTY, message_type: str = "kelmu.benefit-query", **more: Any
) -> list[str]:
    """The rules that it breaks, sorted."""
    return sorted(
        violation.rule for violation in judge(document, partner, message_type, **more)[1].violations
    )
