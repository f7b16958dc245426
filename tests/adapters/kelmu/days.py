"""An exchange in this process whose days pass when a test wants, and what is sent over Kelmu there;
no assertion.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.request import urlopen

from exchange.adapters.kelmu import generate
from exchange.client import Push
from exchange.client.kelmu import File
from exchange.schemas.instants import FINLAND
from exchange.testing.embedded import Embedded, OwnPartner

COUNTY, OTHER, KELA = "county.pirkanmaa", "county.kainuu", "kela.benefits"
PERSON = "220984V9880"
STATEMENTS = ["social-care-statement", "service-needs-assessment"]
DOCUMENT = {
    "person": PERSON,
    "matter": "basic-social-assistance",
    "document_kind": "rental-agreement",
    "requested_by_client": True,
    "user": "sos1",
}
PDF = File("sopimus.pdf", "application/pdf", generate.pdf("Vuokrasopimus"))
PNG = File("kuva.png", "image/png", generate.png(3, 2, 128))
#: No picture, but begun and ended as one.
JPEG = File("kuva.jpg", "image/jpeg", b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(40) + b"\xff\xd9")


def today(served: Embedded) -> datetime.date:
    """The day in Finland."""
    return datetime.datetime.fromtimestamp(served.clock.seconds(), FINLAND).date()


def advance_to(served: Embedded, day: datetime.date, hour: int, minute: int = 0) -> None:
    """Put the time forward to that time of a day in Finland."""
    at = datetime.datetime(day.year, day.month, day.day, hour, minute, tzinfo=FINLAND)
    served.clock.advance(seconds=max(0.0, at.timestamp() - served.clock.seconds()))


def tomorrow(served: Embedded, hour: int) -> datetime.date:
    """Go on to that hour of the next day; the day."""
    day = today(served) + datetime.timedelta(days=1)
    advance_to(served, day, hour)
    return day


def request(served: Embedded, **changed: Any) -> dict[str, Any]:
    """An information request that is to be answered within a week."""
    answer_by = today(served) + datetime.timedelta(days=7)
    return {
        "county": COUNTY,
        "person": PERSON,
        "benefit": "basic-social-assistance",
        "statements": STATEMENTS,
        "question": "Onko palvelutarve arvioitu?",
        "user": "kela0417",
        "answer_by": answer_by.isoformat(),
        **changed,
    }


def answer(reference: str) -> dict[str, Any]:
    """Its answer: there is nothing to state."""
    given = [{"statement": name, "known": False} for name in STATEMENTS]
    return {"information_request": reference, "given": given, "user": "sos1"}


def notice(kind: str, authority: str = COUNTY, **more: Any) -> dict[str, Any]:
    """A notice of that kind."""
    return {
        "authority": authority,
        "notice_kind": kind,
        "person": PERSON,
        "user": "kela0417",
        **more,
    }


def pushed(
    partner: OwnPartner, message_type: str, conversation: str, count: int = 1
) -> Sequence[Push]:
    """What was pushed to a partner of that type about a request or a notice, once there are so
    many; with a count of 0 what there is.
    """

    def wanted(push: Push) -> bool:
        about = (push.headers.get("X-Information-Request"), push.headers.get("X-Notice"))
        return push.message_type == message_type and conversation in about

    if not count:
        return partner.pushes.received(wanted)
    return partner.pushes.await_received(count, where=wanted)


def counted(served: Embedded, message_type: str) -> Counter[str]:
    """The counters of a message type by kind, as the operators' API tells them."""
    with urlopen(f"{served.address}/api/v1/counters?by=message_type,kind") as answered:
        rows = json.loads(answered.read())
    return Counter(
        {row["kind"]: row["count"] for row in rows if row["message_type"] == message_type}
    )
