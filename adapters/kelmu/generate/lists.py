"""Valid synthetic lists of Kelmu and the questions for them: whom the stub of the benefit register
puts on an authority's list of a month.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import random
from collections.abc import Mapping
from typing import Any

from exchange.schemas.call import JSON
from exchange.schemas.directory import MUNICIPALITY_CODES
from exchange.schemas.generated import Generated
from exchange.schemas.persons import Life, person
from exchange.schemas.persons.reported_deaths import TOLD

#: Lists by who asks for them, with purpose and act.
_ASKED: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "municipality": (
        ("labour-market-support-invoice", "labour-market-support-share", "1290/2002"),
        ("child-care-support", "early-education-fees", "1503/2016"),
    ),
    "wellbeing-county": (
        ("labour-market-support-300-days", "social-services", "1301/2014"),
        ("front-veterans-supplement", "client-fees", "734/1992"),
        ("care-abroad-reimbursements", "client-fees", "734/1992"),
    ),
}
_ENTRIES = 12
#: How many are drawn for a list; where few live, it is shorter.
_DRAWN_MAX = 400
#: From and to which age in years somebody may be on a list.
_AGES = {"front-veterans-supplement": (96, 120), "child-care-support": (20, 50)}


def list_query(
    rng: random.Random, day: datetime.date, serial: int, asker: str = "wellbeing-county"
) -> Generated:
    """A list of the month before, or the last one that came out."""
    name, purpose, act = rng.choice(_ASKED.get(asker, _ASKED["wellbeing-county"]))
    month = (day.replace(day=1) - datetime.timedelta(days=1)).isoformat()[:7]
    if name == "care-abroad-reimbursements":
        month = f"{day.year}-{'07' if day.month >= 7 else '01'}"
    asked = {
        "list": name,
        "period": month,
        "purpose": purpose,
        "legal_ground": act,
        "user": f"user{rng.randint(1, 400):04d}",
    }
    return _encoded(asked, f"l-{serial:x}-{rng.getrandbits(32):08x}")


def _encoded(value: dict[str, Any], message_id: str) -> Generated:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Generated(body, JSON, message_id)


def listed(query: Mapping[str, Any], asker: str) -> dict[str, Any]:
    """The list that an authority asks for: the same whenever it asks."""
    name, period = query["list"], query["period"]
    digest = hashlib.blake2b(f"{name}/{period}/{asker}".encode(), digest_size=8).digest()
    rng = random.Random(digest)
    year, month = int(period[:4]), int(period[5:7])
    first = datetime.date(year, month, 1)
    last = (first + datetime.timedelta(days=31)).replace(day=1) - datetime.timedelta(days=1)
    entries, seen = [], set[str]()
    for _ in range(_DRAWN_MAX):
        # (Of an authority without a municipality of its own it is not told where its people live.)
        life = _somebody(rng, name, first, MUNICIPALITY_CODES.get(asker, ""))
        # (Nobody that old lives in that month, or of that age.)
        if life is None:
            continue
        code = life.code_on(first.toordinal())
        entry = _entry(rng, name, life, first, last)
        if code in seen or entry is None or TOLD.death(life) < last.toordinal():
            continue
        seen.add(code)
        entries.append({"person": code, **entry})
        if len(entries) == _ENTRIES:
            break
    return {"list": name, "period": period, "entries": entries}


def _somebody(
    rng: random.Random, name: str, first: datetime.date, municipality: str
) -> Life | None:
    youngest, oldest = _AGES.get(name, (18, 65))
    born_after = datetime.date(max(first.year - oldest, 1900), 1, 1)
    try:
        found = person(rng, first, born_after, datetime.date(first.year - youngest - 1, 12, 31))
    except ValueError:
        return None
    return found.life if not municipality or found.home.municipality == municipality else None


def _entry(
    rng: random.Random, name: str, life: Life, first: datetime.date, last: datetime.date
) -> dict[str, Any] | None:
    """What the list tells of one person; None when the person can't be on it."""
    span = {"from": first.isoformat(), "to": last.isoformat()}
    paid = {
        "paid_on": last.isoformat(),
        "amount": round(rng.uniform(80, 900), 2),
    }
    match name:
        case "labour-market-support-invoice":
            return {**span, "days": rng.randint(1, 22), **paid}
        case "labour-market-support-300-days":
            return {"to": last.isoformat(), "days": rng.randint(300, 1_000)}
        case "front-veterans-supplement":
            return {"from": first.isoformat()}
        case "care-abroad-reimbursements":
            return {**paid, "country": rng.choice(("EE", "SE", "ES", "DE"))}
    young = [child for child in life.children if 300 <= first.toordinal() - child.birth <= 1_090]
    if not young:
        return None
    return {"child": young[0].code_on(first.toordinal()), **span, **paid}


def list_answer(rng: random.Random, day: datetime.date, serial: int) -> Generated:
    """The register's answer to some question."""
    query = list_query(rng, day, serial)
    told = listed(json.loads(query.body), "county.pirkanmaa")
    return _encoded(told, f"a-{serial:x}-{rng.getrandbits(32):08x}")
